//! Quantities in the format of Kubernetes: bytes such as `512Mi`, and CPU such as `500m`. Also seconds.

use serde::{
    Deserialize, Serialize,
    de::{self, Visitor},
};
use std::{fmt, marker::PhantomData, str::FromStr, time::Duration};

/// The text is not a quantity of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct MalformedQuantity {
    text: String,
    expected: &'static str,
}

/// Bytes, such as `67108864`, `64Mi`, `1Gi` or `500M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// Thousandths of a CPU, such as `500m`, `2` or `1.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpu(pub u32);

/// Seconds, such as `300` or `1.5`: at least a millisecond, at most ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub Duration);

/// A quantity with a description of its format.
trait ExpectedFormat {
    const EXPECTED: &'static str;
}

impl ExpectedFormat for Bytes {
    const EXPECTED: &'static str = "an amount of bytes such as 64Mi";
}

impl ExpectedFormat for Cpu {
    const EXPECTED: &'static str = "an amount of CPU such as 500m or 2";
}

impl ExpectedFormat for Seconds {
    const EXPECTED: &'static str = "a number of seconds such as 300 or 1.5";
}

/// The longest time that can be set.
const MAX_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;

impl FromStr for Bytes {
    type Err = MalformedQuantity;

    fn from_str(text: &str) -> Result<Self, MalformedQuantity> {
        const UNITS: [(&str, u64); 9] = [
            ("Ki", 1 << 10),
            ("Mi", 1 << 20),
            ("Gi", 1 << 30),
            ("Ti", 1 << 40),
            ("k", 1_000),
            ("M", 1_000_000),
            ("G", 1_000_000_000),
            ("T", 1_000_000_000_000),
            ("", 1),
        ];
        let malformed = || MalformedQuantity { text: text.into(), expected: Self::EXPECTED };
        let (number, unit) = UNITS
            .iter()
            .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
            .ok_or_else(malformed)?;
        let bytes = digits(number).and_then(|number| number.checked_mul(*unit)).filter(|bytes| *bytes > 0);
        bytes.map(Self).ok_or_else(malformed)
    }
}

impl FromStr for Cpu {
    type Err = MalformedQuantity;

    fn from_str(text: &str) -> Result<Self, MalformedQuantity> {
        let malformed = || MalformedQuantity { text: text.into(), expected: Self::EXPECTED };
        let millis = match text.strip_suffix('m') {
            Some(millis) => digits(millis),
            None => {
                let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
                let zeros = 3_usize.checked_sub(part.len());
                let thousandths = zeros.and_then(|zeros| digits(&format!("{part}{}", "0".repeat(zeros))));
                digits(whole).and_then(|whole| whole.checked_mul(1000)?.checked_add(thousandths?))
            }
        };
        let millis = millis.and_then(|millis| u32::try_from(millis).ok()).filter(|millis| *millis > 0);
        millis.map(Self).ok_or_else(malformed)
    }
}

impl FromStr for Seconds {
    type Err = MalformedQuantity;

    fn from_str(text: &str) -> Result<Self, MalformedQuantity> {
        let malformed = || MalformedQuantity { text: text.into(), expected: Self::EXPECTED };
        let number = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let seconds = text.parse::<f64>().ok().filter(|seconds| number && *seconds <= MAX_SECONDS);
        let duration = seconds.map(Duration::from_secs_f64).filter(|time| time.as_millis() > 0);
        duration.map(Self).ok_or_else(malformed)
    }
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
        let whole = units.iter().find(|(_, shift)| self.0 > 0 && self.0.trailing_zeros() >= *shift);
        match whole {
            Some((unit, shift)) => write!(f, "{}{unit}", self.0 >> shift),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}m", self.0)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs_f64())
    }
}

/// Reads a text or a bare number, as a settings file may have either.
struct Quantity<Q>(PhantomData<Q>);

impl<Q: ExpectedFormat + FromStr<Err = MalformedQuantity>> Visitor<'_> for Quantity<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Q, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Q, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Q, E> {
        self.visit_str(&number.to_string())
    }
}

macro_rules! as_text_or_number {
    ($($quantity:ty),*) => {$(
        impl<'de> Deserialize<'de> for $quantity {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Quantity(PhantomData))
            }
        }

        impl Serialize for $quantity {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

as_text_or_number!(Bytes, Cpu, Seconds);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_format_of_kubernetes() {
        for (text, bytes) in
            [("1", 1), ("64Mi", 64 << 20), ("1Gi", 1 << 30), ("500M", 500_000_000), ("2k", 2000)]
        {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "0", "Mi", "-1", "1.5Gi", "1mi", "64 Mi", "99999999999Ti", "0Mi", "１"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn cpu_has_the_format_of_kubernetes() {
        for (text, millis) in [("500m", 500), ("2", 2000), ("1.5", 1500), ("0.001", 1)] {
            assert_eq!(text.parse(), Ok(Cpu(millis)), "{text}");
        }
        for text in ["", "0", "0m", "m", "-1", "1.0001", ".", "1.5m", "9999999"] {
            assert!(text.parse::<Cpu>().is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_may_have_a_fraction() {
        assert_eq!("300".parse(), Ok(Seconds(Duration::from_secs(300))));
        assert_eq!("1.5".parse(), Ok(Seconds(Duration::from_millis(1500))));
        for text in ["", "0", "-1", "inf", "NaN", "1e3", "1s", "0.0001", "99999999999"] {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_displayed_quantity_can_be_parsed() {
        for bytes in [1, 1000, 1024, 512 << 20, 3 << 30, u64::MAX] {
            assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        }
        assert_eq!(Bytes(512 << 20).to_string(), "512Mi");
        assert_eq!(Cpu(500).to_string().parse(), Ok(Cpu(500)));
    }
}
