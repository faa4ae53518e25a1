//! The JSON bodies of the HTTP API, for the sidecar and its clients. Members have the names of
//! `wit/types.wit`, with `_` for `-`. Pure.
#![cfg_attr(not(feature = "openapi"), no_std)]

extern crate alloc;

mod base64_text;
pub mod bounded;
mod bytes;
mod events;
mod execution;
mod input_file;
mod mode;
pub mod object;
mod outcome;
mod problem;
pub mod request;
pub mod session;
mod version;

pub use base64_text::BoundedBase64;
pub use bytes::{BoundedBytes, Bytes};
pub use cofferdam_types::{ErrorCode, RequestedLimits, SkippedFile, Status};
pub use events::EventDecoder;
pub use execution::{Event, Execution, Phase, State};
pub use input_file::InputFile;
pub use mode::{MalformedMode, Mode, Modes};
pub use outcome::{File, FileSummary, Outcome, Output, Timings};
pub use problem::{Exceeded, Problem};
pub use request::Request;
pub use version::{VERSION, VERSION_HEADER, is_compatible};

/// The path of executions. `POST` creates one; `GET` and `DELETE` on `/{id}` return and cancel it.
pub const EXECUTIONS: &str = "/v1/executions";
/// The header of a part with a file: its permission bits, as a [`Mode`].
pub const MODE_HEADER: &str = "cofferdam-mode";
/// The media type of a part that is an empty directory.
pub const DIRECTORY_TYPE: &str = "inode/directory";
/// The media type of a part that is a symbolic link; its body is the target.
pub const LINK_TYPE: &str = "inode/symlink";
/// The media type of a [`Problem`].
pub const PROBLEM: &str = "application/problem+json";
