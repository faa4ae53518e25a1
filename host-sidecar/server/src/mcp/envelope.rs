//! A JSON-RPC message without the arguments of its call: all that the library reads of it, within bounds.
//! Pure.

use cofferdam_types::quoted;
use serde_json::{Map, Value};
use std::fmt;

/// Maximum bytes of an envelope. Only the arguments of a call are long.
pub(super) const MAX_ENVELOPE: usize = 64 << 10;
/// Bytes that a value takes in addition to its text.
const VALUE_OVERHEAD: usize = 16;
/// Maximum nesting of values.
pub(super) const MAX_DEPTH: usize = 32;

/// The member that a response repeats.
pub(super) const ID: &str = "id";
pub(super) const METHOD: &str = "method";
pub(super) const PARAMS: &str = "params";
/// The member of the params that the tool reads.
pub(super) const ARGUMENTS: &str = "arguments";

/// The envelope of a message.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// All members. The arguments are an empty object.
    pub(super) members: Map<String, Value>,
    /// The type of the arguments.
    pub(super) arguments: Option<JsonType>,
    /// The first error. Members after it are not kept, except the id.
    pub(super) error: Option<EnvelopeError>,
    /// Whether the message has a method, kept or not.
    pub(super) has_method: bool,
    used: usize,
}

/// The type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonType {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// Why JSON is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum EnvelopeError {
    #[error("the message is {0} and must be an object; send each message of a batch separately")]
    NotAnObject(JsonType),
    #[error("params is {0} and must be an object")]
    ParamsNotAnObject(JsonType),
    #[error("the member {} occurs twice", quoted(.0))]
    DuplicateMember(String),
    #[error("the message has more than {MAX_ENVELOPE} bytes in addition to the arguments of a call")]
    TooLarge,
    #[error("the message is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

impl Envelope {
    /// Records an error, unless there is an earlier one.
    pub(super) fn record(&mut self, error: EnvelopeError) {
        self.error.get_or_insert(error);
    }

    /// Counts a value with this many bytes of text. Returns whether the value is kept.
    pub(super) fn reserve(&mut self, text_length: usize) -> bool {
        self.used = self.used.saturating_add(VALUE_OVERHEAD + text_length);
        if self.used > MAX_ENVELOPE {
            self.record(EnvelopeError::TooLarge);
        }
        self.error.is_none()
    }
}
