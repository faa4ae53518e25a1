//! What must hold of any input, each in the form of a function that panics where it does not: for the fuzz targets, and for the tests
//! below, which run their corpora.

pub use crate::{
    config::hold_settings as settings,
    sandbox::kubernetes::{events, overlay, pods},
    serve::{message, request},
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, sample::Index};
    use std::{fs, path::Path};

    type Promise = fn(&[u8]);

    const PROMISES: [(&str, Promise); 6] = [
        ("calls", message),
        ("events", events),
        ("overlay", overlay),
        ("plans", request),
        ("pods", pods),
        ("settings", settings),
    ];

    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
        let entries = fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("an entry").path());
        entries.map(|path| fs::read(path).expect("an input")).collect()
    }

    #[test]
    fn the_corpora_hold() {
        for (target, holds) in PROMISES {
            let inputs = corpus(target);
            assert!(!inputs.is_empty(), "{target}");
            inputs.iter().for_each(|input| holds(input));
        }
    }

    /// Puts some of another input into the place of some of one.
    fn spliced(mut input: Vec<u8>, other: &[u8], places: [Index; 4]) -> Vec<u8> {
        let within = |length: usize, one: &Index, other: &Index| {
            let [one, other] = [one, other].map(|place| place.index(length + 1));
            one.min(other)..one.max(other)
        };
        let (gone, new) = (within(input.len(), &places[0], &places[1]), within(other.len(), &places[2], &places[3]));
        input.splice(gone, other[new].iter().copied());
        input
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_near_the_corpora_holds(
            target in 0..PROMISES.len(), one: Index, other: Index, places: [Index; 4], again: [Index; 4],
        ) {
            let (target, holds) = PROMISES[target];
            let inputs = corpus(target);
            let (one, other) = (one.get(&inputs), other.get(&inputs));
            holds(&spliced(spliced(one.clone(), other, places), one, again));
        }
    }
}
