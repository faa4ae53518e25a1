//! Tests of the decoder, with both payloads.

use super::*;
use crate::{Frame, Hello, Message, Stream, frame::tests as frames, message::tests as messages};
use alloc::{vec, vec::Vec};
use core::fmt::Debug;

/// What is sent, with its channel and its bytes.
type Sent<P> = Vec<(u32, P, Vec<u8>)>;

/// Each kind of payload on channels that alternate.
fn sent<P: Payload>(golden: Sent<P>) -> Sent<P> {
    let on_channel = |(channel, (_, payload, _)): (u32, (_, P, _))| {
        let bytes = encode(channel, &payload).expect("a payload");
        (channel, payload, bytes)
    };
    [CONTROL, 7, u32::MAX].into_iter().cycle().zip(golden).map(on_channel).collect()
}

fn bytes_of<P>(sent: &Sent<P>) -> Vec<u8> {
    sent.iter().flat_map(|(.., bytes)| bytes.clone()).collect()
}

/// Whether these are the first payloads, with their channels.
fn is_prefix<P: PartialEq>(decoded: &[(u32, P)], sent: &Sent<P>) -> bool {
    decoded.len() <= sent.len()
        && decoded.iter().zip(sent).all(|(one, (channel, payload, _))| (one.0, &one.1) == (*channel, payload))
}

/// What is decoded of chunks, and whether they end with a complete envelope.
fn decode<'a, P: Payload>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<(u32, P)>, bool), Malformed> {
    let (mut decoder, mut decoded) = (Decoder::default(), vec![]);
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(one) = decoder.next()? {
            decoded.push(one);
        }
    }
    Ok((decoded, decoder.is_empty()))
}

fn assert_any_split_and_cut<P: Payload + PartialEq + Debug>(sent: &Sent<P>) {
    let bytes = bytes_of(sent);
    for size in 1..=bytes.len() {
        let (decoded, is_whole) = decode::<P>(bytes.chunks(size)).expect("payloads");
        assert!(
            decoded.len() == sent.len() && is_prefix(&decoded, sent) && is_whole,
            "split every {size} bytes"
        );
    }
    for length in 0..bytes.len() {
        let (decoded, is_whole) = decode::<P>([&bytes[..length]]).expect("payloads");
        let ends: Vec<_> =
            (0..=sent.len()).map(|count| sent[..count].iter().map(|one| one.2.len()).sum()).collect();
        let complete = ends.iter().filter(|end: &&usize| **end <= length).count() - 1;
        assert!(decoded.len() == complete && is_prefix(&decoded, sent), "cut after {length} bytes");
        assert_eq!(is_whole, ends.contains(&length), "cut after {length} bytes");
    }
}

#[test]
fn payloads_of_interleaved_channels_are_decoded_however_they_are_split_or_cut() {
    assert_any_split_and_cut(&sent(frames::golden()));
    assert_any_split_and_cut(&sent(messages::golden()));
}

fn assert_unknown_kinds_are_skipped<P: Payload + PartialEq + Debug>(sent: &Sent<P>) {
    let unknown = |kind: u16, body: &[u8]| {
        let length = u32::try_from(body.len()).expect("short").to_le_bytes();
        [&9_u32.to_le_bytes()[..], &kind.to_le_bytes(), &length, body].concat()
    };
    let between = [unknown(0, b""), unknown(999, b"body"), unknown(u16::MAX, &[0xff; 300])];
    for unknown in &between {
        let mut bytes = unknown.clone();
        for (.., one) in sent {
            bytes.extend([one.as_slice(), unknown].concat());
        }
        for size in [1, 7, bytes.len()] {
            let (decoded, is_whole) = decode::<P>(bytes.chunks(size)).expect("payloads");
            assert!(decoded.len() == sent.len() && is_prefix(&decoded, sent) && is_whole);
        }
    }
    assert_eq!(decode::<P>(between.iter().map(Vec::as_slice)), Ok((vec![], true)));
}

#[test]
fn kinds_of_another_version_are_skipped() {
    assert_unknown_kinds_are_skipped(&sent(frames::golden()));
    assert_unknown_kinds_are_skipped(&sent(messages::golden()));
}

#[test]
fn the_hello_of_another_version_is_decoded_and_checked() {
    let features = vec!["credit".into(), "resume".into()];
    for (versions, is_compatible) in [(vec![1, 2, 3, 1000], true), (vec![3], false), (vec![], false)] {
        let hello = Hello { versions, features: features.clone() };
        let (decoded, _) =
            decode([&*encode(CONTROL, &Frame::Hello(hello.clone())).expect("a frame")]).expect("a frame");
        assert_eq!(decoded, [(CONTROL, Frame::Hello(hello.clone()))]);
        let (decoded, _) = decode([&*encode(CONTROL, &Message::Hello(hello.clone())).expect("a message")])
            .expect("a message");
        assert_eq!(decoded, [(CONTROL, Message::Hello(hello.clone()))]);
        assert_eq!(hello.check().is_ok(), is_compatible, "{hello:?}");
        assert!(hello.has("resume") && !hello.has("tools"));
    }
    assert_eq!(Hello::of_this_version(&[]).check(), Ok(()));
}

#[test]
fn a_body_above_the_limit_is_rejected_before_it_is_received() {
    let bytes = encode(1, &Frame::Output(Stream::Stdout, vec![0; 9])).expect("a frame");
    for (limit, expected) in [(9, Ok(None)), (8, Err(Malformed)), (u64::MAX, Ok(None))] {
        let mut decoder = Decoder::<Frame>::with_max_body(limit);
        decoder.push(&bytes[..HEADER]);
        assert_eq!(decoder.next(), expected, "{limit}");
    }
    // Not even as an unknown kind, and never above what the protocol allows.
    for length in [MAX_BODY + 1, u32::MAX] {
        let mut decoder = Decoder::<Message>::with_max_body(u64::MAX);
        decoder.push(&[&[0, 0, 0, 0, 0xff, 0xff][..], &length.to_le_bytes()].concat());
        assert_eq!(decoder.next(), Err(Malformed), "{length}");
    }
}

#[test]
fn a_reader_of_what_is_missing_reads_no_further() {
    let sent = sent(frames::golden());
    let bytes = [bytes_of(&sent), b"rest".to_vec()].concat();
    for most in [1, 3, usize::MAX] {
        let (mut decoder, mut rest, mut decoded) = (Decoder::default(), bytes.as_slice(), vec![]);
        while decoded.len() < sent.len() {
            match decoder.next().expect("payloads") {
                Some(one) => decoded.push(one),
                None => {
                    let (read, left) = rest.split_at(decoder.missing().min(most));
                    decoder.push(read);
                    rest = left;
                }
            }
        }
        assert!(is_prefix(&decoded, &sent) && decoder.is_empty());
        assert_eq!((rest, decoder.missing()), (&b"rest"[..], HEADER));
    }
}

#[test]
fn payloads_are_appended() {
    let bytes = append(b"before".to_vec(), 1, &Frame::Failed("x".into())).expect("a frame");
    assert_eq!(bytes, [b"before", &*encode(1, &Frame::Failed("x".into())).expect("a frame")].concat());
}

#[test]
fn the_memory_of_a_long_body_is_released() {
    let mut decoder = Decoder::default();
    for length in [1, 9 * MAX_SPARE, 2] {
        let content = Message::Content(vec![7; length]);
        for part in encode(1, &content).expect("a message").chunks(1000) {
            assert_eq!(decoder.next(), Ok(None));
            decoder.push(part);
        }
        assert_eq!(decoder.next(), Ok(Some((1, content))));
        assert!(decoder.is_empty() && decoder.buffer.capacity() <= MAX_SPARE);
    }
}
