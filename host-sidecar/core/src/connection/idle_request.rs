//! Messages to an idle runner, each of which it answers.

use cofferdam_protocol::{
    CONTROL, Deadlines, Decoder, Frame, Hello, Malformed, Message, Preparation, append,
};
use std::io;

/// Longest frame of an idle runner: why it failed.
const MAX_BODY: u64 = 4 << 10;

/// The first message on each connection.
pub(crate) fn hello() -> Message {
    Message::Hello(Hello::of_this_version(&[]))
}

/// A message to an idle runner, and its answer so far. Pure.
#[derive(Debug)]
pub struct IdleRequest {
    message: Vec<u8>,
    decoder: Decoder<Frame>,
    /// Whether the runner's first frame has not arrived.
    awaits_hello: bool,
    is_answered: bool,
}

impl IdleRequest {
    /// Has a runner do what is possible before there is a program. The first request on a connection.
    ///
    /// # Errors
    ///
    /// The preparation is too large.
    pub fn prepare(preparation: Preparation) -> io::Result<Self> {
        Self::new(&[hello(), Message::Prepare(preparation)], true)
    }

    /// Checks that a prepared runner responds.
    ///
    /// # Errors
    ///
    /// See [`Self::prepare`].
    pub fn ping() -> io::Result<Self> {
        Self::new(&[Message::Ping], false)
    }

    /// Makes a session of a prepared runner.
    ///
    /// # Errors
    ///
    /// See [`Self::prepare`].
    pub(crate) fn open(deadlines: Deadlines) -> io::Result<Self> {
        Self::new(&[Message::Open(deadlines)], false)
    }

    fn new(messages: &[Message], awaits_hello: bool) -> io::Result<Self> {
        let message = messages.iter().try_fold(Vec::new(), |bytes, message| append(bytes, CONTROL, message));
        Ok(Self {
            message: message.map_err(io::Error::other)?,
            decoder: Decoder::with_max_body(MAX_BODY),
            awaits_hello,
            is_answered: false,
        })
    }

    /// What the runner gets.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Takes the next bytes of the runner; gives whether the answer is complete.
    ///
    /// # Errors
    ///
    /// The runner failed, has no version of the protocol in common with this sidecar, or sent anything else.
    pub fn answer(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.decoder.push(bytes);
        while let Some((channel, frame)) = self.decoder.next().map_err(io::Error::other)? {
            match frame {
                _ if channel != CONTROL => return Err(io::Error::other(Malformed)),
                Frame::Failed(reason) => return Err(io::Error::other(reason)),
                Frame::Hello(hello) if self.awaits_hello => {
                    hello.check().map_err(io::Error::other)?;
                    self.awaits_hello = false;
                }
                Frame::Ready if !self.awaits_hello && !self.is_answered => self.is_answered = true,
                _ => return Err(io::Error::other(Malformed)),
            }
        }
        if self.is_answered && !self.decoder.is_empty() {
            return Err(io::Error::other(Malformed));
        }
        Ok(self.is_answered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Limits;
    use cofferdam_protocol::{EXECUTION, encode};

    fn prepare() -> IdleRequest {
        let preparation = Preparation {
            interpreter: vec!["python3".into()],
            file: "main.py".into(),
            env: vec![],
            limits: Limits::default(),
            prewarm: true,
            preload_modules: vec![],
        };
        IdleRequest::prepare(preparation).expect("a short message")
    }

    fn control(frame: &Frame) -> Vec<u8> {
        encode(CONTROL, frame).expect("a short frame")
    }

    fn runners_hello() -> Vec<u8> {
        control(&Frame::Hello(Hello::of_this_version(&[])))
    }

    #[test]
    fn an_answer_is_taken_however_it_is_split() {
        for (mut request, bytes) in [
            (prepare(), [runners_hello(), control(&Frame::Ready)].concat()),
            (IdleRequest::ping().expect("a short message"), control(&Frame::Ready)),
        ] {
            let (last, others) = bytes.split_last().expect("bytes");
            for byte in others {
                assert!(!request.answer(&[*byte]).expect("no error"));
            }
            assert!(request.answer(&[*last]).expect("no error"));
        }
    }

    #[test]
    fn the_first_message_is_the_hello() {
        let mut messages = Decoder::default();
        messages.push(prepare().message());
        assert_eq!(messages.next(), Ok(Some((CONTROL, hello()))));
        assert!(matches!(messages.next(), Ok(Some((CONTROL, Message::Prepare(_))))));
        assert!(messages.is_empty());
    }

    #[test]
    fn anything_else_is_an_error() {
        let (hello, ready) = (runners_hello(), control(&Frame::Ready));
        for bytes in [
            ready.clone(),
            [&*hello, &hello].concat(),
            [&*hello, &ready, &ready].concat(),
            [&*hello, &ready, &[1]].concat(),
            [hello.clone(), control(&Frame::Started)].concat(),
            [hello.clone(), encode(EXECUTION, &Frame::Ready).expect("a short frame")].concat(),
            vec![0xff; 64],
        ] {
            assert!(prepare().answer(&bytes).is_err(), "{bytes:?}");
        }
        assert!(IdleRequest::ping().expect("a short message").answer(&hello).is_err());
    }

    #[test]
    fn a_failure_and_another_version_are_explained() {
        let other = Frame::Hello(Hello { versions: vec![3], features: vec!["new".into()] });
        for (frame, expected) in [(Frame::Failed("no gVisor".into()), "no gVisor"), (other, "no version")] {
            let error = prepare().answer(&control(&frame)).expect_err("an error").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
