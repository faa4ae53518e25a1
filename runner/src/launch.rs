//! Starts an interpreter.

use crate::{
    affinity, environment,
    error::{Context, Error},
    isolation,
    workspace::WORK_DIR,
};
use cofferdam_protocol::Preparation;
use rustix::{
    process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit},
    thread::{sched_getaffinity, sched_setaffinity},
};
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

/// Starts the interpreter with the program's file and `args`, without privileges, in the runner's namespaces. The
/// limits of the program are those of the runner from now on.
pub(crate) fn spawn_program(
    preparation: &Preparation,
    args: &[String],
    stdin: Stdio,
) -> Result<Child, Error> {
    set_resource_limits(preparation.limits.processes)?;
    affinity::restrict(preparation.limits.cpu_millis)?;
    spawn(preparation, [&preparation.file].into_iter().chain(args), stdin)
}

/// Starts the interpreter with the program's file, which it waits for. The runner keeps its own limits.
pub(crate) fn spawn_idle(preparation: &Preparation) -> Result<Child, Error> {
    const STEP: &str = "limit the interpreter";
    // Libraries start as many threads as there are CPUs.
    let cpus = sched_getaffinity(None).context(STEP)?;
    affinity::restrict(preparation.limits.cpu_millis)?;
    let child = spawn(preparation, [&preparation.file], Stdio::null());
    sched_setaffinity(None, &cpus).context(STEP)?;
    let child = child?;
    for (resource, limit) in resource_limits(preparation.limits.processes) {
        prlimit(Some(Pid::from_child(&child)), resource, limit).context(STEP)?;
    }
    Ok(child)
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

/// Sets the limits of this process and its children, which may have so many processes.
pub(crate) fn set_resource_limits(processes: u32) -> Result<(), Error> {
    resource_limits(processes)
        .into_iter()
        .try_for_each(|(resource, limit)| setrlimit(resource, limit))
        .context("set the program's resource limits")
}

/// Sets the soft limit of open files, if it is known.
pub(crate) fn limit_open_files(files: Option<u64>) -> Result<(), Error> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = files.or(maximum);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).context("set the limit of open files")
}

fn resource_limits(processes: u32) -> [(Resource, Rlimit); 2] {
    let limit = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    [(Resource::Nproc, limit(u64::from(processes) + PROCESS_SLACK)), (Resource::Core, limit(0))]
}
