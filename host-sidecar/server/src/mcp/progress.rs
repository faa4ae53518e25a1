//! Forwards the events of an execution as progress notifications.

use super::utf8::incomplete_length;
use crate::executions::EventReceiver;
use cofferdam_core::{
    Stream,
    session::{OutputEvent, OutputReader},
};
use cofferdam_http_api::{Event, Phase};
use futures_util::FutureExt;
use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::Peer,
};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Bytes of output in a notification, about.
const MAX_PROGRESS: usize = 64 << 10;

/// The notifications of one call.
struct Notifications<'a> {
    peer: &'a Peer<RoleServer>,
    token: &'a ProgressToken,
    progress: f64,
}

impl Notifications<'_> {
    /// Sends a text, unless it is empty. Returns whether the client is still there.
    async fn send(&mut self, text: String) -> bool {
        if text.is_empty() {
            return true;
        }
        self.progress += 1.0;
        let notification =
            ProgressNotificationParam::new(self.token.clone(), self.progress).with_message(text);
        self.peer.notify_progress(notification).await.is_ok()
    }
}

/// Forwards phases and output until the execution ends. Events that arrive while the client reads one
/// notification are in the next. Events that a slow client misses are in the result.
pub(super) async fn forward(mut feed: EventReceiver, peer: &Peer<RoleServer>, token: &ProgressToken) {
    let mut message = ProgressMessage::default();
    let mut notifications = Notifications { peer, token, progress: 0.0 };
    loop {
        match feed.recv().await {
            Ok(event) => message.add(&event),
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        }
        loop {
            match feed.try_recv() {
                Ok(event) => message.add(&event),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if !notifications.send(message.take()).await {
            return;
        }
    }
}

/// Forwards the output of an execution of a session until it ends.
pub(super) async fn forward_output(mut output: OutputReader, peer: &Peer<RoleServer>, token: &ProgressToken) {
    let mut message = ProgressMessage::default();
    let mut notifications = Notifications { peer, token, progress: 0.0 };
    while let Some(event) = output.next().await {
        message.add_output(&event);
        // What has come meanwhile is in the same notification, up to a bound.
        while message.text.len() < MAX_PROGRESS
            && let Some(Some(event)) = output.next().now_or_never()
        {
            message.add_output(&event);
        }
        if !notifications.send(message.take()).await {
            return;
        }
    }
}

/// The text of the next notification.
#[derive(Debug, Default)]
struct ProgressMessage {
    text: String,
    stdout: Utf8Buffer,
    stderr: Utf8Buffer,
}

impl ProgressMessage {
    fn add(&mut self, event: &Event) {
        match event {
            Event::Reached(phase) => self.add_line(match phase {
                Phase::Queued => "creating the sandbox",
                Phase::Scheduled => "the sandbox is assigned to a node",
                Phase::Pulled => "the image is pulled",
                Phase::Started => "the program is running",
            }),
            Event::Stdout(bytes) => self.text += &self.stdout.decode(&bytes.0),
            Event::Stderr(bytes) => self.text += &self.stderr.decode(&bytes.0),
            Event::Accepted(_) | Event::Ended(_) | Event::Failed(_) => {}
        }
    }

    fn add_output(&mut self, event: &OutputEvent) {
        match event {
            OutputEvent::Output { stream: Stream::Stdout, bytes, .. } => {
                self.text += &self.stdout.decode(bytes);
            }
            OutputEvent::Output { stream: Stream::Stderr, bytes, .. } => {
                self.text += &self.stderr.decode(bytes);
            }
            OutputEvent::Gap { .. } | OutputEvent::Truncated { .. } | OutputEvent::End(_) => {}
        }
    }

    fn add_line(&mut self, line: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// Decodes a stream that arrives in pieces.
#[derive(Debug, Default)]
struct Utf8Buffer {
    /// The bytes of an incomplete character.
    incomplete: Vec<u8>,
}

impl Utf8Buffer {
    /// Decodes all complete characters. Invalid bytes become U+FFFD.
    fn decode(&mut self, bytes: &[u8]) -> String {
        let mut buffer = std::mem::take(&mut self.incomplete);
        buffer.extend_from_slice(bytes);
        self.incomplete = buffer.split_off(buffer.len() - incomplete_length(&buffer));
        String::from_utf8_lossy(&buffer).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_http_api::Bytes;

    #[test]
    fn a_character_that_is_split_between_two_events_is_intact() {
        let mut message = ProgressMessage::default();
        message.add(&Event::Reached(Phase::Started));
        message.add(&Event::Stdout(Bytes(b"a\xf0\x9f".to_vec())));
        message.add(&Event::Stderr(Bytes(b"\xff".to_vec())));
        assert_eq!(message.take(), "the program is running\na\u{fffd}");
        message.add(&Event::Stdout(Bytes(b"\x9a\x80b".to_vec())));
        message.add(&Event::Reached(Phase::Queued));
        assert_eq!(message.take(), "🚀b\ncreating the sandbox\n");
        assert_eq!(message.take(), "");
    }
}
