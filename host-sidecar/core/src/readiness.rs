//! What a runner that waits has to say: that it is ready, and nothing else.

use cofferdam_protocol::{Frame, FrameDecoder};
use std::io;

/// Longest frame that a runner which waits sends: why it cannot go on.
const MAX_PAYLOAD: u64 = 4 << 10;

/// Hears a runner say so many times that it is ready for its next message.
#[derive(Debug)]
pub struct Readiness {
    decoder: FrameDecoder,
    awaited: usize,
}

impl Readiness {
    /// Waits for so many `Ready` frames.
    pub fn awaited(times: usize) -> Self {
        Self { decoder: FrameDecoder::with_max_payload(MAX_PAYLOAD), awaited: times }
    }

    /// Takes what the runner has written next; whether it has said all that is waited for.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.decoder.push(bytes);
        while let Some(frame) = self.decoder.next_frame().map_err(io::Error::other)? {
            match (frame, self.awaited) {
                (Frame::Ready, 1..) => self.awaited -= 1,
                (Frame::Failed(reason), _) => return Err(io::Error::other(reason)),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        match (self.awaited, self.decoder.is_empty()) {
            (0, false) => Err(io::ErrorKind::InvalidData.into()),
            (awaited, _) => Ok(awaited == 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_protocol::encode;

    #[test]
    fn it_is_heard_as_often_as_it_is_awaited_however_it_comes() {
        let bytes = [encode(&Frame::Ready), encode(&Frame::Ready)].concat();
        let (last, others) = bytes.split_last().expect("bytes");
        let mut readiness = Readiness::awaited(2);
        for byte in others {
            assert!(!readiness.take(&[*byte]).expect("no error"));
        }
        assert!(readiness.take(&[*last]).expect("no error"));
    }

    #[test]
    fn anything_else_is_an_error() {
        let too_often = [encode(&Frame::Ready), encode(&Frame::Ready)].concat();
        let and_some = [encode(&Frame::Ready), vec![1]].concat();
        for bytes in [encode(&Frame::Started), encode(&Frame::Failed("no".into())), vec![0xff; 64], too_often, and_some]
        {
            assert!(Readiness::awaited(1).take(&bytes).is_err(), "{bytes:?}");
        }
    }
}
