//! A namespace, a node without containers, and sidecars before them.

use cofferdam_tests::{
    cluster::{Hollow, Namespace, kubeconfig, runtime},
    conformance::Failure,
    program::Place,
    sidecar::Sidecar,
};
use std::path::{Path, PathBuf};

/// Bytes after which a kubelet puts a log aside.
const ROTATION: usize = 10 << 20;

pub(crate) struct Stage {
    namespace: Namespace,
    hollow: Hollow,
}

impl Stage {
    /// Makes them, with room for so many runs; none on a machine that cannot have them.
    pub(crate) fn set(runs: u32) -> Result<Option<Self>, Failure> {
        if kubeconfig().is_none() {
            return Ok(None);
        }
        let Some(hollow) = Hollow::start(ROTATION)? else { return Ok(None) };
        Ok(Some(Self { namespace: runtime().block_on(Namespace::with_room_for(runs))?, hollow }))
    }

    /// Takes them away; nothing may be left of any run.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        runtime().block_on(async {
            self.namespace.assert_nothing_left().await?;
            self.namespace.delete().await
        })
    }

    /// The way to the cluster for runs of this kind.
    pub(crate) fn kubeconfig(&self, workload: &str) -> PathBuf {
        if workload == "pod" { self.namespace.kubeconfig_for_pods() } else { self.namespace.kubeconfig() }
    }

    /// A sidecar with these settings more.
    pub(crate) fn start(&self, place: &Place, kubeconfig: &Path, workload: &str, serve: &str) -> Sidecar {
        self.start_with(place, kubeconfig, workload, serve, &[])
    }

    /// The same with options.
    pub(crate) fn start_with(
        &self,
        place: &Place,
        kubeconfig: &Path,
        workload: &str,
        serve: &str,
        options: &[&str],
    ) -> Sidecar {
        let settings = self.hollow.settings_file(kubeconfig, &self.namespace.name, workload);
        place.write("serve.toml", format!("{settings}startup_timeout_seconds = 600\n{serve}"));
        // A line for each step of each run would be measured too.
        Sidecar::start(place, &[&["--config", "serve.toml"], options].concat(), &[("COFFERDAM_LOG", "cofferdam=info")])
    }

    /// How many programs of this mark have been started.
    pub(crate) fn started(&self, mark: &str) -> Result<usize, Failure> {
        Ok(self.hollow.marks()?.get(mark).copied().unwrap_or_default())
    }
}
