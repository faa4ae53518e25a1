//! Values that are read within bounds: what is over a bound is refused where it goes over it, and is never built in memory. No
//! message repeats a text of the caller's at length.

use crate::object::no_text;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::{fmt, marker::PhantomData};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Unexpected, Visitor},
};

/// How the message of each error begins that says that something is too large, rather than wrong.
const TOO_LARGE: &str = "too large: at most ";

/// Whether an error, by its message, says that something is too large, rather than wrong. Nothing but names of members stands
/// before that. What a request itself says stands behind other words, so no request can look like it.
#[must_use]
pub fn is_too_large(message: &str) -> bool {
    let is_member = |name: &str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let mut rest = message;
    while let Some((_, inner)) = rest.split_once(": ").filter(|(name, _)| is_member(name)) {
        rest = inner;
    }
    rest.starts_with(TOO_LARGE)
}

pub(crate) fn over<E: Error>(most: usize, unit: &str) -> E {
    E::custom(format_args!("{TOO_LARGE}{most} {unit} are allowed"))
}

/// A string of at most so many bytes.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    most: usize,
    is_name: bool,
}

impl Text {
    /// Content: a longer one is too large.
    #[must_use]
    pub const fn content(most: usize) -> Self {
        Self { most, is_name: false }
    }

    /// A name: a longer one is wrong, since there is nothing of that name.
    #[must_use]
    pub const fn name(most: usize) -> Self {
        Self { most, is_name: true }
    }
}

impl<'de> DeserializeSeed<'de> for Text {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        if text.len() <= self.most {
            Ok(text.into())
        } else if self.is_name {
            Err(E::custom(format_args!("a name is longer than {} bytes", self.most)))
        } else {
            Err(over(self.most, "bytes"))
        }
    }
}

/// An array of at most so many elements.
#[derive(Debug, Clone, Copy)]
pub struct List<S> {
    /// Each element.
    pub of: S,
    /// How many there may be.
    pub most: usize,
    /// What they are, in a message.
    pub unit: &'static str,
}

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for List<S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for List<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(self.of)? {
            if list.len() == self.most {
                return Err(over(self.most, self.unit));
            }
            list.push(element);
        }
        Ok(list)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(no_text(&self))
    }
}

/// An object of at most so many texts, whatever their names are.
#[derive(Debug, Clone, Copy)]
pub struct Texts {
    /// Each name.
    pub name: Text,
    /// Each text.
    pub text: Text,
    /// How many there may be.
    pub most: usize,
    /// What they are, in a message.
    pub unit: &'static str,
}

impl<'de> DeserializeSeed<'de> for Texts {
    type Value = BTreeMap<String, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some(name) = map.next_key_seed(self.name)? {
            if texts.len() == self.most {
                return Err(over(self.most, self.unit));
            }
            if texts.insert(name, map.next_value_seed(self.text)?).is_some() {
                return Err(A::Error::custom("a name is given twice"));
            }
        }
        Ok(texts)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(no_text(&self))
    }
}

/// A whole number that is not negative.
#[derive(Debug, Clone, Copy)]
pub struct Integer<T>(PhantomData<T>);

impl<T> Integer<T> {
    /// One of this type.
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
        write!(f, "an integer of {} bits that is not negative", 8 * size_of::<T>())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
        Err(no_text(&self))
    }
}
