//! A run beside the hostile ones, which they must not reach.

use crate::{
    conformance::Failure,
    program::{TestDir, stderr},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout},
};

const PROGRAM: &str = include_str!("neighbour.py");
/// A shell's exit code for a process that SIGTERM has killed.
const TERMINATED: i32 = 128 + Signal::TERM.as_raw();

/// A run that listens until it is ended.
#[derive(Debug)]
pub struct Neighbour {
    process: Child,
    stdout: BufReader<ChildStdout>,
    _dir: TestDir,
}

impl Neighbour {
    /// Starts the run on this machine, or in a namespace given by kubeconfig and name.
    ///
    /// # Errors
    ///
    /// The program does not start.
    pub fn start(cluster: Option<(&Path, &str)>) -> Result<Self, Failure> {
        let dir = TestDir::new();
        dir.write("neighbour.py", PROGRAM);
        let mut command = dir.cofferdam(["run", "--timeout", "3600", "neighbour.py"]);
        if let Some((kubeconfig, namespace)) = cluster {
            command
                .args(["--backend", "kubernetes", "--namespace", namespace, "--kubeconfig"])
                .arg(kubeconfig);
        } else {
            command.args(["--backend", "local"]);
        }
        let mut process = command.spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        if line == "waiting\n" {
            return Ok(Self { process, stdout, _dir: dir });
        }
        Err(stderr(&process.wait_with_output()?).into())
    }

    /// Ends the run.
    ///
    /// # Errors
    ///
    /// Something has connected to the run, or it has ended early.
    pub fn end(mut self) -> Result<(), Failure> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest)?;
        let output = self.process.wait_with_output()?;
        if (output.status.code(), rest.as_str()) == (Some(TERMINATED), "") {
            return Ok(());
        }
        Err(format!("the neighbour was reached or ended early: {} {rest}{}", output.status, stderr(&output))
            .into())
    }
}
