//! `cofferdam run` beside `runsc run` of the very same bundle.

use crate::{
    figures::Figures,
    interactive::{Failure, Mode},
};
use cofferdam_tests::program::Place;
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

/// A bundle as `cofferdam run` makes it, with what it writes into the sandbox.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    program: Vec<u8>,
}

/// Writes a program in the place of runsc, which gets its options.
fn stand_in(place: &Place, name: &str, script: &str) -> Result<PathBuf, Failure> {
    place.write(name, format!("#!/bin/sh\n{script}"));
    let path = place.path().join(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

impl Bundle {
    /// Takes one from a run of `program` whose runsc is a stand-in that copies it.
    ///
    /// # Errors
    ///
    /// Where the run makes none.
    pub fn of(place: &Place, program: &str) -> Result<Self, Failure> {
        let (folder, stdin) = (place.path().join("bundle-of-bench"), place.path().join("stdin"));
        let copy = format!(
            "while [ \"$1\" != --bundle ]; do shift; done\ncp -r \"$2/..\" {}\nhead -c 4 >{stdin}\n\
             size=$(od -An -tu4 {stdin})\nhead -c $size >>{stdin}",
            folder.display(),
            stdin = stdin.display()
        );
        let copier = stand_in(place, "copier", &copy)?;
        let _ = place.run(["run".as_ref(), "--runsc".as_ref(), copier.as_os_str(), program.as_ref()]);
        let config = folder.join("bundle/config.json");
        let text = fs::read_to_string(&config)?;
        // The paths of the run that is gone become those of the copy.
        let start = text.find(&*place.state().to_string_lossy()).ok_or("the bundle names no folder of the run")?;
        let run: PathBuf = Path::new(text[start..].split('"').next().unwrap_or_default())
            .ancestors()
            .find(|path| path.parent() == Some(&place.state()))
            .ok_or("the bundle names no folder of the run")?
            .to_owned();
        fs::write(&config, text.replace(&*run.to_string_lossy(), &folder.to_string_lossy()))?;
        Ok(Self { folder, program: fs::read(stdin)? })
    }

    /// Time of a bare `runsc run`, from its start to its end.
    ///
    /// # Errors
    ///
    /// Where it fails.
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
        stdin.write_all(&self.program)?;
        let mut frames = Vec::new();
        child.stdout.take().ok_or("no pipe")?.read_to_end(&mut frames)?;
        let status = child.wait()?;
        drop(stdin);
        if status.success() { Ok(start.elapsed()) } else { Err(format!("runsc: {status}").into()) }
    }
}

/// Both in turn, `rounds` times.
///
/// # Errors
///
/// Where a run fails.
pub fn compare(place: &Place, runsc: &Path, rounds: usize) -> Result<(Figures, Figures), Failure> {
    place.write("hello.py", "print(6*7)");
    let bundle = Bundle::of(place, "hello.py")?;
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    let run = || {
        let start = Instant::now();
        let output = place.run(["run".as_ref(), "--runsc".as_ref(), runsc.as_os_str(), "hello.py".as_ref()]);
        let time = start.elapsed();
        if output.stdout == b"42\n" { Ok(time) } else { Err(format!("cofferdam run: {output:?}")) }
    };
    for round in 0..=rounds {
        // Neither always comes first, which may be the better place or the worse one.
        let bare = |round| bundle.time(runsc, &format!("bare-{round}"));
        let (our, their) = if round % 2 == 0 {
            let our = run()?;
            (our, bare(round)?)
        } else {
            let their = bare(round)?;
            (run()?, their)
        };
        // The first round warms the page cache.
        if round > 0 {
            ours.push(our);
            theirs.push(their);
        }
    }
    Ok((ours, theirs))
}

/// Bare runs, so many that come like this.
///
/// # Errors
///
/// Where one fails.
pub fn interactive(place: &Place, runsc: &Path, mode: Mode, runs: u32) -> Result<Figures, Failure> {
    place.write("hello.py", "print(6*7)");
    let bundle = Arc::new(Bundle::of(place, "hello.py")?);
    let count = AtomicU32::new(0);
    let timed = || {
        let (bundle, runsc, number) = (bundle.clone(), runsc.to_owned(), count.fetch_add(1, Ordering::Relaxed));
        async move { spawn_blocking(move || bundle.time(&runsc, &format!("bare-{number}"))).await? }
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(mode.measure(runs, timed))
}

/// Time from the start of `cofferdam run` to that of runsc.
///
/// # Errors
///
/// Where runsc is not reached.
pub fn until_runsc(place: &Place, rounds: usize) -> Result<Figures, Failure> {
    let reached = place.path().join("reached");
    let script = format!("date +%s%N >{}", reached.display());
    let clock = stand_in(place, "clock", &script)?;
    let mut figures = Figures::default();
    for _ in 0..rounds {
        let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let _ = place.run(["run".as_ref(), "--runsc".as_ref(), clock.as_os_str(), "hello.py".as_ref()]);
        let end = Duration::from_nanos(fs::read_to_string(&reached)?.trim().parse()?);
        figures.push(end.saturating_sub(start));
    }
    Ok(figures)
}
