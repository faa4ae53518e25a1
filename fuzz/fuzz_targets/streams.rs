//! Whatever comes as server-sent events is the same events however it is cut, and no more than what came.
#![no_main]

use cofferdam_http_api::Events;
use libfuzzer_sys::fuzz_target;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, usize, usize) {
    let (mut events, mut told) = (Events::default(), Vec::new());
    for piece in pieces {
        events.push(piece);
        while let Some(data) = events.next_event() {
            told.push(data);
        }
    }
    (told, events.held(), events.gaps())
}

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else { return };
    let whole = read([stream].into_iter());
    assert_eq!(read(stream.chunks(usize::from(*size).max(1))), whole);
    let (told, held, _) = whole;
    assert!(told.iter().all(|data| !data.is_empty()));
    assert!(told.iter().map(Vec::len).sum::<usize>() + held <= stream.len());
});
