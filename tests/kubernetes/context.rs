//! What each test has: a folder, a namespace, and the program as a user starts it there.

use cofferdam_tests::{
    cluster::{Action, Asked, Namespace, Proxy, runtime},
    conformance::Failure,
    program::{Place, stderr, stdout},
    sidecar::Sidecar,
};
use serde_json::Value;
use std::{
    future::Future,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

/// A test by its name.
pub(super) type Test = (&'static str, fn(&Context) -> Result<(), Failure>);

pub(super) struct Context {
    pub(super) place: Place,
    pub(super) namespace: Arc<Namespace>,
}

impl Context {
    pub(super) fn new(namespace: Arc<Namespace>) -> Self {
        Self { place: Place::new(), namespace }
    }

    /// `cofferdam SUBCOMMAND` for the namespace, with the sidecar's own rights.
    pub(super) fn command(&self, subcommand: &str, args: &[&str]) -> Command {
        self.command_by(&self.kubeconfig(args), subcommand, args)
    }

    /// The same by another way to the cluster.
    pub(super) fn command_by(&self, kubeconfig: &Path, subcommand: &str, args: &[&str]) -> Command {
        let kubeconfig = kubeconfig.to_string_lossy();
        let common = ["--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", &self.namespace.name];
        let mut command = self.place.cofferdam([&[subcommand], &common[..], args].concat());
        // What an operator has in their shell is not the test's.
        command.env_remove("KUBECONFIG");
        command
    }

    /// `cofferdam serve` for the namespace by this way to the cluster, with more settings.
    pub(super) fn sidecar(&self, kubeconfig: &Path, settings: &[(&str, &str)]) -> Sidecar {
        let kubeconfig = kubeconfig.to_string_lossy();
        let options = ["--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", &self.namespace.name];
        Sidecar::start(&self.place, &options, settings)
    }

    /// Runs a program and gives what `--json` prints.
    pub(super) fn run(&self, program: &str, args: &[&str]) -> Result<Value, Failure> {
        self.run_by(&self.kubeconfig(args), program, args)
    }

    /// The same by another way to the cluster.
    pub(super) fn run_by(&self, kubeconfig: &Path, program: &str, args: &[&str]) -> Result<Value, Failure> {
        self.place.write("program.py", program);
        let args = [&["--json"], args, &["program.py"]].concat();
        answer(&self.command_by(kubeconfig, "run", &args).output()?)
    }

    /// That of the sidecar that has the rights for what these arguments ask for.
    fn kubeconfig(&self, args: &[&str]) -> PathBuf {
        if args.contains(&"pod") { self.namespace.kubeconfig_for_pods() } else { self.namespace.kubeconfig() }
    }

    /// A proxy before the API server.
    pub(super) fn proxy(
        &self,
        script: impl Fn(&Asked, usize) -> Action + Send + Sync + 'static,
    ) -> Result<Proxy, Failure> {
        block_on(Proxy::start(&self.namespace.kubeconfig(), self.place.path(), script))
    }

    /// The same for a sidecar whose runs are Pods.
    pub(super) fn proxy_for_pods(
        &self,
        script: impl Fn(&Asked, usize) -> Action + Send + Sync + 'static,
    ) -> Result<Proxy, Failure> {
        block_on(Proxy::start(&self.namespace.kubeconfig_for_pods(), self.place.path(), script))
    }
}

/// What `--json` printed.
pub(super) fn answer(output: &Output) -> Result<Value, Failure> {
    serde_json::from_str(&stdout(output))
        .map_err(|error| format!("{error}: {} {}", stdout(output), stderr(output)).into())
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// Fails with what came unless it is what was expected.
pub(super) fn expect(is_so: bool, came: impl std::fmt::Debug) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(format!("{came:#?}").into()) }
}

/// Fails unless the answer is an error with this code, whose message has this in it.
pub(super) fn expect_error(answer: &Value, code: &str, message: &str) -> Result<(), Failure> {
    let error = &answer["error"];
    expect(error["code"] == code && error["message"].as_str().is_some_and(|text| text.contains(message)), answer)
}
