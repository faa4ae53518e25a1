//! The protocol between the sidecar and the runner inside the sandbox.
//!
//! The sidecar sends [`Message`]s. The last one carries the [`Program`], or follows it with its larger files;
//! after it the sidecar keeps the channel open until it no longer needs the program. The runner answers with
//! [`Frame`]s: [`Frame::Ready`] is the first, [`Frame::Done`] or [`Frame::Failed`] the last. Both directions are
//! length-prefixed, so that no output of a program can be mistaken for a frame.
//!
//! A container's log carries text only, so there the frames are encoded as lines ([`LogEncoder`]).

#![no_std]

extern crate alloc;

mod frame;
mod log;
mod message;
mod program;

pub use cofferdam_types::{Limits, PERMISSIONS};
pub use frame::{Frame, FrameDecoder, MAX_PAYLOAD, MAX_SKIPPED, MalformedFrame, Stream, Termination, encode};
pub use log::{LogDecoder, LogEncoder, LogGap};
pub use message::{MalformedMessage, Message, Preparation, decode_message, encode_message};
pub use program::{EntryKind, InputEntry, InputFile, Program};
