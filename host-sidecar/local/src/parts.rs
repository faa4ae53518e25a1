//! Builds a sandbox: a cgroup, a root, a bundle, and runsc.

use crate::{Image, bundle, cgroup::Cgroup, error::unavailable, machine::Machine, root::Root, state::RunDir};
use cofferdam_core::policy::Limits;
use cofferdam_types::{Error, ErrorCode};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// The parts of a sandbox, except its directory.
pub(super) struct Parts {
    pub(super) cgroup: Cgroup,
    pub(super) runsc: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Parts {
    /// Builds the parts and starts runsc. Blocks.
    pub(super) fn build(
        machine: &Machine,
        dir: &RunDir,
        limits: &Limits,
        image: Option<&Image>,
    ) -> Result<Self, Error> {
        let cgroup =
            Cgroup::create(dir.id(), limits).map_err(|error| unavailable("create the cgroup", error))?;
        if limits.cpu_millis.is_some() && !cgroup.can_limit_cpu() {
            let message = "a CPU limit cannot be enforced: this user cannot create cgroups; omit the limit, or run as root";
            return Err(Error::new(ErrorCode::SandboxUnavailable, message));
        }
        let root = image.map_or_else(|| machine.root.clone(), |image| Root::Erofs(image.root.clone()));
        let env = image.map_or(&[][..], |image| &image.env);
        let binds = root.prepare(dir).map_err(|error| unavailable("prepare the root", error))?;
        bundle::write(dir, &binds, root.erofs(), env, machine.runsc.maps_users())
            .map_err(|error| unavailable("write the bundle", error))?;
        tracing::debug!(id = dir.id(), "the sandbox is being started");
        let mut runsc =
            machine.runsc.start(dir, &cgroup).map_err(|error| unavailable("start runsc", error))?;
        match (runsc.stdin.take(), runsc.stdout.take(), runsc.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok(Self { cgroup, runsc, stdin, stdout, stderr }),
            _ => Err(Error::internal("the sandbox has no streams", "runsc was started without pipes")),
        }
    }
}
