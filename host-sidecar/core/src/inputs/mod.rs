//! Files that are streamed into the working directory of a program. Nothing holds them as a whole: what produces
//! them waits until the sandbox has taken what came before.

mod check;
mod local;
mod transfer;

pub(crate) use check::InputCheck;
pub use check::MAX_LINK_TARGET;
pub use cofferdam_protocol::{EntryKind, InputEntry};
pub use local::{LocalInput, stream};
pub use transfer::{ProgramMessages, STALL_TIMEOUT, Transfer, TransferError};

use cofferdam_types::{Error, ErrorCode};
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot};

/// Bytes of a part that a source should send at once.
pub const CHUNK: usize = 128 << 10;
/// Parts that wait for the sandbox.
const WAITING_PARTS: usize = 2;

/// A part of the streamed files.
#[derive(Debug, PartialEq, Eq)]
pub enum InputPart {
    /// The next entry. The directories above it may be implied.
    Entry(InputEntry),
    /// The next bytes of the last entry, a regular file.
    Content(Vec<u8>),
    /// The end of all files.
    End,
}

/// The files of one execution, which can be read once.
#[derive(Debug)]
pub struct Inputs {
    parts: mpsc::Receiver<Result<InputPart, Error>>,
    /// Tells the source that the first part is wanted.
    wanted: Option<oneshot::Sender<()>>,
}

/// Where the files of one execution are sent to.
#[derive(Debug, Clone)]
pub struct InputSender(mpsc::Sender<Result<InputPart, Error>>);

impl Inputs {
    /// The two ends of a stream of files.
    #[must_use]
    pub fn channel() -> (InputSender, Self) {
        let (sender, receiver) = mpsc::channel(WAITING_PARTS);
        (InputSender(sender), Self { parts: receiver, wanted: None })
    }

    /// The same, with what completes when the first part is wanted, or fails if none will be.
    fn on_demand() -> (InputSender, oneshot::Receiver<()>, Self) {
        let (sender, inputs) = Self::channel();
        let (wanted, is_wanted) = oneshot::channel();
        (sender, is_wanted, Self { wanted: Some(wanted), ..inputs })
    }

    /// The next part.
    ///
    /// # Errors
    ///
    /// The source has failed, or is gone without having sent the end.
    pub async fn next(&mut self) -> Result<InputPart, Error> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same for a caller that polls.
    ///
    /// # Errors
    ///
    /// Those of [`Inputs::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<InputPart, Error>> {
        if let Some(wanted) = self.wanted.take() {
            let _ = wanted.send(());
        }
        self.parts.poll_recv(cx).map(|part| {
            part.unwrap_or_else(|| {
                Err(Error::new(ErrorCode::InvalidRequest, "the files ended early; the program did not start"))
            })
        })
    }
}

impl InputSender {
    /// Sends a part, or why there is none, once there is room for it. Returns whether more is wanted.
    pub async fn send(&self, part: Result<InputPart, Error>) -> bool {
        self.0.send(part).await.is_ok()
    }

    /// The same for a thread that may block.
    pub fn blocking_send(&self, part: Result<InputPart, Error>) -> bool {
        self.0.blocking_send(part).is_ok()
    }

    /// Waits until no more is wanted.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}
