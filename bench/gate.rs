//! Fails where something has become much slower than what it is measured beside, in the same run. The bounds are far from
//! what `docs/performance.md` has, since machines are noisy; what is slower than these is slower for a reason.

use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_bench::{bare, hop, interactive::Failure, warm};
use cofferdam_tests::program::Place;
use std::process::ExitCode;

const ROUNDS: usize = 10;
const CALLS: usize = 200;

/// A figure, and what it must not be above.
struct Bound {
    what: &'static str,
    is: f64,
    at_most: f64,
}

fn main() -> Result<ExitCode, Failure> {
    let place = Place::new();
    let local = LocalBackend::new(&Settings::default().local())?;
    let (ours, bare) = bare::compare(&place, local.runsc(), ROUNDS)?;
    let warm = warm::measure(&place, ROUNDS)?;
    let (through, _) = hop::measure(3, CALLS)?;
    let bounds = [
        Bound { what: "a cold run, in bare runs of runsc", is: ours.ratio(&bare).percentile(50), at_most: 1.6 },
        Bound { what: "a warm run, in bare runs of runsc", is: warm.ratio(&bare).percentile(50), at_most: 0.15 },
        Bound { what: "a call of the component, in warm runs", is: through.ratio(&warm).percentile(50), at_most: 0.1 },
    ];
    let mut code = ExitCode::SUCCESS;
    for Bound { what, is, at_most } in bounds {
        let verdict = if is <= at_most { "ok" } else { "TOO SLOW" };
        println!("{verdict}: {what}: {is:.3}, at most {at_most}");
        if is > at_most {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
