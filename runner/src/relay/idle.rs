//! The wait for a message over the relay, before there is a session.

use super::Endpoint;
use crate::{
    error::{Context, Error},
    poll::Poll,
    stdio::{self, Source},
};
use cofferdam_protocol::{Decoder, Message};
use std::time::Duration;

/// How long the sidecar may take from one message to the next.
const TIMEOUT: Duration = Duration::from_secs(60);
const BUFFER_BYTES: usize = 4096;

impl Endpoint {
    /// Waits for the next message. Returns it with its channel.
    pub(crate) fn next_message(&mut self, decoder: &mut Decoder<Message>) -> Result<(u32, Message), Error> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            self.flush()?;
            if let Some(received) = decoder.next()? {
                return Ok(received);
            }
            let mut poll = Poll::new();
            self.add_to(&mut poll, Source::Relay);
            let ready = stdio::wait(poll, Some(TIMEOUT)).context("wait for the sidecar")?;
            if ready.is_empty() || ready.contains(&Source::Signal) {
                return Err(Error::ChannelClosed);
            }
            self.receive(&mut buffer, |bytes| decoder.push(bytes))?;
        }
    }
}
