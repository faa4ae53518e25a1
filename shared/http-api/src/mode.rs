//! Permission bits in JSON: octal digits in a string, since JSON has no octal numbers.

use alloc::{string::String, vec::Vec};
use core::{fmt, str, str::FromStr};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

/// Permission bits, written as three octal digits such as `"644"`. A zero before them is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub u32);

/// A text is not permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a mode is three octal digits, such as \"644\"")]
pub struct MalformedMode;

// By hand, since every byte of the composed component counts.
impl Mode {
    fn digits(self) -> [u8; 3] {
        [6, 3, 0].map(|shift| b'0' + ((self.0 >> shift) & 7) as u8)
    }
}

impl FromStr for Mode {
    type Err = MalformedMode;

    fn from_str(text: &str) -> Result<Self, MalformedMode> {
        let digits = text.strip_prefix('0').filter(|_| text.len() == 4).unwrap_or(text).as_bytes();
        let is_octal = digits.len() == 3 && digits.iter().all(|digit| matches!(digit, b'0'..=b'7'));
        let mode = digits.iter().fold(0, |mode, digit| (mode << 3) | u32::from(digit & 7));
        if is_octal { Ok(Self(mode)) } else { Err(MalformedMode) }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Paths and their permission bits, an object in JSON.
// Not a map, which would cost the composed component 5 KiB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes(pub Vec<(String, Mode)>);

impl Modes {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Modes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(path, mode)| (path, mode)))
    }
}

impl<'de> Deserialize<'de> for Modes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Modes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of modes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Modes, A::Error> {
                let mut modes = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    modes.push(entry);
                }
                Ok(Modes(modes))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Mode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^0?[0-7]{3}$"))
            .description(Some("Permission bits as octal digits."))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Mode {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_mode_is_octal_digits() {
        for (text, mode) in [("644", 0o644), ("0755", 0o755), ("000", 0), ("777", 0o777)] {
            assert_eq!(text.parse(), Ok(Mode(mode)), "{text}");
        }
        assert_eq!(Mode(0o7).to_string(), "007");
        for text in ["", "64", "00644", "1777", "4755", "+44", "648", "rwx", "-644", "6 4"] {
            assert_eq!(text.parse::<Mode>(), Err(MalformedMode), "{text}");
        }
        assert!(serde_json::from_str::<Mode>("420").is_err());
    }
}
