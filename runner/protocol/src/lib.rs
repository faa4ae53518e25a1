//! The protocol between the sidecar and the runner inside the sandbox.
//!
//! The sidecar sends [`Message`]s, the runner [`Frame`]s, each in an envelope with the number of a channel: one for
//! [`CONTROL`], one for each execution. Both start with a `Hello`. The last message carries the [`Program`], or follows
//! it with its larger files; after it the sidecar keeps the connection open until it no longer needs the program.
//! [`Frame::Done`] or [`Frame::Failed`] is the last frame. Envelopes have a length, so that no output of a program can
//! be mistaken for a frame.
//!
//! A connection that may break carries them in a [`Link`]. A container's log carries text only, so there the frames are
//! encoded as lines ([`LogEncoder`]).

#![no_std]

extern crate alloc;

mod command;
mod envelope;
mod file;
mod frame;
mod hello;
mod link;
mod log;
mod message;
mod program;

pub use cofferdam_types::{Limits, PERMISSIONS};
pub use command::{Call, Command, CommandLimits, Deadlines, STDIN_WINDOW, SessionEnd, TerminalSize, Usage};
pub use envelope::{CONTROL, Decoder, EXECUTION, MAX_BODY, Malformed, Payload, append, encode};
pub use file::{ChangeKind, FileEntry, FileErrorKind, FileFailure, FileKind, FileReply, FileRequest};
pub use frame::{Frame, MAX_SKIPPED, Stream, Termination};
pub use hello::{Hello, Incompatible, VERSION};
pub use link::{LINK_WINDOW, Link};
pub use log::{LogDecoder, LogEncoder, LogGap};
pub use message::{Message, Preparation};
pub use program::{EntryKind, InputEntry, InputFile, Program};
