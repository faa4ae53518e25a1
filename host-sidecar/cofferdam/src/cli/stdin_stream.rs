//! Standard input as it comes, for a command that is running.

use cofferdam_client::BodyChannel;
use cofferdam_types::{Error, ErrorCode};
use rustix::io::Errno;
use std::{io, thread};
use tokio::sync::mpsc;

const CHUNK: usize = 64 << 10;
/// Pieces that wait to be sent.
const WAITING: usize = 4;

/// Standard input as the body of a request.
pub(super) fn body() -> BodyChannel {
    let (sender, body) = BodyChannel::new();
    read_with(move |piece| sender.blocking_send(piece.map(Into::into)).is_ok());
    body
}

/// The pieces of standard input.
pub(super) fn pieces() -> mpsc::Receiver<Result<Vec<u8>, Error>> {
    let (sender, pieces) = mpsc::channel(WAITING);
    read_with(move |piece| sender.blocking_send(piece).is_ok());
    pieces
}

/// Reads on a thread, which is not waited for, since it may read for ever.
fn read_with(mut send: impl FnMut(Result<Vec<u8>, Error>) -> bool + Send + 'static) {
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        loop {
            let piece = match rustix::io::read(io::stdin(), &mut chunk) {
                // A closed standard input is an empty one.
                Ok(0) | Err(Errno::BADF) => return,
                Ok(length) => Ok(chunk.iter().take(length).copied().collect()),
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(error) => {
                    let text = format!("standard input cannot be read: {}", io::Error::from(error));
                    Err(Error::new(ErrorCode::InvalidRequest, text))
                }
            };
            if !send(piece) {
                return;
            }
        }
    });
}
