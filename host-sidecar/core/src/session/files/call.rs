//! One file call: an execution whose standard output carries replies.

use super::timeout;
use crate::session::{Ended, LostReason, Session, channel::Channel, errors};
use cofferdam_protocol::{Decoder, FileReply, FileRequest};
use cofferdam_types::{Error, ErrorCode, Status};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// Maximum bytes of a reply: the content that a call reads at once, or an entry with two long paths.
const MAX_REPLY: u64 = 256 << 10;
/// A deadline that never comes.
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A file call, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct FileCall {
    session: Session,
    channel: Arc<Channel>,
    number: u32,
    changes: watch::Receiver<()>,
    decoder: Decoder<FileReply>,
    deadline: Instant,
    /// The error of the call once it has taken too long.
    too_slow: Error,
    /// Whether the runner has said how it ended.
    is_over: bool,
}

impl FileCall {
    /// Starts a call that has this time; none: until it is dropped.
    pub(super) async fn start(
        session: &Session,
        request: FileRequest,
        time: Option<Duration>,
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + time.unwrap_or(TEN_YEARS);
        let too_slow = timeout::too_slow(&request, time.unwrap_or(TEN_YEARS));
        let (channel, number) = session.shared.call_files(request, time).await?;
        Ok(Self {
            session: session.clone(),
            changes: channel.changes(),
            channel,
            number,
            decoder: Decoder::with_max_body(MAX_REPLY),
            deadline,
            too_slow,
            is_over: false,
        })
    }

    /// Waits for the next reply; none once the call has succeeded. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<FileReply>, Error> {
        loop {
            match self.decoder.next() {
                Ok(Some((_, FileReply::Failed(failure)))) => {
                    self.is_over = true;
                    return Err(errors::file_failure(failure));
                }
                Ok(Some((_, reply))) => {
                    self.is_over = reply == FileReply::Done;
                    return Ok((!self.is_over).then_some(reply));
                }
                Ok(None) => self.receive().await?,
                Err(_) => return Err(self.violated()),
            }
        }
    }

    /// Waits for the first reply of a watch, which has not ended with it.
    pub(super) async fn watching(&mut self) -> Result<(), Error> {
        self.done().await?;
        self.is_over = false;
        Ok(())
    }

    /// Waits for the success of the call, which has no other reply any more.
    pub(super) async fn done(&mut self) -> Result<(), Error> {
        match self.next().await? {
            None => Ok(()),
            Some(_) => Err(self.violated()),
        }
    }

    /// Takes the next bytes of replies.
    async fn receive(&mut self) -> Result<(), Error> {
        loop {
            self.changes.mark_unchanged();
            // Before the bytes: what comes between the two is not lost.
            let end = self.channel.end();
            let (bytes, credit) = self.channel.take();
            self.session.shared.connection.grant(self.number, credit);
            if !bytes.is_empty() {
                self.decoder.push(&bytes);
                return Ok(());
            }
            match end {
                Some((Ok(end), _)) => return Err(self.ended_early(end.status)),
                Some((Err(error), _)) => return Err(error),
                None if self.channel.is_abandoned() => return Err(self.too_slow.clone()),
                None => {}
            }
            // The sender lives as long as the channel.
            let changed = timeout_at(self.deadline, self.changes.changed()).await;
            changed.map_err(|_| self.too_slow.clone())?.ok();
        }
    }

    /// Sends the next bytes of what is written, unless the call fails.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (session, channel) = (self.session.clone(), self.channel.clone());
        let (number, deadline, too_slow) = (self.number, self.deadline, self.too_slow.clone());
        let sending = session.shared.write_stdin(&channel, number, bytes);
        tokio::select! {
            biased;
            error = self.failure() => Err(error),
            sent = timeout_at(deadline, sending) => sent.map_err(|_| too_slow)?,
        }
    }

    /// Ends what is written, and waits for the success of the call.
    pub(super) async fn finish(mut self) -> Result<(), Error> {
        // A call that has failed says why in its reply.
        let closed = self.session.shared.close_stdin(&self.channel, self.number).await;
        self.done().await?;
        closed
    }

    /// Waits until the call fails, such as by the end of the session. Nothing is lost if the future is dropped.
    pub(super) async fn failure(&mut self) -> Error {
        match self.next().await {
            Err(error) => error,
            Ok(_) => self.violated(),
        }
    }

    /// The helper in the sandbox ended without a last reply.
    fn ended_early(&self, status: Status) -> Error {
        match status {
            Status::TimedOut => self.too_slow.clone(),
            Status::OutOfMemory | Status::OutOfProcesses => {
                let message = "the file call exceeded a limit of the session, and has ended; let other programs end first";
                Error::new(ErrorCode::Conflict, message)
            }
            status => {
                let message = "the file call ended without a result; the operator's log says why";
                Error::internal(message, format!("the helper's status is {status:?}"))
            }
        }
    }

    /// Ends the session, as its runner sent what is no reply to this call.
    pub(super) fn violated(&mut self) -> Error {
        let ended = Ended::Lost(LostReason::ProtocolViolated);
        tracing::warn!(
            id = self.session.shared.log_id,
            "the session is ended: a reply violates the protocol"
        );
        self.session.shared.end(ended);
        errors::gone(ended)
    }
}

impl Drop for FileCall {
    fn drop(&mut self) {
        if !self.is_over {
            self.session.shared.connection.abandon(self.number, Instant::now());
        }
    }
}
