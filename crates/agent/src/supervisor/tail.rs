//! The last bytes of a stream, as text.

use crate::secret::Secrets;

/// Bytes kept of a step's stdout, and as many of its stderr.
pub(super) const TAIL_LEN: usize = 4096;

/// Keeps the end of what flows through.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    cut: bool,
}

impl Tail {
    pub(super) fn push(&mut self, more: &[u8]) {
        self.bytes.extend_from_slice(more);
        // Cutting only every so often keeps a flood of small writes from being moved each time.
        if self.bytes.len() > 4 * TAIL_LEN {
            self.trim();
        }
    }

    fn trim(&mut self) {
        let excess = self.bytes.len().saturating_sub(TAIL_LEN);
        self.cut |= excess > 0;
        self.bytes.drain(..excess);
    }

    /// At most [`TAIL_LEN`] bytes of text that begin with a whole character; what is not UTF-8
    /// shows as replacement characters.
    pub(super) fn text(&mut self, secrets: &Secrets) -> String {
        self.trim();
        let mut bytes = self.bytes.as_slice();
        if self.cut {
            let continuation = bytes.iter().take(3);
            let broken = continuation.take_while(|byte| **byte & 0xc0 == 0x80);
            bytes = &bytes[broken.count()..];
        }
        let text = String::from_utf8_lossy(bytes);
        // Each replacement character is longer than the byte that it stands for.
        let mut from = text.len().saturating_sub(TAIL_LEN);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        match self.cut || from > 0 {
            true => secrets.mask_tail(&text[from..]),
            false => secrets.mask(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(bytes: &[u8]) -> String {
        let mut tail = Tail::default();
        for chunk in bytes.chunks(1000) {
            tail.push(chunk);
        }
        tail.text(&Secrets::default())
    }

    #[test]
    fn short_output_is_kept_whole() {
        assert_eq!(tail_of("grün\n".as_bytes()), "grün\n");
        assert_eq!(tail_of(b""), "");
    }

    #[test]
    fn a_megabyte_leaves_its_last_bytes() {
        let mut bytes = vec![b'x'; 1 << 20];
        bytes.extend_from_slice(b"the end");
        let text = tail_of(&bytes);
        assert_eq!(text.len(), TAIL_LEN);
        assert!(text.ends_with("xxthe end"));
    }

    #[test]
    fn a_character_is_never_cut() {
        let text = tail_of("€".repeat(5000).as_bytes());
        assert!(text.len() > TAIL_LEN - 3 && text.len() <= TAIL_LEN);
        assert!(text.chars().all(|c| c == '€'), "{text}");
    }

    #[test]
    fn what_is_not_text_stays_within_the_bound() {
        let text = tail_of(&[0xff; 10_000]);
        assert!(text.len() <= TAIL_LEN);
        assert!(text.chars().all(|c| c == '\u{fffd}'));
    }
}
