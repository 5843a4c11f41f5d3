//! Scalars at chosen places of JSON documents, as they stream by.
