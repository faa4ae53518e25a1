//! Starting an interpreter.

use crate::{
    affinity, enclosure,
    error::{During, Error},
    workspace::WORK,
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

/// Processes beyond the bound that the kernel still allows. A program that fails to start one may end before the runner
/// counts them next; gVisor needs about a millisecond for each, and the runner counts every 20.
const PROCESS_SLACK: u64 = 256;

/// Starts the interpreter with the program's file and these arguments, without privileges, in the namespaces that the runner
/// is in.
pub(crate) fn start(preparation: &Preparation, args: &[String], stdin: Stdio) -> Result<Child, Error> {
    start_with(preparation, [&preparation.file].into_iter().chain(args), stdin)
}

/// The same with other arguments.
pub(crate) fn start_with<A: AsRef<OsStr>>(
    preparation: &Preparation,
    args: impl IntoIterator<Item = A>,
    stdin: Stdio,
) -> Result<Child, Error> {
    let [interpreter, options @ ..] = preparation.interpreter.as_slice() else {
        return Err(cofferdam_protocol::MalformedMessage.into());
    };
    bound_resources(preparation.limits.processes)?;
    affinity::bound(preparation.limits.cpu_millis)?;
    enclosure::drop_privileges()?;
    Command::new(find(interpreter).unwrap_or_else(|| interpreter.into()))
        .args(options)
        .args(args)
        .env_clear()
        .envs(preparation.env.iter().map(|(name, value)| (name, value)))
        .current_dir(WORK)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| Error::Interpreter { interpreter: interpreter.clone(), source })
}

/// Finds the interpreter in the sandbox's own PATH, which is not the program's.
fn find(interpreter: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(interpreter)).find(|candidate| candidate.is_file())
}

fn bound_resources(processes: u32) -> Result<(), Error> {
    let nproc = Some(u64::from(processes) + PROCESS_SLACK);
    for (resource, bound) in [(Resource::Nproc, nproc), (Resource::Core, Some(0))] {
        setrlimit(resource, Rlimit { current: bound, maximum: bound }).during("bound the program's resources")?;
    }
    Ok(())
}
