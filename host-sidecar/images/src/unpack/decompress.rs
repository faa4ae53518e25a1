//! Decompresses layers. What a layer is compressed with is seen in its first bytes, as in containerd: media
//! types are missing in some archives, and wrong in others.

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};
use std::io::{self, BufRead, Read};

const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
/// A frame of zstd, or one to skip, of which a low digit of the first byte is free.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// The tar archive in a layer.
pub(super) fn decompressed<'a>(mut layer: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let start = layer.fill_buf()?;
    let is_skippable = start.first().is_some_and(|byte| byte & 0xf0 == 0x50);
    if start.starts_with(&GZIP) {
        return Ok(Box::new(MultiGzDecoder::new(layer)));
    }
    if start.starts_with(&ZSTD) || (is_skippable && start.get(1..4) == Some(&ZSTD_SKIPPABLE)) {
        return Ok(Box::new(ZstdFrames { reader: layer, frame: FrameDecoder::new(), is_in_frame: false }));
    }
    Ok(Box::new(layer))
}

/// The content of all frames. Tools that compress in parallel, or make layers seekable, write several.
struct ZstdFrames<R> {
    reader: R,
    frame: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_in_frame {
                if self.reader.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.is_in_frame = self.start_frame()?;
                continue;
            }
            while self.frame.can_collect() == 0 && !self.frame.is_finished() {
                let decoded =
                    self.frame.decode_blocks(&mut self.reader, BlockDecodingStrategy::UptoBlocks(1));
                decoded.map_err(io::Error::other)?;
            }
            let count = self.frame.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.is_in_frame = false;
        }
    }
}

impl<R: BufRead> ZstdFrames<R> {
    /// Starts the frame at this position; false if it is one to skip, and was.
    fn start_frame(&mut self) -> io::Result<bool> {
        match self.frame.init(&mut self.reader) {
            Ok(()) => Ok(true),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                io::copy(&mut (&mut self.reader).take(length.into()), &mut io::sink())?;
                Ok(false)
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::Write;

    fn text_of(layer: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        decompressed(layer)?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    }

    fn zstd(text: &str) -> Vec<u8> {
        compress_to_vec(text.as_bytes(), CompressionLevel::Fastest)
    }

    #[test]
    fn the_compression_is_seen_in_the_first_bytes() {
        for layer in [b"text".to_vec(), gzip("text"), zstd("text")] {
            assert_eq!(text_of(&layer).expect("a layer"), "text");
        }
        assert_eq!(text_of(b"").expect("an empty layer"), "");
    }

    #[test]
    fn all_members_and_frames_are_read() {
        assert_eq!(text_of(&[gzip("a"), gzip("b")].concat()).expect("a layer"), "ab");
        let skipped = [&[0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
        for layer in [
            [zstd("a"), zstd("b")].concat(),
            [skipped.clone(), zstd("a"), skipped.clone(), zstd("b"), skipped].concat(),
        ] {
            assert_eq!(text_of(&layer).expect("a layer"), "ab");
        }
    }

    #[test]
    fn a_layer_that_breaks_off_is_an_error() {
        for whole in [gzip("text"), zstd("text")] {
            assert!(text_of(&whole[..whole.len() - 5]).is_err());
        }
    }
}
