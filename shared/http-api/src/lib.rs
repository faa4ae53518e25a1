//! The bodies of the HTTP API: what the bridge writes and the sidecar reads, and the other way round. In the contract's
//! words, `wit/types.wit`: names of members have `_` where WIT has `-`. Pure.
#![cfg_attr(not(feature = "openapi"), no_std)]

extern crate alloc;

pub mod bounded;
mod bytes;
mod events;
mod execution;
pub mod object;
mod outcome;
mod problem;
pub mod request;
mod version;

pub use bytes::{Base64Of, Bytes, BytesOf};
pub use cofferdam_types::{ErrorCode, RequestedLimits, SkippedFile, Status};
pub use events::Events;
pub use execution::{Event, Execution, Phase, State};
pub use outcome::{File, Outcome, Output, Timings};
pub use problem::Problem;
pub use request::Request;
pub use version::{VERSION, VERSION_HEADER, is_compatible};

/// Where executions are: `POST` makes one, `GET` and `DELETE` on `/{id}` look it up and cancel it.
pub const EXECUTIONS: &str = "/v1/executions";
/// The media type of a [`Problem`].
pub const PROBLEM: &str = "application/problem+json";
