//! google-adk's `GkeCodeExecutor` in one Python process.

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

/// A Python interpreter with google-adk.
///
/// # Errors
///
/// google-adk cannot be installed; the script has printed the cause.
pub(super) fn python() -> Result<PathBuf, Failure> {
    let output = Command::new(root().join("scripts/adk.sh")).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("google-adk cannot be installed: scripts/adk.sh failed".into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}

/// Creates a namespace and returns its name. It has no Pod security level, because google-adk's Pods are not
/// `restricted`.
///
/// # Errors
///
/// The API server refuses the request.
pub(super) async fn create_namespace(admin: &Client) -> Result<String, Failure> {
    let metadata = ObjectMeta { generate_name: Some("cofferdam-bench-adk-".into()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    let created = Api::<Namespace>::all(admin.clone()).create(&PostParams::default(), &namespace).await?;
    Ok(created.metadata.name.ok_or("a namespace without a name")?)
}

/// Deletes a namespace with all its objects.
///
/// # Errors
///
/// The API server does not respond.
pub(super) async fn delete_namespace(admin: &Client, name: &str) -> Result<(), Failure> {
    Api::<Namespace>::all(admin.clone()).delete(name, &DeleteParams::default()).await?;
    Ok(())
}

/// The Python process, which executes programs on request. Killed when dropped.
#[derive(Debug)]
pub(super) struct Adk {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    concurrency: usize,
}

impl Adk {
    /// Starts the process, for `count` requests of `concurrency` programs each.
    pub(super) fn start(
        python: &Path,
        kubeconfig: &Path,
        namespace: &str,
        count: usize,
        concurrency: usize,
    ) -> Result<Self, Failure> {
        let mut child = Command::new(python)
            .arg(root().join("bench/adk/run.py"))
            .arg(kubeconfig)
            .args([namespace, &count.to_string(), &concurrency.to_string()])
            // Like Cofferdam, without a proxy.
            .env("NO_PROXY", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("no pipe")?;
        let stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        Ok(Self { child, stdin, stdout, concurrency })
    }

    /// Time until all programs, started at once, have their results, as measured by the process.
    pub(super) fn run(&mut self) -> Result<Duration, Failure> {
        Ok(self.times(Mode::Burst)?.into_iter().max().unwrap_or_default())
    }

    /// The duration of each program, as measured by the process.
    pub(super) fn times(&mut self, mode: Mode) -> Result<Vec<Duration>, Failure> {
        writeln!(self.stdin, "{}", mode.seconds())?;
        let mut times = Vec::new();
        for _ in 0..self.concurrency {
            let mut line = String::new();
            self.stdout.read_line(&mut line)?;
            let result: Value =
                serde_json::from_str(&line).map_err(|_| format!("bench/adk/run.py printed {line:?}"))?;
            let seconds = result["seconds"].as_f64().filter(|_| result["stdout"] == super::OUTPUT);
            let seconds = seconds.ok_or_else(|| format!("unexpected result of google-adk: {line}"))?;
            times.push(Duration::try_from_secs_f64(seconds)?);
        }
        Ok(times)
    }
}

impl Drop for Adk {
    fn drop(&mut self) {
        // The process has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
