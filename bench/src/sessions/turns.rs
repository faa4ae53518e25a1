//! Measurements by turns.

use crate::{interactive::Failure, samples::Samples};
use std::time::Duration;

/// Performs one measurement and returns its duration.
pub(super) type Measurement<'a> = Box<dyn FnMut() -> Result<Duration, Failure> + 'a>;

/// Performs the measurements by turns, each round beginning with another one. A first round is not counted.
pub(super) fn by_turns<const N: usize>(
    mut measurements: [Measurement<'_>; N],
    rounds: usize,
) -> Result<[Samples; N], Failure> {
    let mut samples: [Samples; N] = std::array::from_fn(|_| Samples::default());
    for round in 0..=rounds {
        for offset in 0..N {
            let index = (round + offset) % N;
            let time = measurements[index]()?;
            if round > 0 {
                samples[index].push(time);
            }
        }
    }
    Ok(samples)
}
