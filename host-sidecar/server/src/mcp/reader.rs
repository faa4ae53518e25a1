//! Reads the values of a message one by one: what is not kept is looked at and never built. Pure.

use super::envelope::{ARGUMENTS, DEPTH, Envelope, Fault, ID, Kind, METHOD, PARAMS, ROOM};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Bytes of an id.
const MAX_ID: usize = 1024;

/// Where in a message a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Message,
    Id,
    Params,
    Arguments,
    Elsewhere { depth: usize },
}

impl Place {
    fn of(self, name: &str) -> Self {
        match self {
            Self::Message if name == ID => Self::Id,
            Self::Message if name == PARAMS => Self::Params,
            Self::Params if name == ARGUMENTS => Self::Arguments,
            Self::Elsewhere { depth } => Self::Elsewhere { depth: depth + 1 },
            _ => Self::Elsewhere { depth: 1 },
        }
    }
}

/// Reads the name of a member; none where it has more bytes than so many.
pub(super) struct Name {
    pub(super) most: usize,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((name.len() <= self.most).then(|| name.into()))
    }
}

/// Reads a value; what is not kept is null.
pub(super) struct Reader<'a> {
    pub(super) envelope: &'a mut Envelope,
    pub(super) place: Place,
}

impl Reader<'_> {
    /// A value that is neither an array nor an object.
    fn simple(self, kind: Kind, text: usize, value: impl FnOnce() -> Value) -> Value {
        match self.place {
            Place::Message => self.envelope.note(Fault::NoObject(kind)),
            Place::Id if matches!(kind, Kind::String | Kind::Number) && text <= MAX_ID => return value(),
            Place::Id => {}
            Place::Params if kind != Kind::Null => self.envelope.note(Fault::NoParams(kind)),
            Place::Params => {}
            Place::Arguments => return self.arguments(kind),
            Place::Elsewhere { .. } if self.envelope.has_room(text) => return value(),
            Place::Elsewhere { .. } => {}
        }
        Value::Null
    }

    /// What stands for an array or an object that is not kept.
    fn passed_over(self, kind: Kind) -> Option<Value> {
        match self.place {
            Place::Id => Some(Value::Null),
            Place::Arguments => Some(self.arguments(kind)),
            _ => None,
        }
    }

    fn arguments(self, kind: Kind) -> Value {
        self.envelope.arguments = Some(kind);
        Value::Object(Map::new())
    }

    /// Whether the elements or members of this value are kept.
    fn is_kept(&mut self) -> bool {
        match self.place {
            Place::Id | Place::Arguments => false,
            Place::Elsewhere { depth } if depth > DEPTH => {
                self.envelope.note(Fault::TooDeep);
                false
            }
            _ => self.envelope.has_room(0),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(self.simple(Kind::Null, 0, || Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(self.simple(Kind::Boolean, 0, || value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(self.simple(Kind::Number, 0, || value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(self.simple(Kind::Number, 0, || value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(self.simple(Kind::Number, 0, || value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(self.simple(Kind::String, value.len(), || value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        match self.place {
            Place::Message => self.envelope.note(Fault::NoObject(Kind::Array)),
            Place::Params => self.envelope.note(Fault::NoParams(Kind::Array)),
            place => {
                let mut is_kept = self.is_kept();
                while is_kept {
                    let next = Reader { envelope: &mut *self.envelope, place: place.of("") };
                    let Some(value) = elements.next_element_seed(next)? else { return Ok(list.into()) };
                    list.push(value);
                    is_kept = self.envelope.fault.is_none();
                }
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.passed_over(Kind::Array).unwrap_or_else(|| list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let mut is_kept = self.is_kept();
        // An answer that says what is wrong carries the id, wherever it stands.
        while is_kept || self.place == Place::Message {
            let Some(name) = members.next_key_seed(Name { most: ROOM })? else { return Ok(object.into()) };
            let Some(name) = name else {
                self.envelope.note(Fault::TooLarge);
                members.next_value::<IgnoredAny>()?;
                is_kept = false;
                continue;
            };
            self.envelope.has_method |= self.place == Place::Message && name == METHOD;
            let next = Reader { envelope: &mut *self.envelope, place: self.place.of(&name) };
            let is_id = next.place == Place::Id;
            let value = members.next_value_seed(next)?;
            if object.contains_key(&name) {
                self.envelope.note(Fault::Twice(name));
            } else if self.envelope.has_room(name.len()) || is_id {
                object.insert(name, value);
            }
            is_kept = self.envelope.fault.is_none();
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.passed_over(Kind::Object).unwrap_or_else(|| object.into()))
    }
}
