//! Types that are read from a JSON object, member by member.

use alloc::{string::String, vec::Vec};
use core::{fmt, marker::PhantomData};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, Expected, MapAccess, Unexpected, Visitor},
};

/// Characters of an unknown member's name that an error message shows.
const MAX_SHOWN_NAME: usize = 64;

/// A type that is read from a JSON object, member by member. Code that serde derives would accept an array
/// too.
pub trait Object: Default {
    /// The names of all members.
    const MEMBERS: &'static [&'static str];
    /// The names of the required members.
    const REQUIRED: &'static [&'static str] = &[];

    /// Reads the value of a member.
    ///
    /// # Errors
    ///
    /// The error of the value.
    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;

    /// The error for an unknown member.
    #[must_use]
    fn unknown_member<E: Error>(name: &str) -> E {
        E::unknown_field(name, Self::MEMBERS)
    }
}

/// Reads an object and rejects every other JSON type.
///
/// # Errors
///
/// The error of a member, prefixed with the member's name.
pub fn object<'de, T: Object, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    ObjectSeed::new().deserialize(deserializer)
}

/// Reads a value or null.
///
/// # Errors
///
/// The error of the value.
pub fn optional<'de, S, A>(map: &mut A, value: S) -> Result<Option<S::Value>, A::Error>
where
    S: DeserializeSeed<'de>,
    A: MapAccess<'de>,
{
    map.next_value_seed(Optional(value))
}

/// The error for a string where another type is expected. Serde's own error repeats the whole string.
pub(crate) fn unexpected_string<E: Error>(expected: &dyn Expected) -> E {
    E::invalid_type(Unexpected::Other("string"), expected)
}

/// Reads an [`Object`] and rejects every other JSON type.
#[derive(Debug)]
pub struct ObjectSeed<T>(PhantomData<T>);

impl<T> Clone for ObjectSeed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ObjectSeed<T> {}

impl<T> ObjectSeed<T> {
    /// Reads an object of type `T`.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for ObjectSeed<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'de, T: Object> DeserializeSeed<'de> for ObjectSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object> Visitor<'de> for ObjectSeed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let (mut object, mut read) = (T::default(), Vec::new());
        while let Some(name) = map.next_key_seed(MemberName(T::MEMBERS))? {
            let name = name.map_err(|unknown| T::unknown_member::<A::Error>(&unknown))?;
            if read.contains(&name) {
                return Err(A::Error::duplicate_field(name));
            }
            read.push(name);
            object
                .read_member(name, &mut map)
                .map_err(|error| A::Error::custom(format_args!("{name}: {error}")))?;
        }
        match T::REQUIRED.iter().find(|name| !read.contains(name)) {
            None => Ok(object),
            Some(missing) => Err(A::Error::missing_field(missing)),
        }
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
        Err(unexpected_string(&self))
    }
}

/// Reads a member's name: one of the known names, or the beginning of an unknown one.
pub(crate) struct MemberName(pub(crate) &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Result<&'static str, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Result<&'static str, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let known = self.0.iter().find(|name| **name == text);
        Ok(known.copied().ok_or_else(|| text.chars().take(MAX_SHOWN_NAME).collect()))
    }
}

/// Reads a value or null.
#[derive(Debug, Clone, Copy)]
pub struct Optional<S>(pub S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Optional<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Optional<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}
