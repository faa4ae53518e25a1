//! What a sidecar may answer, or something in its place: what can be read is, written again, the same.
#![no_main]

use cofferdam_http_api::{Event, Execution, Outcome, Problem};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

fn same_again<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8]) {
    let Ok(answer) = serde_json::from_slice::<T>(body) else { return };
    let written = serde_json::to_vec(&answer).expect("JSON");
    assert_eq!(serde_json::from_slice::<T>(&written).expect("the same kind of answer"), answer);
}

fuzz_target!(|body: &[u8]| {
    same_again::<Outcome>(body);
    same_again::<Problem>(body);
    same_again::<Event>(body);
    same_again::<Execution>(body);
});
