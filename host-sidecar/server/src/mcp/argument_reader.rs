//! Reads the arguments of a call. A model has written them and reads the error, so each message names the argument.
//! Pure.

use super::{
    envelope::{ARGUMENTS, PARAMS},
    member::MemberAt,
};
use cofferdam_http_api::{bounded::is_too_large, object::Object};
use cofferdam_types::{Error, ErrorCode, quoted, shortened};
use serde::de::{self, DeserializeSeed};

const MILLISECONDS_PER_SECOND: f64 = 1000.0;

/// Reads the arguments of a message that is a call. A call without arguments has all defaults.
pub(super) fn read<T: Object>(message: &[u8]) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(message);
    let arguments = MemberAt::<T>::new(&[PARAMS, ARGUMENTS]).deserialize(&mut deserializer);
    Ok(arguments.map_err(|error| parse_error(&error))?.unwrap_or_default())
}

fn parse_error(error: &serde_json::Error) -> Error {
    let text = error.to_string();
    // A model that wrote only the arguments has no use for a position in the message.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = shortened(text.strip_suffix(&*position).unwrap_or(&text));
    let code = if is_too_large(&text) { ErrorCode::TooLarge } else { ErrorCode::InvalidRequest };
    Error::new(code, text)
}

/// The error of an argument that the tool does not have.
pub(super) fn unknown_argument<T: Object, E: de::Error>(name: &str) -> E {
    let known = T::MEMBERS.join(", ");
    E::custom(format_args!("unknown argument {}; the arguments are: {known}", quoted(name)))
}

/// Seconds of this argument in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as intended"
)]
pub(super) fn milliseconds(argument: &str, seconds: f64) -> Result<u64, Error> {
    if seconds > 0.0 {
        // Rounded down to 0, a short time would mean the default.
        Ok((seconds * MILLISECONDS_PER_SECOND).ceil() as u64)
    } else {
        Err(invalid(format!("{argument} must be greater than 0")))
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidRequest, message)
}
