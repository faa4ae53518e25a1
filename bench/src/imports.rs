//! A program whose import takes longer than all else: bare, in a sandbox that waits, and where that is done ahead.

use crate::{bare::Bundle, figures::Figures, interactive::Failure, warm::Served};
use cofferdam_tests::program::Place;
use std::path::Path;

/// Prints 42.
const CODE: &str = "import pandas\nprint(pandas.Series([6]).sum() * 7)";

/// The figures of all three, in turn.
#[derive(Debug, Default)]
pub struct Compared {
    /// `runsc run` of the bundle that `cofferdam run` makes.
    pub bare: Figures,
    /// In a sandbox that waits.
    pub warm: Figures,
    /// In one that has imported pandas.
    pub imported: Figures,
}

/// So many of each.
///
/// # Errors
///
/// Where a run fails.
pub fn compare(place: &Place, runsc: &Path, rounds: usize) -> Result<Compared, Failure> {
    place.write("imports.py", CODE);
    let bundle = Bundle::of(place, "imports.py")?;
    let other = Place::new();
    let (mut warm, mut imported) = (Served::start(place, 1, &[])?, Served::start(&other, 1, &["pandas"])?);
    warm.fill(1);
    imported.fill(1);
    let mut compared = Compared::default();
    for round in 0..=rounds {
        let bare = bundle.time(runsc, &format!("imports-{round}"))?;
        let (warm, imported) = (warm.time_and_fill(CODE)?, imported.time_and_fill(CODE)?);
        // The first round warms the page cache.
        if round > 0 {
            compared.bare.push(bare);
            compared.warm.push(warm);
            compared.imported.push(imported);
        }
    }
    Ok(compared)
}
