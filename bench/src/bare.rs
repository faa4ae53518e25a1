//! `cofferdam run` compared with `runsc run` of the same bundle.

use crate::{
    interactive::{Failure, Mode},
    samples::Samples,
};
use cofferdam_tests::program::TestDir;
use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tokio::task::spawn_blocking;

/// A bundle that `cofferdam run` has created, with the bytes that it writes to the sandbox.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    stdin: Vec<u8>,
}

/// Writes a shell script that replaces runsc.
fn fake_runsc(dir: &TestDir, name: &str, script: &str) -> Result<PathBuf, Failure> {
    dir.write(name, format!("#!/bin/sh\n{script}"));
    let path = dir.path().join(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

impl Bundle {
    /// Copies the bundle of a run of `program`, with a fake runsc.
    ///
    /// # Errors
    ///
    /// The run creates no bundle.
    pub fn of(dir: &TestDir, program: &str) -> Result<Self, Failure> {
        let (folder, stdin) = (dir.path().join("bundle-of-bench"), dir.path().join("stdin"));
        // Two messages: a header of ten bytes, whose last four are the length, and a body.
        let copy = format!(
            "while [ \"$1\" != --bundle ]; do shift; done\ncp -r \"$2/..\" {}\nfor message in hello run; do\n\
             head -c 10 >>{stdin}\nsize=$(tail -c 4 {stdin} | od -An -tu4)\nhead -c $size >>{stdin}\ndone",
            folder.display(),
            stdin = stdin.display()
        );
        let copier = fake_runsc(dir, "copier", &copy)?;
        let _ = dir.run(["run".as_ref(), "--runsc".as_ref(), copier.as_os_str(), program.as_ref()]);
        let config = folder.join("bundle/config.json");
        let text = fs::read_to_string(&config)?;
        // Replace the paths of the deleted run by those of the copy.
        let start = text
            .find(&*dir.state().to_string_lossy())
            .ok_or("the bundle's configuration has no path of the run")?;
        let run: PathBuf = Path::new(text[start..].split('"').next().unwrap_or_default())
            .ancestors()
            .find(|path| path.parent() == Some(&dir.state()))
            .ok_or("the bundle's configuration has no path of the run")?
            .to_owned();
        fs::write(&config, text.replace(&*run.to_string_lossy(), &folder.to_string_lossy()))?;
        Ok(Self { folder, stdin: fs::read(stdin)? })
    }

    /// Duration of a bare `runsc run`.
    ///
    /// # Errors
    ///
    /// `runsc` fails.
    pub fn time(&self, runsc: &Path, id: &str) -> Result<Duration, Failure> {
        let start = Instant::now();
        let mut child = Command::new(runsc)
            .arg("--root")
            .arg(self.folder.join("runsc"))
            .args(["--network=none", "--ignore-cgroups", "run", "--bundle"])
            .arg(self.folder.join("bundle"))
            .arg(id)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or("no pipe")?;
        stdin.write_all(&self.stdin)?;
        let mut frames = Vec::new();
        child.stdout.take().ok_or("no pipe")?.read_to_end(&mut frames)?;
        let status = child.wait()?;
        drop(stdin);
        if status.success() { Ok(start.elapsed()) } else { Err(format!("runsc: {status}").into()) }
    }
}

/// Samples of `cofferdam run` and of `runsc run`, taken alternately, `rounds` of each.
///
/// # Errors
///
/// A run fails.
pub fn compare(dir: &TestDir, runsc: &Path, rounds: usize) -> Result<(Samples, Samples), Failure> {
    dir.write("hello.py", "print(6*7)");
    let bundle = Bundle::of(dir, "hello.py")?;
    let (mut cold, mut bare) = (Samples::default(), Samples::default());
    let run_cold = || {
        let start = Instant::now();
        let output = dir.run(["run".as_ref(), "--runsc".as_ref(), runsc.as_os_str(), "hello.py".as_ref()]);
        let time = start.elapsed();
        if output.stdout == b"42\n" { Ok(time) } else { Err(format!("cofferdam run: {output:?}")) }
    };
    for round in 0..=rounds {
        // Alternate the order, which may have an influence.
        let run_bare = |round| bundle.time(runsc, &format!("bare-{round}"));
        let (cold_time, bare_time) = if round % 2 == 0 {
            let cold_time = run_cold()?;
            (cold_time, run_bare(round)?)
        } else {
            let bare_time = run_bare(round)?;
            (run_cold()?, bare_time)
        };
        // The first round fills the page cache.
        if round > 0 {
            cold.push(cold_time);
            bare.push(bare_time);
        }
    }
    Ok((cold, bare))
}

/// Samples of bare runs that arrive in this mode.
///
/// # Errors
///
/// A run fails.
pub fn interactive(dir: &TestDir, runsc: &Path, mode: Mode, runs: u32) -> Result<Samples, Failure> {
    dir.write("hello.py", "print(6*7)");
    let bundle = Arc::new(Bundle::of(dir, "hello.py")?);
    let count = AtomicU32::new(0);
    let timed = || {
        let (bundle, runsc, number) =
            (bundle.clone(), runsc.to_owned(), count.fetch_add(1, Ordering::Relaxed));
        async move { spawn_blocking(move || bundle.time(&runsc, &format!("bare-{number}"))).await? }
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(mode.measure(runs, timed))
}

/// Time from the start of `cofferdam run` to the start of runsc.
///
/// # Errors
///
/// The run does not start runsc.
pub fn until_runsc(dir: &TestDir, rounds: usize) -> Result<Samples, Failure> {
    let reached = dir.path().join("reached");
    let script = format!("date +%s%N >{}", reached.display());
    let clock = fake_runsc(dir, "clock", &script)?;
    let mut samples = Samples::default();
    for _ in 0..rounds {
        let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let _ = dir.run(["run".as_ref(), "--runsc".as_ref(), clock.as_os_str(), "hello.py".as_ref()]);
        let end = Duration::from_nanos(fs::read_to_string(&reached)?.trim().parse()?);
        samples.push(end.saturating_sub(start));
    }
    Ok(samples)
}
