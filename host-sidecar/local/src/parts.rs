//! What a sandbox is built from: a cgroup, a root, a bundle, and runsc.

use super::{LocalBackend, bundle, cgroup::Cgroup, state::RunDir, unavailable};
use cofferdam_core::policy::Limits;
use cofferdam_types::{Error, ErrorCode};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// What a sandbox is made of, beside its folder.
pub(super) struct Parts {
    pub(super) cgroup: Cgroup,
    pub(super) runsc: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Parts {
    /// Makes and starts all of it. Blocks.
    pub(super) fn build(local: &LocalBackend, dir: &RunDir, limits: &Limits) -> Result<Self, Error> {
        let cgroup = Cgroup::create(dir.id(), limits).map_err(|error| unavailable("make the cgroup", error))?;
        if limits.cpu_millis.is_some() && !cgroup.bounds_cpu() {
            let message = "a CPU limit cannot be enforced here: this user may not make cgroups; leave it out, or run as \
                           root";
            return Err(Error::new(ErrorCode::SandboxUnavailable, message));
        }
        let binds = local.root.lay_out(dir).map_err(|error| unavailable("lay out the root", error))?;
        bundle::write(dir, &binds, local.runsc.maps_users()).map_err(|error| unavailable("write the bundle", error))?;
        tracing::debug!(id = dir.id(), "the sandbox is being started");
        let mut runsc = local.runsc.start(dir, &cgroup).map_err(|error| unavailable("start runsc", error))?;
        match (runsc.stdin.take(), runsc.stdout.take(), runsc.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok(Self { cgroup, runsc, stdin, stdout, stderr }),
            _ => Err(Error::internal("the sandbox has no streams", "runsc was started without pipes")),
        }
    }
}
