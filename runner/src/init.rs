//! The init of the program's process namespace: it reaps what the program orphans. When it dies, all of them die.

use crate::{
    enclosure,
    error::{During, Error},
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

/// Names this part of the runner on its command line.
pub(crate) const ARGUMENT: &str = "init";

/// Starts the init as the first process of the new process namespace and waits until its /proc is mounted.
pub(crate) fn start() -> Result<Child, Error> {
    const STEP: &str = "start the init of the program's processes";
    enclosure::let_child_mount()?;
    let mut init = Command::new("/proc/self/exe")
        .arg(ARGUMENT)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // The runner's own may be the log that frames go to.
        .stderr(Stdio::null())
        .spawn()
        .during(STEP)?;
    let mut answer = [0];
    match init.stdout.take().map(|mut stdout| stdout.read_exact(&mut answer)) {
        Some(Ok(())) => Ok(init),
        _ => Err(Error::Step { step: STEP, source: std::io::ErrorKind::BrokenPipe.into() }),
    }
}

/// The life of the init.
pub(crate) fn run() -> ExitCode {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    if let Err(error) = mount(c"proc", c"/proc", c"proc", flags, None) {
        eprintln!("cannot mount the program's /proc: {error}");
        return ExitCode::FAILURE;
    }
    let mut stdout = std::io::stdout();
    if stdout.write_all(b".").and_then(|()| stdout.flush()).is_err() {
        return ExitCode::FAILURE;
    }
    reap()
}

/// Reaps for ever: nothing but its own death, and with it that of all the others, ends this process. gVisor does not keep
/// an init from the signals of its own namespace, as Linux does.
fn reap() -> ExitCode {
    let orphan_ended = SigSet::from(Signal::SIGCHLD);
    if SigSet::all().thread_block().is_err() {
        return ExitCode::FAILURE;
    }
    loop {
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        if orphan_ended.wait().is_err() {
            return ExitCode::FAILURE;
        }
    }
}
