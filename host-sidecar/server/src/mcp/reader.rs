//! Reads the values of a message one by one. A value that is not kept is never built. Pure.

use super::{
    envelope::{ARGUMENTS, Envelope, EnvelopeError, ID, JsonType, MAX_DEPTH, MAX_ENVELOPE, METHOD, PARAMS},
    member::MemberName,
};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Maximum bytes of an id.
const MAX_ID: usize = 1024;

/// Reads the envelope of a message.
///
/// # Errors
///
/// The syntax error of a message that is not JSON. Any other error is in the envelope.
pub(super) fn read_envelope(message: &[u8]) -> Result<Envelope, serde_json::Error> {
    let mut envelope = Envelope::default();
    let mut deserializer = serde_json::Deserializer::from_slice(message);
    let reader = ValueReader { envelope: &mut envelope, position: Position::Message };
    let value = reader.deserialize(&mut deserializer)?;
    deserializer.end()?;
    if let Value::Object(mut members) = value {
        // Null means absent, except in an id and a result.
        if let Some(Value::Object(params)) = members.get_mut(PARAMS) {
            params.retain(|_, value| !value.is_null());
        }
        members.retain(|name, value| name != PARAMS || !value.is_null());
        envelope.members = members;
    }
    Ok(envelope)
}

/// The position of a value in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Message,
    Id,
    Params,
    Arguments,
    Elsewhere { depth: usize },
}

impl Position {
    /// The position of a member or an element of the value at this position.
    fn child(self, name: &str) -> Self {
        match self {
            Self::Message if name == ID => Self::Id,
            Self::Message if name == PARAMS => Self::Params,
            Self::Params if name == ARGUMENTS => Self::Arguments,
            Self::Elsewhere { depth } => Self::Elsewhere { depth: depth + 1 },
            _ => Self::Elsewhere { depth: 1 },
        }
    }
}

/// Reads a value. A value that is not kept becomes null.
struct ValueReader<'a> {
    envelope: &'a mut Envelope,
    position: Position,
}

impl ValueReader<'_> {
    /// A value that is neither an array nor an object.
    fn scalar(self, json_type: JsonType, text_length: usize, value: impl FnOnce() -> Value) -> Value {
        match self.position {
            Position::Message => self.envelope.record(EnvelopeError::NotAnObject(json_type)),
            Position::Id => {
                if matches!(json_type, JsonType::String | JsonType::Number) && text_length <= MAX_ID {
                    return value();
                }
            }
            Position::Params => {
                if json_type != JsonType::Null {
                    self.envelope.record(EnvelopeError::ParamsNotAnObject(json_type));
                }
            }
            Position::Arguments => return self.arguments(json_type),
            Position::Elsewhere { .. } => {
                if self.envelope.reserve(text_length) {
                    return value();
                }
            }
        }
        Value::Null
    }

    /// The value that replaces an array or an object that is not kept.
    fn replacement(self, json_type: JsonType) -> Option<Value> {
        match self.position {
            Position::Id => Some(Value::Null),
            Position::Arguments => Some(self.arguments(json_type)),
            _ => None,
        }
    }

    fn arguments(self, json_type: JsonType) -> Value {
        self.envelope.arguments = Some(json_type);
        Value::Object(Map::new())
    }

    /// Whether the elements or members of this value are kept.
    fn is_kept(&mut self) -> bool {
        match self.position {
            Position::Id | Position::Arguments => false,
            Position::Elsewhere { depth } if depth > MAX_DEPTH => {
                self.envelope.record(EnvelopeError::TooDeep);
                false
            }
            _ => self.envelope.reserve(0),
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueReader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueReader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(self.scalar(JsonType::Null, 0, || Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(self.scalar(JsonType::Boolean, 0, || value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(self.scalar(JsonType::Number, 0, || value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(self.scalar(JsonType::Number, 0, || value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(self.scalar(JsonType::Number, 0, || value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(self.scalar(JsonType::String, value.len(), || value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        match self.position {
            Position::Message => self.envelope.record(EnvelopeError::NotAnObject(JsonType::Array)),
            Position::Params => self.envelope.record(EnvelopeError::ParamsNotAnObject(JsonType::Array)),
            position => {
                let mut is_kept = self.is_kept();
                while is_kept {
                    let next = ValueReader { envelope: &mut *self.envelope, position: position.child("") };
                    let Some(value) = elements.next_element_seed(next)? else { return Ok(list.into()) };
                    list.push(value);
                    is_kept = self.envelope.error.is_none();
                }
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.replacement(JsonType::Array).unwrap_or_else(|| list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let mut is_kept = self.is_kept();
        // The response to an invalid message repeats the id, wherever it is.
        while is_kept || self.position == Position::Message {
            let Some(name) = members.next_key_seed(MemberName { max: MAX_ENVELOPE })? else {
                return Ok(object.into());
            };
            let Some(name) = name else {
                self.envelope.record(EnvelopeError::TooLarge);
                members.next_value::<IgnoredAny>()?;
                is_kept = false;
                continue;
            };
            self.envelope.has_method |= self.position == Position::Message && name == METHOD;
            let next = ValueReader { envelope: &mut *self.envelope, position: self.position.child(&name) };
            let is_id = next.position == Position::Id;
            let value = members.next_value_seed(next)?;
            if object.contains_key(&name) {
                self.envelope.record(EnvelopeError::DuplicateMember(name));
            } else if self.envelope.reserve(name.len()) || is_id {
                object.insert(name, value);
            }
            is_kept = self.envelope.error.is_none();
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.replacement(JsonType::Object).unwrap_or_else(|| object.into()))
    }
}

#[cfg(test)]
mod tests;
