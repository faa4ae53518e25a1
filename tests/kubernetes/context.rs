//! The context of each test: a folder, a namespace, and `cofferdam` commands for them.

use cofferdam_tests::{
    cluster::{Action, ApiRequest, Namespace, Proxy, runtime},
    conformance::Failure,
    program::{TestDir, stderr, stdout},
    sidecar::Sidecar,
};
use serde_json::Value;
use std::{
    future::Future,
    io::BufRead,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

/// A name and its test.
pub(super) type Test = (&'static str, fn(&Context) -> Result<(), Failure>);

pub(super) struct Context {
    pub(super) dir: TestDir,
    pub(super) namespace: Arc<Namespace>,
}

impl Context {
    pub(super) fn new(namespace: Arc<Namespace>) -> Self {
        Self { dir: TestDir::new(), namespace }
    }

    /// `cofferdam SUBCOMMAND` for the namespace, with the sidecar's own rights.
    pub(super) fn command(&self, subcommand: &str, args: &[&str]) -> Command {
        self.command_with_kubeconfig(&self.kubeconfig(args), subcommand, args)
    }

    /// The same with another kubeconfig.
    pub(super) fn command_with_kubeconfig(
        &self,
        kubeconfig: &Path,
        subcommand: &str,
        args: &[&str],
    ) -> Command {
        let kubeconfig = kubeconfig.to_string_lossy();
        let common =
            ["--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", &self.namespace.name];
        let mut command = self.dir.cofferdam([&[subcommand], &common[..], args].concat());
        // The kubeconfig of the shell is not used.
        command.env_remove("KUBECONFIG");
        command
    }

    /// `cofferdam serve` for the namespace, with this kubeconfig and more settings.
    pub(super) fn sidecar(&self, kubeconfig: &Path, settings: &[(&str, &str)]) -> Sidecar {
        let kubeconfig = kubeconfig.to_string_lossy();
        let options =
            ["--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", &self.namespace.name];
        Sidecar::start(&self.dir, &options, settings)
    }

    /// Runs a program and returns its JSON result.
    pub(super) fn run(&self, program: &str, args: &[&str]) -> Result<Value, Failure> {
        self.run_with_kubeconfig(&self.kubeconfig(args), program, args)
    }

    /// The same with another kubeconfig.
    pub(super) fn run_with_kubeconfig(
        &self,
        kubeconfig: &Path,
        program: &str,
        args: &[&str],
    ) -> Result<Value, Failure> {
        self.dir.write("program.py", program);
        let args = [&["--json"], args, &["program.py"]].concat();
        json_result(&self.command_with_kubeconfig(kubeconfig, "run", &args).output()?)
    }

    /// The kubeconfig of the sidecar that has the permissions for these arguments.
    fn kubeconfig(&self, args: &[&str]) -> PathBuf {
        if args.contains(&"pod") { self.namespace.kubeconfig_for_pods() } else { self.namespace.kubeconfig() }
    }

    /// A proxy in front of the API server.
    pub(super) fn proxy(
        &self,
        script: impl Fn(&ApiRequest, usize) -> Action + Send + Sync + 'static,
    ) -> Result<Proxy, Failure> {
        block_on(Proxy::start(&self.namespace.kubeconfig(), self.dir.path(), script))
    }

    /// The same for a sidecar that creates bare Pods.
    pub(super) fn proxy_for_pods(
        &self,
        script: impl Fn(&ApiRequest, usize) -> Action + Send + Sync + 'static,
    ) -> Result<Proxy, Failure> {
        block_on(Proxy::start(&self.namespace.kubeconfig_for_pods(), self.dir.path(), script))
    }
}

/// Reads a log up to a line with this event, and returns what it has read.
pub(super) fn read_until(log: &mut impl BufRead, event: &str) -> Result<String, Failure> {
    let mut text = String::new();
    while !text.contains(event) {
        if log.read_line(&mut text)? == 0 {
            return Err(format!("it ended before {event:?}: {text}").into());
        }
    }
    Ok(text)
}

/// The id of the execution in a log.
pub(super) fn id_in(log: &str) -> Result<String, Failure> {
    Ok(log.find("run-").and_then(|at| log.get(at..at + 24)).ok_or("no id")?.to_owned())
}

/// The JSON result that `--json` printed.
pub(super) fn json_result(output: &Output) -> Result<Value, Failure> {
    serde_json::from_str(&stdout(output))
        .map_err(|error| format!("{error}: {} {}", stdout(output), stderr(output)).into())
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// Fails with the actual value unless the condition holds.
pub(super) fn expect(condition: bool, actual: impl std::fmt::Debug) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(format!("{actual:#?}").into()) }
}

/// Fails unless the result is a problem with this code whose detail contains this text.
pub(super) fn expect_error(result: &Value, code: &str, detail: &str) -> Result<(), Failure> {
    expect(
        result["code"] == code && result["detail"].as_str().is_some_and(|text| text.contains(detail)),
        result,
    )
}
