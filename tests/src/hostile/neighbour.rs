//! A run beside others that nobody may come to.

use crate::{
    conformance::Failure,
    program::{Place, stderr},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout},
};

/// What it does.
const PROGRAM: &str = include_str!("neighbour.py");
/// A shell's name for the end by this signal.
const TERMINATED: i32 = 128 + Signal::TERM.as_raw();

/// It listens and waits.
#[derive(Debug)]
pub struct Neighbour {
    process: Child,
    said: BufReader<ChildStdout>,
    _place: Place,
}

impl Neighbour {
    /// One on this machine, or in the namespace of a cluster.
    ///
    /// # Errors
    ///
    /// Where it does not come to run.
    pub fn start(cluster: Option<(&Path, &str)>) -> Result<Self, Failure> {
        let place = Place::new();
        place.write("neighbour.py", PROGRAM);
        let mut command = place.cofferdam(["run", "--timeout", "3600", "neighbour.py"]);
        if let Some((kubeconfig, namespace)) = cluster {
            command.args(["--backend", "kubernetes", "--namespace", namespace, "--kubeconfig"]).arg(kubeconfig);
        } else {
            command.args(["--backend", "local"]);
        }
        let mut process = command.spawn()?;
        let mut said = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        if line == "waiting\n" {
            return Ok(Self { process, said, _place: place });
        }
        Err(stderr(&process.wait_with_output()?).into())
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// Whoever has come to it, or that it did not last so long.
    pub fn end(mut self) -> Result<(), Failure> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let mut rest = String::new();
        self.said.read_to_string(&mut rest)?;
        let output = self.process.wait_with_output()?;
        if (output.status.code(), rest.as_str()) == (Some(TERMINATED), "") {
            return Ok(());
        }
        Err(format!("the run beside the others: {} {rest}{}", output.status, stderr(&output)).into())
    }
}
