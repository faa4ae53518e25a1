//! The types of an execution, used on both sides of the import: requests, reports, errors, and the limits of
//! the contract. Pure.
#![cfg_attr(not(feature = "openapi"), no_std)]

extern crate alloc;

mod error;
mod limits;
mod report;
mod request;
mod text;
pub mod validation;

pub use error::{Error, ErrorCode, ExceededLimit, without_pointer};
pub use limits::{Limits, RequestedLimits};
pub use report::{Capture, Report, SkippedFile, Status, Timings, milliseconds};
pub use request::{DIRECTORY_MODE, FILE_MODE, File, PERMISSIONS, Request};
pub use text::{is_invisible, printable, quoted, shortened};
