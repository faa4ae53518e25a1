//! The init of the program's PID namespace. It reaps orphans. Its death kills all other processes of the
//! namespace.

use crate::{
    error::{Context, Error},
    isolation,
};
use nix::sys::signal::{SigSet, Signal};
use rustix::{
    mount::{MountFlags, mount},
    process::{WaitOptions, wait},
};
use std::{
    io::{Read, Write},
    process::{Child, Command, ExitCode, Stdio},
};

/// The argument with which the runner starts itself as the init.
pub(crate) const ARGUMENT: &str = "init";

/// Starts the init as the first process of the new PID namespace, and waits until it has mounted /proc.
pub(crate) fn start() -> Result<Child, Error> {
    const STEP: &str = "start the init of the program's processes";
    isolation::let_child_mount()?;
    let mut init = Command::new("/proc/self/exe")
        .arg(ARGUMENT)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // The runner's own may be the log that contains the frames.
        .stderr(Stdio::null())
        .spawn()
        .context(STEP)?;
    let mut ready = [0];
    match init.stdout.take().map(|mut stdout| stdout.read_exact(&mut ready)) {
        Some(Ok(())) => Ok(init),
        _ => Err(Error::Step { step: STEP, source: std::io::ErrorKind::BrokenPipe.into() }),
    }
}

/// The main function of the init.
pub(crate) fn main() -> ExitCode {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    if let Err(error) = mount(c"proc", c"/proc", c"proc", flags, None) {
        eprintln!("cannot mount the program's /proc: {error}");
        return ExitCode::FAILURE;
    }
    let mut stdout = std::io::stdout();
    if stdout.write_all(b".").and_then(|()| stdout.flush()).is_err() {
        return ExitCode::FAILURE;
    }
    reap_orphans()
}

/// Reaps orphans until this process is killed. It blocks all signals: unlike Linux, gVisor delivers to an
/// init the signals that come from its own namespace.
fn reap_orphans() -> ExitCode {
    let child_exited = SigSet::from(Signal::SIGCHLD);
    if SigSet::all().thread_block().is_err() {
        return ExitCode::FAILURE;
    }
    loop {
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        if child_exited.wait().is_err() {
            return ExitCode::FAILURE;
        }
    }
}
