//! google-adk's `GkeCodeExecutor`, as it is, in one Python process that stays.

use crate::interactive::Mode;
use cofferdam_tests::{conformance::Failure, program::root};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    api::{DeleteParams, ObjectMeta, PostParams},
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

/// A Python that has google-adk.
///
/// # Errors
///
/// Where there is none and none can be had, which has been said.
pub(super) fn python() -> Result<PathBuf, Failure> {
    let output = Command::new(root().join("scripts/adk.sh")).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("there is no google-adk to measure beside".into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}

/// Makes a namespace of its own, and gives its name. Nothing is enforced there: its Pods do not pass as `restricted`.
///
/// # Errors
///
/// Whatever the cluster has against it.
pub(super) async fn create_namespace(admin: &Client) -> Result<String, Failure> {
    let metadata = ObjectMeta { generate_name: Some("cofferdam-bench-adk-".into()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    let created = Api::<Namespace>::all(admin.clone()).create(&PostParams::default(), &namespace).await?;
    Ok(created.metadata.name.ok_or("a namespace without a name")?)
}

/// Deletes it, and with it all that was left there.
///
/// # Errors
///
/// A cluster that does not answer.
pub(super) async fn delete_namespace(admin: &Client, name: &str) -> Result<(), Failure> {
    Api::<Namespace>::all(admin.clone()).delete(name, &DeleteParams::default()).await?;
    Ok(())
}

/// The process. It waits until it is told to run, and ends with this.
#[derive(Debug)]
pub(super) struct Adk {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    at_once: usize,
}

impl Adk {
    /// Starts it, for so many times so many programs at once.
    pub(super) fn start(
        python: &Path,
        kubeconfig: &Path,
        namespace: &str,
        count: usize,
        at_once: usize,
    ) -> Result<Self, Failure> {
        let mut child = Command::new(python)
            .arg(root().join("bench/adk/run.py"))
            .arg(kubeconfig)
            .args([namespace, &count.to_string(), &at_once.to_string()])
            // Like Cofferdam, it goes to the cluster straight.
            .env("NO_PROXY", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("no pipe")?;
        let stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        Ok(Self { child, stdin, stdout, at_once })
    }

    /// Time until all of its programs, begun at once, have their results, by its own clock.
    pub(super) fn run(&mut self) -> Result<Duration, Failure> {
        Ok(self.times(Mode::Burst)?.into_iter().max().unwrap_or_default())
    }

    /// The time of each of its programs, by its own clock.
    pub(super) fn times(&mut self, mode: Mode) -> Result<Vec<Duration>, Failure> {
        writeln!(self.stdin, "{}", mode.seconds())?;
        let mut times = Vec::new();
        for _ in 0..self.at_once {
            let mut line = String::new();
            self.stdout.read_line(&mut line)?;
            let answer: Value = serde_json::from_str(&line).map_err(|_| format!("bench/adk/run.py said {line:?}"))?;
            let seconds = answer["seconds"].as_f64().filter(|_| answer["stdout"] == super::OUTPUT);
            let seconds = seconds.ok_or_else(|| format!("google-adk gave {line}"))?;
            times.push(Duration::try_from_secs_f64(seconds)?);
        }
        Ok(times)
    }
}

impl Drop for Adk {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
