//! gVisor's own Python package in one Python process.

use crate::interactive::Failure;
use cofferdam_tests::program::{TestDir, root};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

/// The Python process, which keeps a sandbox and creates others. It ends with its standard input.
#[derive(Debug)]
pub(super) struct Package {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// A Python interpreter with the package.
fn python() -> Result<PathBuf, Failure> {
    let output = Command::new(root().join("scripts/gvisor-package.sh")).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("gVisor's package cannot be installed: scripts/gvisor-package.sh failed".into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}

impl Package {
    /// Starts the process. Its sandboxes have their files below the directory.
    pub(super) fn start(dir: &TestDir, runsc: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(python()?)
            .arg(root().join("bench/gvisor/run.py"))
            .env("RUNSC_PATH", runsc)
            .env("TMPDIR", dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        Ok(Self { child, stdin, stdout })
    }

    /// The durations of a call, as measured by the process.
    pub(super) fn times(&mut self, call: &str) -> Result<Vec<Duration>, Failure> {
        writeln!(self.stdin.as_ref().ok_or("no pipe")?, "{call}")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        let seconds: Vec<f64> =
            serde_json::from_str(&line).map_err(|_| format!("bench/gvisor/run.py printed {line:?}"))?;
        seconds.into_iter().map(|seconds| Ok(Duration::try_from_secs_f64(seconds)?)).collect()
    }

    /// The duration of a call that has one.
    pub(super) fn time(&mut self, call: &str) -> Result<Duration, Failure> {
        Ok(self.times(call)?.into_iter().next().ok_or("no duration")?)
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // It deletes its sandbox before it ends.
        self.stdin = None;
        let _ = self.child.wait();
    }
}
