//! A program dominated by an import: bare, in a prewarmed sandbox, and in a prewarmed sandbox with the module
//! preloaded.

use crate::{bare::Bundle, interactive::Failure, samples::Samples, warm::PooledSidecar};
use cofferdam_tests::program::TestDir;
use std::path::Path;

/// Prints 42.
const CODE: &str = "import pandas\nprint(pandas.Series([6]).sum() * 7)";

/// Samples of all three, taken alternately.
#[derive(Debug, Default)]
pub struct ImportSamples {
    /// `runsc run` of the bundle that `cofferdam run` creates.
    pub bare: Samples,
    /// In a prewarmed sandbox.
    pub warm: Samples,
    /// In a prewarmed sandbox that has preloaded pandas.
    pub preloaded: Samples,
}

/// Measures `rounds` of each.
///
/// # Errors
///
/// A run fails.
pub fn compare(dir: &TestDir, runsc: &Path, rounds: usize) -> Result<ImportSamples, Failure> {
    dir.write("imports.py", CODE);
    let bundle = Bundle::of(dir, "imports.py")?;
    let other = TestDir::new();
    let (mut warm, mut preloaded) =
        (PooledSidecar::start(dir, 1, &[])?, PooledSidecar::start(&other, 1, &["pandas"])?);
    warm.fill(1);
    preloaded.fill(1);
    let mut samples = ImportSamples::default();
    for round in 0..=rounds {
        let bare = bundle.time(runsc, &format!("imports-{round}"))?;
        let (warm, preloaded) = (warm.time_and_fill(CODE)?, preloaded.time_and_fill(CODE)?);
        // The first round fills the page cache.
        if round > 0 {
            samples.bare.push(bare);
            samples.warm.push(warm);
            samples.preloaded.push(preloaded);
        }
    }
    Ok(samples)
}
