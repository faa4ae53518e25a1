//! Reads messages of a volume or of standard input.

use crate::error::{Context, Error};
use cofferdam_protocol::{Decoder, Message};
use std::{
    fs,
    io::{self, Read},
    path::Path,
};

/// Most bytes that are read at once.
const MAX_READ: usize = 64 << 10;

/// Reads the files of `folder`, which together are the messages, in the order of their names.
pub(super) fn read_parts(folder: &Path, mut push: impl FnMut(&[u8])) -> Result<(), Error> {
    let mut parts = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .context("list the program's volume")?;
    // Kubernetes' own entries in a volume begin with dots.
    parts.retain(|part| part.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
    parts.sort();
    parts.iter().try_for_each(|part| fs::read(part).map(|bytes| push(&bytes))).context("read the program")
}

/// Reads the next message, and nothing that follows it: bytes after the last message have a meaning of their own.
pub(super) fn read(decoder: &mut Decoder<Message>, mut input: impl Read) -> Result<(u32, Message), Error> {
    loop {
        if let Some(received) = decoder.next()? {
            return Ok(received);
        }
        let length = decoder.missing().min(MAX_READ);
        let mut bytes = Vec::with_capacity(length);
        let read = input.by_ref().take(length as u64).read_to_end(&mut bytes);
        if read.is_err() || bytes.is_empty() {
            return Err(Error::ChannelClosed);
        }
        decoder.push(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_protocol::{CONTROL, encode};

    #[test]
    fn a_message_is_read_without_what_follows_it() {
        let messages =
            [(CONTROL, Message::Ping), (1, Message::Content(vec![7; 3 * MAX_READ + 1])), (1, Message::Start)];
        let bytes = messages.iter().flat_map(|(channel, message)| encode(*channel, message).expect("short"));
        let bytes: Vec<u8> = bytes.chain(*b"rest").collect();
        let (mut decoder, mut input) = (Decoder::default(), bytes.as_slice());
        for message in messages {
            assert_eq!(read(&mut decoder, &mut input).expect("a message"), message);
        }
        assert_eq!(input, b"rest");
    }

    #[test]
    fn an_incomplete_or_malformed_message_is_an_error() {
        let bytes = encode(1, &Message::Content(vec![7; 9])).expect("short");
        let read = |mut bytes: &[u8]| read(&mut Decoder::with_max_body(9), &mut bytes);
        for length in 0..bytes.len() {
            assert!(matches!(read(&bytes[..length]), Err(Error::ChannelClosed)), "{length}");
        }
        let long = encode(1, &Message::Content(vec![7; 10])).expect("short");
        assert!(matches!(read(&long), Err(Error::Message(_))));
    }

    #[test]
    fn the_parts_of_a_folder_are_read_in_order() {
        let folder = std::env::temp_dir().join(format!("cofferdam-parts-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        for (name, content) in [("001", "second"), ("000", "first"), ("..data", "no")] {
            fs::write(folder.join(name), content).expect("a file");
        }
        let mut all = Vec::new();
        read_parts(&folder, |part| all.extend_from_slice(part)).expect("parts");
        fs::remove_dir_all(&folder).expect("it exists");
        assert_eq!(all, b"firstsecond");
    }
}
