//! A program with a terminal. Only a process itself can start a session and take a controlling terminal, so the
//! launcher starts the runner, which does both and then becomes the program.

use rustix::process::{ioctl_tiocsctty, setsid};
use std::{
    env, io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

/// The argument with which the runner starts itself to become a program with a terminal. The program's path and name
/// follow it, then its arguments.
pub(crate) const ARGUMENT: &str = "terminal";
/// The exit code of shells for a program that cannot be executed.
const CANNOT_EXECUTE: u8 = 126;

/// The process that becomes the program with this path and name. The program's arguments are still to be added.
pub(super) fn process(path: &Path, name: &str) -> Command {
    let mut process = Command::new("/proc/self/exe");
    process.arg(ARGUMENT).arg(path).arg(name);
    process
}

/// The main function of that process.
pub(crate) fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(2);
    let (Some(path), Some(name)) = (arguments.next(), arguments.next()) else { return ExitCode::FAILURE };
    let error = match setsid().and_then(|_| ioctl_tiocsctty(io::stdout())) {
        Ok(()) => Command::new(path).arg0(&name).args(arguments).exec(),
        Err(error) => error.into(),
    };
    eprintln!("cannot start {}: {error}", name.display());
    ExitCode::from(CANNOT_EXECUTE)
}
