//! The messages of a connection: the urgent ones first, the others in their order.

use super::{Connection, Queued, State};
use cofferdam_protocol::{CONTROL, Malformed, Message, append};
use std::{convert::Infallible, future::pending, io};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
};

impl Connection {
    /// Writes messages while the connection lasts.
    pub(super) async fn write(
        &self,
        writer: impl AsyncWrite + Unpin + Send,
        queued: &mut mpsc::Receiver<Queued>,
    ) -> Infallible {
        if let Err(error) = self.write_all(writer, queued).await {
            tracing::debug!(%error, "the runner takes no messages any more");
        }
        pending().await
    }

    async fn write_all(
        &self,
        mut writer: impl AsyncWrite + Unpin + Send,
        queued: &mut mpsc::Receiver<Queued>,
    ) -> io::Result<()> {
        loop {
            let urgent = self.state().take_urgent();
            let messages = if urgent.is_empty() {
                tokio::select! {
                    () = self.urgent.notified() => continue,
                    message = queued.recv() => message.into_iter().collect(),
                }
            } else {
                urgent
            };
            writer.write_all(&encode(&messages).map_err(io::Error::other)?).await?;
            writer.flush().await?;
            self.state().sent(&messages);
        }
    }
}

fn encode(messages: &[Queued]) -> Result<Vec<u8>, Malformed> {
    messages.iter().try_fold(Vec::new(), |bytes, (channel, message)| append(bytes, *channel, message))
}

impl State {
    /// The urgent messages. An execution that the runner does not know yet is killed later.
    fn take_urgent(&mut self) -> Vec<Queued> {
        let last_sent = self.last_sent;
        let urgent = &mut self.urgent;
        let ping = std::mem::take(&mut urgent.has_ping).then_some((CONTROL, Message::Ping));
        let deadlines = urgent.deadlines.take().map(|deadlines| (CONTROL, Message::Deadlines(deadlines)));
        let kills = urgent.kills.extract_if(..=last_sent, |_| true).map(|channel| (channel, Message::Kill));
        let credits = std::mem::take(&mut urgent.credits);
        let credits = credits.into_iter().map(|(channel, credit)| (channel, Message::Credit(credit)));
        ping.into_iter().chain(deadlines).chain(kills).chain(credits).collect()
    }

    fn sent(&mut self, messages: &[Queued]) {
        for (channel, message) in messages {
            if matches!(message, Message::Execute(_)) {
                self.last_sent = *channel;
            }
        }
    }
}
