//! Tests of links: what is sent over connections that are cut anywhere arrives once and in order.

use super::*;
use crate::encode;
use alloc::{vec, vec::Vec};
use proptest::prelude::*;

/// One end, what it has pushed, and what it has received.
#[derive(Default)]
struct End {
    link: Link,
    pushed: Vec<u8>,
    passed_on: Vec<u8>,
    /// Bytes on their way to the other end.
    wire: VecDeque<u8>,
}

impl End {
    fn push(&mut self, length: usize) {
        let from = self.pushed.len();
        let bytes: Vec<u8> = (from..from + length).map(|number| (number % 251) as u8).collect();
        self.link.push(&bytes);
        self.pushed.extend(bytes);
    }

    fn connect(&mut self) {
        self.link.connect();
        self.wire.clear();
    }

    /// Writes at most so many bytes.
    fn write(&mut self, most: usize) -> usize {
        let output = self.link.output().expect("short");
        let output = &output[..output.len().min(most)];
        self.wire.extend(output);
        let length = output.len();
        self.link.written(length);
        length
    }

    /// Receives at most so many bytes of the other end.
    fn read(&mut self, wire: &mut VecDeque<u8>, most: usize) -> usize {
        let bytes: Vec<u8> = wire.drain(..wire.len().min(most)).collect();
        let passed_on = &mut self.passed_on;
        self.link.receive(&bytes, |bytes| passed_on.extend(bytes)).expect("well-formed");
        bytes.len()
    }
}

fn connect(ends: &mut [End; 2]) {
    ends.iter_mut().for_each(End::connect);
}

/// Moves bytes both ways until nothing moves any more, or so many bytes have moved. Returns how many.
fn exchange(ends: &mut [End; 2], step: usize, most: usize) -> usize {
    let mut moved = 0;
    loop {
        let before = moved;
        let [one, other] = ends;
        moved += one.write(step.min(most - moved));
        moved += other.read(&mut one.wire, step.min(most - moved));
        moved += other.write(step.min(most - moved));
        moved += one.read(&mut other.wire, step.min(most - moved));
        if moved == before {
            return moved;
        }
    }
}

fn assert_complete(ends: &[End; 2]) {
    assert!(ends[0].passed_on == ends[1].pushed && ends[1].passed_on == ends[0].pushed);
}

#[test]
fn a_connection_cut_after_any_byte_goes_on_where_it_was() {
    let scenario = || {
        let mut ends = [End::default(), End::default()];
        ends[0].push(3);
        ends[1].push(70);
        connect(&mut ends);
        ends
    };
    let all = exchange(&mut scenario(), 5, usize::MAX);
    assert!(all > 140);
    for first in 0..all {
        for second in [0, 1, 13, 14, 30, usize::MAX] {
            let mut ends = scenario();
            exchange(&mut ends, 5, first);
            connect(&mut ends);
            ends[0].push(9);
            exchange(&mut ends, 7, second);
            connect(&mut ends);
            exchange(&mut ends, usize::MAX, usize::MAX);
            assert_complete(&ends);
        }
    }
}

/// What happens to two ends.
#[derive(Debug, Clone)]
enum Step {
    Push(usize, usize),
    Exchange { step: usize, most: usize },
    Cut,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = prop_oneof![0_usize..20, 0_usize..3 * MAX_DATA];
    let step = prop_oneof![
        (0_usize..2, length).prop_map(|(end, length)| Step::Push(end, length)),
        (1_usize..2 * MAX_DATA, 0_usize..4 * MAX_DATA).prop_map(|(step, most)| Step::Exchange { step, most }),
        Just(Step::Cut),
    ];
    proptest::collection::vec(step, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_lost_or_doubled(steps in steps()) {
        let mut ends = [End::default(), End::default()];
        connect(&mut ends);
        for step in steps {
            match step {
                Step::Push(end, length) => ends[end].push(length),
                Step::Exchange { step, most } => { exchange(&mut ends, step, most); }
                Step::Cut => connect(&mut ends),
            }
            for (end, other) in [(0, 1), (1, 0)] {
                prop_assert!(ends[other].pushed.starts_with(&ends[end].passed_on));
            }
        }
        connect(&mut ends);
        exchange(&mut ends, usize::MAX, usize::MAX);
        assert_complete(&ends);
        for end in &ends {
            prop_assert!(end.link.kept.len() as u64 <= 2 * ACK_STEP, "unacknowledged: {}", end.link.kept.len());
        }
    }

    #[test]
    fn no_bytes_of_the_other_end_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut link = Link::default();
        link.push(b"bytes");
        let _ = link.receive(&bytes, |_| {});
    }
}

#[test]
fn parts_keep_their_bytes_on_the_wire() {
    for (part, bytes) in [
        (Part::Resume(300), b"\0\0\0\0\x01\0\x02\0\0\0\xac\x02".as_slice()),
        (Part::Ack(7), b"\0\0\0\0\x02\0\x01\0\0\0\x07"),
        (Part::Data(b"d".to_vec()), b"\0\0\0\0\x03\0\x01\0\0\0d"),
    ] {
        assert_eq!(encode(CONTROL, &part).as_deref(), Ok(bytes));
        let mut decoder = decoder();
        decoder.push(bytes);
        assert_eq!(decoder.next(), Ok(Some((CONTROL, part))));
    }
}

#[test]
fn what_was_never_sent_cannot_be_acknowledged_and_what_is_forgotten_cannot_be_sent_again() {
    let received = |parts: &[Part]| {
        let mut link = Link::default();
        link.push(b"1234");
        link.connect();
        for part in parts {
            link.output().expect("short");
            link.written(usize::MAX);
            let bytes = encode(CONTROL, part).expect("short");
            link.receive(&bytes, |_| {})?;
            if *part == Part::Ack(4) {
                link.connect();
            }
        }
        Ok(())
    };
    assert_eq!(received(&[Part::Resume(0), Part::Data(vec![1]), Part::Ack(3)]), Ok(()));
    assert_eq!(received(&[Part::Resume(0), Part::Ack(0), Part::Ack(4), Part::Resume(4)]), Ok(()));
    for parts in [
        &[Part::Data(vec![1])][..],
        &[Part::Ack(0)],
        &[Part::Resume(5)],
        &[Part::Resume(0), Part::Resume(0)],
        &[Part::Resume(0), Part::Ack(0), Part::Ack(5)],
        &[Part::Resume(3), Part::Ack(2)],
        &[Part::Resume(0), Part::Ack(0), Part::Ack(4), Part::Resume(3)],
    ] {
        assert_eq!(received(parts), Err(Malformed), "{parts:?}");
    }
}

#[test]
fn a_full_link_has_room_again_when_it_is_acknowledged() {
    let mut ends = [End::default(), End::default()];
    ends[0].push(LINK_WINDOW);
    assert!(!ends[0].link.has_room());
    connect(&mut ends);
    exchange(&mut ends, usize::MAX, usize::MAX);
    assert!(ends[0].link.has_room());
    // An answer acknowledges the rest.
    ends[1].push(1);
    exchange(&mut ends, usize::MAX, usize::MAX);
    assert!(ends[0].link.is_acknowledged() && ends[0].link.memory_bytes() < 2 * MAX_DATA as u64);
}
