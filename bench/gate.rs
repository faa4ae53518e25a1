//! Fails if a ratio of two measurements of this machine exceeds its limit. The limits are far above the
//! values in `docs/performance.md`, because machines are noisy.

use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_bench::{bare, hop, image, interactive::Failure, warm};
use cofferdam_tests::program::TestDir;
use std::process::ExitCode;

const ROUNDS: usize = 10;
const CALLS: usize = 200;

/// A measured ratio and its limit.
struct Ratio {
    name: &'static str,
    value: f64,
    limit: f64,
}

fn main() -> Result<ExitCode, Failure> {
    let dir = TestDir::new();
    let local = LocalBackend::new(&Settings::default().local())?;
    let (cold, bare) = bare::compare(&dir, local.runsc(), ROUNDS)?;
    let warm = warm::measure(&dir, ROUNDS)?;
    let (in_image, on_machine) = image::compare(&dir, 2 * ROUNDS)?;
    let (through, _) = hop::measure(3, CALLS)?;
    let ratios = [
        Ratio {
            name: "a cold run / a bare run of runsc",
            value: cold.ratio(&bare).percentile(50),
            limit: 1.6,
        },
        Ratio {
            name: "a warm run / a bare run of runsc",
            value: warm.ratio(&bare).percentile(50),
            limit: 0.15,
        },
        Ratio {
            name: "a cold run in an image / a cold run on the machine's files",
            value: in_image.ratio(&on_machine).percentile(50),
            limit: 1.05,
        },
        Ratio {
            name: "a call of the component / a warm run",
            value: through.ratio(&warm).percentile(50),
            limit: 0.1,
        },
    ];
    let mut code = ExitCode::SUCCESS;
    for Ratio { name, value, limit } in ratios {
        let verdict = if value <= limit { "ok" } else { "TOO SLOW" };
        println!("{verdict}: {name}: {value:.3}, limit {limit}");
        if value > limit {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
