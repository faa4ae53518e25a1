//! Starts an interpreter.

use crate::{
    affinity, environment,
    error::{Context, Error},
    isolation,
    workspace::WORK_DIR,
};
use cofferdam_protocol::Preparation;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::{
    env,
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// Processes above the limit that the kernel still allows. Without them, a program that fails to start a
/// process may exit before the runner counts its processes. gVisor takes about a millisecond to start one;
/// the runner counts every 20 milliseconds.
const PROCESS_SLACK: u64 = 256;

/// Starts the interpreter with the program's file and `args`, without privileges, in the runner's namespaces.
pub(crate) fn spawn_program(
    preparation: &Preparation,
    args: &[String],
    stdin: Stdio,
) -> Result<Child, Error> {
    spawn(preparation, [&preparation.file].into_iter().chain(args), stdin)
}

/// Starts the interpreter with `args` alone.
pub(crate) fn spawn<A: AsRef<OsStr>>(
    preparation: &Preparation,
    args: impl IntoIterator<Item = A>,
    stdin: Stdio,
) -> Result<Child, Error> {
    let [interpreter, options @ ..] = preparation.interpreter.as_slice() else {
        return Err(cofferdam_protocol::Malformed.into());
    };
    set_resource_limits(preparation.limits.processes)?;
    affinity::restrict(preparation.limits.cpu_millis)?;
    isolation::drop_privileges()?;
    Command::new(find_in_path(interpreter).unwrap_or_else(|| interpreter.into()))
        .args(options)
        .args(args)
        .env_clear()
        .envs(environment::of_program(env::vars_os(), &preparation.env))
        .current_dir(WORK_DIR)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| Error::Interpreter { interpreter: interpreter.clone(), source })
}

/// Finds the interpreter in the container's PATH, which is the image's. That of a request does not choose it.
fn find_in_path(interpreter: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(interpreter)).find(|candidate| candidate.is_file())
}

fn set_resource_limits(processes: u32) -> Result<(), Error> {
    for (resource, limit) in [(Resource::Nproc, u64::from(processes) + PROCESS_SLACK), (Resource::Core, 0)] {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })
            .context("set the program's resource limits")?;
    }
    Ok(())
}
