//! Digests of content. Source: OCI image specification, "Digests".

use crate::ImageError;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    io::{self, Write},
    str::FromStr,
};

/// The algorithm that registries and image builders use, and the only one that is accepted.
const ALGORITHM: &str = "sha256";
const HEX_DIGITS: usize = 64;

/// The SHA-256 of content, written `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(Sha256::digest(bytes).as_slice())
    }

    /// The hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// Checks content against this digest.
    ///
    /// # Errors
    ///
    /// [`ImageError::WrongDigest`].
    pub fn check(&self, bytes: &[u8]) -> Result<(), ImageError> {
        self.require(&Self::of(bytes))
    }

    /// Compares this digest with that of the content that was received.
    ///
    /// # Errors
    ///
    /// [`ImageError::WrongDigest`].
    pub fn require(&self, received: &Self) -> Result<(), ImageError> {
        if self == received {
            Ok(())
        } else {
            Err(ImageError::WrongDigest { expected: self.clone(), received: received.clone() })
        }
    }

    fn from_hash(hash: &[u8]) -> Self {
        Self(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl FromStr for Digest {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        let is_hex = |hex: &str| {
            hex.len() == HEX_DIGITS && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        match text.split_once(':') {
            Some((ALGORITHM, hex)) if is_hex(hex) => Ok(Self(hex.to_owned())),
            _ => Err(ImageError::MalformedDigest(text.chars().take(2 * HEX_DIGITS).collect())),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{ALGORITHM}:{}", self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = ImageError;

    fn try_from(text: String) -> Result<Self, ImageError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// Passes on what is written to it, and computes its digest and its length.
#[derive(Debug)]
pub struct DigestWriter<W> {
    inner: W,
    hash: Sha256,
    length: u64,
}

impl<W: Write> DigestWriter<W> {
    /// Nothing is written yet.
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), length: 0 }
    }

    /// The number of bytes written so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The writer, and the digest of what it was given.
    pub fn finish(self) -> (W, Digest) {
        (self.inner, Digest::from_hash(self.hash.finalize().as_slice()))
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: FIPS 180-2, appendix B.1.
    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_digest_is_that_of_the_standard_and_survives_its_text() {
        assert_eq!(Digest::of(b"abc").to_string(), ABC);
        assert_eq!(ABC.parse::<Digest>().expect("a digest"), Digest::of(b"abc"));
    }

    #[test]
    fn other_content_is_refused() {
        assert!(Digest::of(b"abc").check(b"abc").is_ok());
        assert!(matches!(Digest::of(b"abc").check(b"abd"), Err(ImageError::WrongDigest { .. })));
    }

    #[test]
    fn only_lower_case_sha256_is_accepted() {
        let upper = ABC.replace("ba78", "BA78");
        let sha512 = format!("sha512:{}", "0".repeat(128));
        for text in ["", "abc", "sha256:", "sha256:../../etc/passwd", &ABC[..70], &upper, &sha512] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_writer_computes_digest_and_length() {
        let mut writer = DigestWriter::new(Vec::new());
        writer.write_all(b"a").and_then(|()| writer.write_all(b"bc")).expect("written");
        assert_eq!(writer.length(), 3);
        assert_eq!(writer.finish(), (b"abc".to_vec(), Digest::of(b"abc")));
    }
}
