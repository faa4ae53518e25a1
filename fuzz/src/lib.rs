//! Runs what must hold of any input on the corpora of the fuzz targets, and on inputs that are near them. For
//! tests.

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use std::{fs, ops::Range, path::Path};

/// What must hold of any input: a function that panics where it does not.
pub type Invariant = fn(&[u8]);

/// Inputs near the corpus that are tried.
const CASES: u32 = 200;

/// Runs an invariant on the corpus of a fuzz target, and on inputs that are spliced of it.
///
/// # Panics
///
/// Where the invariant does not hold, or there is no corpus.
#[expect(clippy::expect_used, reason = "tests use it")]
pub fn check_corpus(target: &str, invariant: Invariant) {
    let inputs = corpus(target);
    assert!(!inputs.is_empty(), "{target}");
    inputs.iter().for_each(|input| invariant(input));
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let strategy = any::<(Index, Index, [Index; 4], [Index; 4])>();
    TestRunner::new(config)
        .run(&strategy, |(one, other, places, again)| {
            let (one, other) = (one.get(&inputs), other.get(&inputs));
            invariant(&spliced(spliced(one.clone(), other, places), one, again));
            Ok(())
        })
        .expect("the invariant holds of inputs near the corpus");
}

#[expect(clippy::expect_used, reason = "tests use it")]
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("an entry").path());
    entries.map(|path| fs::read(path).expect("an input")).collect()
}

/// Replaces a part of one input by a part of another.
fn spliced(mut input: Vec<u8>, other: &[u8], places: [Index; 4]) -> Vec<u8> {
    let replaced = range(input.len(), &places[0], &places[1]);
    let new = range(other.len(), &places[2], &places[3]);
    input.splice(replaced, other[new].iter().copied());
    input
}

fn range(length: usize, one: &Index, other: &Index) -> Range<usize> {
    let [one, other] = [one, other].map(|place| place.index(length + 1));
    one.min(other)..one.max(other)
}
