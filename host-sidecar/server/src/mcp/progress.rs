//! What happens in a run as progress notifications.

use crate::execution::Feed;
use cofferdam_http_api::{Event, Phase};
use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::Peer,
};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Tells of a run until it is over: of its phases, and of its output as it comes. What came while the client was taking one
/// notification is told in the next; what a slow client misses of it, the result has.
pub(super) async fn tell(mut feed: Feed, peer: &Peer<RoleServer>, token: &ProgressToken) {
    let mut message = Message::default();
    let mut progress = 0.0;
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
        let text = message.take();
        if text.is_empty() {
            continue;
        }
        progress += 1.0;
        let notification = ProgressNotificationParam::new(token.clone(), progress).with_message(text);
        if peer.notify_progress(notification).await.is_err() {
            return;
        }
    }
}

/// A message in the making.
#[derive(Debug, Default)]
struct Message {
    text: String,
    /// Bytes of each stream that are not yet a character.
    begun: [Vec<u8>; 2],
}

impl Message {
    fn add(&mut self, event: &Event) {
        match event {
            Event::Reached(phase) => self.line(match phase {
                Phase::Queued => "the sandbox is being built",
                Phase::Scheduled => "a node has been found",
                Phase::Pulled => "the image is there",
                Phase::Started => "the program runs",
            }),
            Event::Stdout(bytes) => self.output(0, &bytes.0),
            Event::Stderr(bytes) => self.output(1, &bytes.0),
            Event::Accepted(_) | Event::Ended(_) | Event::Failed(_) => {}
        }
    }

    fn line(&mut self, line: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A character that is split between two pieces comes with the second.
    fn output(&mut self, stream: usize, bytes: &[u8]) {
        let Some(begun) = self.begun.get_mut(stream) else { return };
        begun.extend_from_slice(bytes);
        let rest = begun.utf8_chunks().last().map_or(0, |last| {
            let broken = last.invalid();
            let goes_on = str::from_utf8(broken).is_err_and(|error| error.error_len().is_none());
            if goes_on { broken.len() } else { 0 }
        });
        let rest = begun.split_off(begun.len() - rest);
        self.text.push_str(&String::from_utf8_lossy(begun));
        *begun = rest;
    }

    fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_http_api::Bytes;

    #[test]
    fn a_character_between_two_pieces_comes_whole() {
        let mut message = Message::default();
        message.add(&Event::Reached(Phase::Started));
        message.add(&Event::Stdout(Bytes(b"a\xf0\x9f".to_vec())));
        message.add(&Event::Stderr(Bytes(b"\xff".to_vec())));
        assert_eq!(message.take(), "the program runs\na\u{fffd}");
        message.add(&Event::Stdout(Bytes(b"\x9a\x80b".to_vec())));
        message.add(&Event::Reached(Phase::Queued));
        assert_eq!(message.take(), "🚀b\nthe sandbox is being built\n");
        assert_eq!(message.take(), "");
    }
}
