//! What a call was about.
