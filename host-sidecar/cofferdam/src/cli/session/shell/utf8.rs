//! Which bytes are parts of a UTF-8 character. Pure.

/// The character that is being read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Utf8 {
    lead: u8,
    /// Bytes that are missing.
    missing: u8,
    /// Whether the next byte is the second of the character.
    is_second: bool,
}

/// What a byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// A character of one byte, or no part of a character.
    Single,
    /// The first byte of a character.
    Lead,
    /// A later byte of the character with this first byte.
    Continuation { lead: u8, last: bool },
}

impl Utf8 {
    pub(super) fn next(&mut self, byte: u8) -> Expected {
        if self.missing > 0 && self.continues(byte) {
            self.missing -= 1;
            self.is_second = false;
            return Expected::Continuation { lead: self.lead, last: self.missing == 0 };
        }
        self.missing = match byte {
            0xc2..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf4 => 3,
            _ => 0,
        };
        self.lead = byte;
        self.is_second = true;
        if self.missing == 0 { Expected::Single } else { Expected::Lead }
    }

    /// Whether a byte continues the character: the second byte of some has a smaller range (RFC 3629, 4).
    fn continues(self, byte: u8) -> bool {
        let range = match self.lead {
            0xe0 if self.is_second => 0xa0..=0xbf,
            0xed if self.is_second => 0x80..=0x9f,
            0xf0 if self.is_second => 0x90..=0xbf,
            0xf4 if self.is_second => 0x80..=0x8f,
            _ => 0x80..=0xbf,
        };
        range.contains(&byte)
    }
}
