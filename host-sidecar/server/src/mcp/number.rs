//! A JSON number as a floating-point number. Pure.

use serde::de::{DeserializeSeed, Deserializer, Error, Unexpected, Visitor};
use std::fmt;

/// Reads a number with or without a fraction.
pub(super) struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of seconds needs no such precision")]
impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    // Serde's own error repeats the whole string.
    fn visit_str<E: Error>(self, _: &str) -> Result<f64, E> {
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }
}
