//! `cofferdam run` in an image compared with the same on this machine's own files.

use crate::{interactive::Failure, samples::Samples};
use cofferdam_tests::{
    images::{Layer, Layout},
    program::{TestDir, stderr},
};
use std::{
    process::Command,
    time::{Duration, Instant},
};

const IMAGE: &str = "python:bench";

/// Samples of cold runs of Debian's Python in an image and on this machine, taken alternately, `rounds` of each.
///
/// # Errors
///
/// A run fails.
pub fn compare(dir: &TestDir, rounds: usize) -> Result<(Samples, Samples), Failure> {
    let (folder, archive) = (dir.path().join("layout"), dir.path().join("python.tar"));
    let layer = Layer::packages(&["python3-minimal".to_owned()]);
    Layout::new(vec![layer]).save(&folder, IMAGE, false, &archive);
    let loaded = command(dir, &["image", "load", "python.tar"]).output()?;
    if !loaded.status.success() {
        return Err(stderr(&loaded).into());
    }
    dir.write("hello.py", "print(6*7)");
    let (mut image, mut machine) = (Samples::default(), Samples::default());
    for round in 0..=rounds {
        let times = [time(dir, &["run", "--image", IMAGE, "hello.py"])?, time(dir, &["run", "hello.py"])?];
        // The first round fills the page cache.
        if round > 0 {
            image.push(times[0]);
            machine.push(times[1]);
        }
    }
    Ok((image, machine))
}

fn command(dir: &TestDir, args: &[&str]) -> Command {
    let mut command = dir.cofferdam(args);
    command.env("COFFERDAM_IMAGES__PULL_POLICY", "Never");
    command
}

fn time(dir: &TestDir, args: &[&str]) -> Result<Duration, Failure> {
    let start = Instant::now();
    let output = command(dir, args).output()?;
    let time = start.elapsed();
    if output.stdout == b"42\n" { Ok(time) } else { Err(format!("cofferdam run: {output:?}").into()) }
}
