//! Bounded values. A value over its bound is rejected while it is read, before it is held in memory. No error
//! message repeats a long text of the caller.

use crate::object::unexpected_string;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::{fmt, marker::PhantomData};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Unexpected, Visitor},
};

/// The prefix of every error message for a value that is too large, as opposed to invalid.
const TOO_LARGE_PREFIX: &str = "too large: at most ";

/// Whether an error message means that a value is too large, as opposed to invalid.
///
/// Only member names precede the prefix. Text of the caller always follows other words, so that a request
/// cannot forge such a message.
#[must_use]
pub fn is_too_large(message: &str) -> bool {
    let is_member = |name: &str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let mut rest = message;
    while let Some((_, inner)) = rest.split_once(": ").filter(|(name, _)| is_member(name)) {
        rest = inner;
    }
    rest.starts_with(TOO_LARGE_PREFIX)
}

pub(crate) fn too_large<E: Error>(max: usize, unit: &str) -> E {
    E::custom(format_args!("{TOO_LARGE_PREFIX}{max} {unit} are allowed"))
}

/// A string with a maximum number of bytes.
#[derive(Debug, Clone, Copy)]
pub struct BoundedString {
    max: usize,
    is_name: bool,
}

impl BoundedString {
    /// Content of at most `max` bytes. A longer one is too large.
    #[must_use]
    pub const fn content(max: usize) -> Self {
        Self { max, is_name: false }
    }

    /// A name of at most `max` bytes. A longer one is invalid, since nothing has such a name.
    #[must_use]
    pub const fn name(max: usize) -> Self {
        Self { max, is_name: true }
    }
}

impl<'de> DeserializeSeed<'de> for BoundedString {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for BoundedString {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        if text.len() <= self.max {
            Ok(text.into())
        } else if self.is_name {
            Err(E::custom(format_args!("a name is longer than {} bytes", self.max)))
        } else {
            Err(too_large(self.max, "bytes"))
        }
    }
}

/// An array with a maximum number of elements.
#[derive(Debug, Clone, Copy)]
pub struct BoundedList<S> {
    /// Reads each element.
    pub element: S,
    /// Maximum number of elements.
    pub max: usize,
    /// What an error message calls the elements.
    pub unit: &'static str,
}

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for BoundedList<S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for BoundedList<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(self.element)? {
            if list.len() == self.max {
                return Err(too_large(self.max, self.unit));
            }
            list.push(element);
        }
        Ok(list)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(unexpected_string(&self))
    }
}

/// An object of strings with arbitrary names and a maximum number of members.
#[derive(Debug, Clone, Copy)]
pub struct BoundedMap {
    /// Reads each name.
    pub name: BoundedString,
    /// Reads each value.
    pub value: BoundedString,
    /// Maximum number of members.
    pub max: usize,
    /// What an error message calls the members.
    pub unit: &'static str,
}

impl<'de> DeserializeSeed<'de> for BoundedMap {
    type Value = BTreeMap<String, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BoundedMap {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(name) = members.next_key_seed(self.name)? {
            if map.len() == self.max {
                return Err(too_large(self.max, self.unit));
            }
            if map.insert(name, members.next_value_seed(self.value)?).is_some() {
                return Err(A::Error::custom("a name is given twice"));
            }
        }
        Ok(map)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(unexpected_string(&self))
    }
}

/// `true` or `false`.
#[derive(Debug, Clone, Copy)]
pub struct Flag;

impl<'de> DeserializeSeed<'de> for Flag {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Flag {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Err(unexpected_string(&self))
    }
}

/// An unsigned integer.
#[derive(Debug, Clone, Copy)]
pub struct Integer<T>(PhantomData<T>);

impl<T> Integer<T> {
    /// Reads an integer of type `T`.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Integer<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'de, T: TryFrom<u64>> DeserializeSeed<'de> for Integer<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<T: TryFrom<u64>> Visitor<'_> for Integer<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an unsigned integer of {} bits", 8 * size_of::<T>())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
        Err(unexpected_string(&self))
    }
}
