//! What the sidecar and the runner inside the sandbox say to each other.
//!
//! The sidecar sends [`Message`]s, the last of which brings the [`Program`], and then keeps the channel open for as long as
//! it wants the program to live. The runner answers with [`Frame`]s: first [`Frame::Ready`], last [`Frame::Done`] or
//! [`Frame::Failed`]. Both directions
//! are length-prefixed, so that nothing a program prints can be taken for a frame.
//!
//! Where the runner's output is a container's log, its bytes go there as lines ([`LogEncoder`]).

#![no_std]

extern crate alloc;

mod frame;
mod log;
mod message;
mod program;

pub use frame::{Decoder, Ending, Frame, MAX_PAYLOAD, MAX_SKIPPED, MalformedFrame, Stream, encode};
pub use log::{LogDecoder, LogEncoder, LogGap};
pub use message::{MalformedMessage, Message, Preparation, decode_message, encode_message};
pub use program::{InputFile, Limits, Program};
