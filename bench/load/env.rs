//! The environment of the load test: a namespace, a fake node, and sidecars.

use cofferdam_tests::{
    cluster::{FakeNode, Namespace, kubeconfig, runtime},
    conformance::Failure,
    program::TestDir,
    sidecar::Sidecar,
};
use std::path::{Path, PathBuf};

/// Bytes after which the node rotates a log, as by default of a kubelet.
const ROTATION: usize = 10 << 20;

pub(crate) struct Env {
    namespace: Namespace,
    fake_node: FakeNode,
}

impl Env {
    /// Creates a namespace with a quota of `runs`, and a fake node. `None` on a machine that cannot have
    /// them.
    pub(crate) fn new(runs: u32) -> Result<Option<Self>, Failure> {
        if kubeconfig().is_none() {
            return Ok(None);
        }
        let Some(fake_node) = FakeNode::start(ROTATION)? else { return Ok(None) };
        Ok(Some(Self { namespace: runtime().block_on(Namespace::with_quota(runs))?, fake_node }))
    }

    /// Waits until no run has left an object, and deletes the namespace.
    pub(crate) fn delete(&self) -> Result<(), Failure> {
        runtime().block_on(async {
            self.namespace.wait_until_empty().await?;
            self.namespace.delete().await
        })
    }

    /// The kubeconfig of a sidecar with this workload.
    pub(crate) fn kubeconfig(&self, workload: &str) -> PathBuf {
        if workload == "pod" { self.namespace.kubeconfig_for_pods() } else { self.namespace.kubeconfig() }
    }

    /// Starts a sidecar with further settings.
    pub(crate) fn start(&self, dir: &TestDir, kubeconfig: &Path, workload: &str, serve: &str) -> Sidecar {
        self.start_with(dir, kubeconfig, workload, serve, &[])
    }

    /// Starts a sidecar with further settings and options.
    pub(crate) fn start_with(
        &self,
        dir: &TestDir,
        kubeconfig: &Path,
        workload: &str,
        serve: &str,
        options: &[&str],
    ) -> Sidecar {
        let settings = self.fake_node.settings_file(kubeconfig, &self.namespace.name, workload);
        dir.write("serve.toml", format!("{settings}startup_timeout_seconds = 600\n{serve}"));
        // Debug logging would distort the measurement.
        Sidecar::start(
            dir,
            &[&["--config", "serve.toml"], options].concat(),
            &[("COFFERDAM_LOG", "cofferdam=info")],
        )
    }

    /// The number of started programs with this mark.
    pub(crate) fn started(&self, mark: &str) -> Result<usize, Failure> {
        Ok(self.fake_node.marks()?.get(mark).copied().unwrap_or_default())
    }
}
