//! The mark at the end of many streams: an event that says `[DONE]`, and nothing else.

const MARK: &[u8] = b"[DONE]";

/// Looks for the mark as the only content of a document.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    /// How much of the mark passed.
    matched: usize,
    /// Whether something else passed, too.
    is_other: bool,
}

impl Done {
    /// The next bytes of a document.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.is_other {
            return;
        }
        for byte in bytes {
            let is_inside = (1..MARK.len()).contains(&self.matched);
            if MARK.get(self.matched) == Some(byte) {
                self.matched = self.matched.saturating_add(1);
            } else if is_inside || !byte.is_ascii_whitespace() {
                self.is_other = true;
                return;
            }
        }
    }

    /// The document ended: whether it was the mark.
    pub(super) fn finish(&mut self) -> bool {
        let Self { matched, is_other } = std::mem::take(self);
        !is_other && matched == MARK.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_alone_in_any_split() {
        for (document, expected) in [
            ("[DONE]", true),
            (" [DONE]\n", true),
            ("[DONE] [DONE]", false),
            ("[DO NE]", false),
            ("[DONE", false),
            ("\"[DONE]\"", false),
            ("{\"content\":\"[DONE]\"}", false),
            ("[]", false),
            ("", false),
        ] {
            for piece in 1..=document.len().max(1) {
                let mut done = Done::default();
                document.as_bytes().chunks(piece).for_each(|bytes| done.push(bytes));
                assert_eq!(done.finish(), expected, "{document}");
                assert_eq!(done.matched, 0);
            }
        }
    }
}
