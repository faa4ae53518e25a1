//! Reads one member of a message without holding the others. Pure.

use cofferdam_http_api::object::{Object, ObjectSeed, Optional};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::{fmt, marker::PhantomData};

/// Reads the name of a member; `None` if it has more than `max` bytes.
pub(super) struct MemberName {
    pub(super) max: usize,
}

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((name.len() <= self.max).then(|| name.into()))
    }
}

/// Reads the object at the end of a path of members, and skips everything else.
pub(super) struct MemberAt<T> {
    path: &'static [&'static str],
    object: PhantomData<T>,
}

impl<T> MemberAt<T> {
    pub(super) fn new(path: &'static [&'static str]) -> Self {
        Self { path, object: PhantomData }
    }
}

impl<'de, T: Object> DeserializeSeed<'de> for MemberAt<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.path.is_empty() {
            Optional(ObjectSeed::new()).deserialize(deserializer)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de, T: Object> Visitor<'de> for MemberAt<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = None;
        let Some((first, rest)) = self.path.split_first() else { return Ok(None) };
        while let Some(name) = members.next_key_seed(MemberName { max: first.len() })? {
            if name.is_some_and(|name| name == *first) {
                object = members.next_value_seed(Self::new(rest))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(object)
    }
}
