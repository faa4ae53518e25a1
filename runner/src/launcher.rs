//! The launcher of one execution of a session: the runner itself, started by the supervisor in the session's PID
//! namespace. It starts the program as its child, adopts and reaps everything that this leaves behind, and reports how
//! the program's first process ended. It exits when no process of the execution is left.
//!
//! It has no capability, no descriptor of the protocol, and a user namespace of its own, which it shares only with the
//! program. The program can kill or stop it, as it has the same user, but cannot trace it.

pub(crate) mod file_call;
pub(crate) mod handover;
mod program;
pub(crate) mod terminal;

use crate::{
    affinity,
    error::{Context, Error},
    isolation, launch,
    poll::Poll,
    workspace::WORK_DIR,
};
use cofferdam_protocol::{CONTROL, Decoder, Frame, Message, Termination, encode};
use nix::sys::{
    signal::{SigSet, Signal, killpg},
    signalfd::{SfdFlags, SignalFd},
};
use program::{Program, ReceivedStreams};
use rustix::{
    event::PollFlags,
    io::Errno,
    process::{Pid, WaitOptions, getpid, set_child_subreaper, wait},
};
use std::{
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
    process::ExitCode,
    time::Instant,
};

/// The argument with which the runner starts itself as a launcher. The soft limit of open files follows it.
pub(crate) const ARGUMENT: &str = "launch";

const BLOCK: &str = "block the launcher's signals";

/// The main function of a launcher.
pub(crate) fn main() -> ExitCode {
    let Ok(supervisor) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else {
        return ExitCode::FAILURE;
    };
    match launch(&supervisor) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = report(&supervisor, &Frame::Failed(error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn launch(supervisor: &UnixStream) -> Result<(), Error> {
    isolation::enter_user_namespace()?;
    isolation::drop_privileges()?;
    isolation::forbid_tracing()?;
    set_child_subreaper(Some(getpid())).context("adopt the program's processes")?;
    let signals = block_signals()?;
    let (limits, command, streams) = handover::receive(supervisor)?;
    launch::set_resource_limits(limits.processes)?;
    launch::limit_open_files(std::env::args().nth(2).and_then(|limit| limit.parse().ok()))?;
    affinity::restrict(limits.cpu_millis)?;
    std::env::set_current_dir(Path::new(WORK_DIR).join(&command.working_dir))
        .context("change to the working directory")?;
    let streams = ReceivedStreams::of(&command, streams)?;
    // A process inherits what is blocked.
    SigSet::empty().thread_set_mask().context(BLOCK)?;
    let program = Program::start(&command, streams)?;
    SigSet::all().thread_block().context(BLOCK)?;
    report(supervisor, &Frame::Process(program.pid.as_raw_nonzero().get().unsigned_abs()))?;
    reap(supervisor, &signals, program)
}

/// Blocks all signals, so that only SIGKILL and SIGSTOP have an effect.
fn block_signals() -> Result<SignalFd, Error> {
    SigSet::all().thread_block().context(BLOCK)?;
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), flags).context(BLOCK)
}

/// Reaps all processes of the execution until none is left, and passes on signals to the first one.
fn reap(supervisor: &UnixStream, signals: &SignalFd, program: Program) -> Result<(), Error> {
    #[derive(PartialEq)]
    enum Source {
        Supervisor,
        Signals,
    }
    const STEP: &str = "wait for the program";
    let started = Instant::now();
    let mut program = Some(program);
    let mut decoder = Decoder::<Message>::default();
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                let end = match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Termination::Exited(code.to_le_bytes()[0]),
                    (_, Some(signal)) => Termination::Killed(signal.to_le_bytes()[0]),
                    // A traced process has stopped.
                    (None, None) => continue,
                };
                if let Some(first) = program.take_if(|program| program.pid == pid) {
                    first.remove_code();
                    report(supervisor, &Frame::Terminated(end, started.elapsed()))?;
                }
                continue;
            }
            Ok(None) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return Ok(()),
            Err(error) => return Err(error).context(STEP),
        }
        let mut poll = Poll::new();
        poll.add(Source::Supervisor, program.as_ref().map(|_| supervisor.as_fd()), PollFlags::IN);
        poll.add(Source::Signals, Some(signals.as_fd()), PollFlags::IN);
        let ready = poll.wait(None).context(STEP)?;
        if ready.contains(&Source::Signals) {
            while signals.read_signal().context(STEP)?.is_some() {}
        }
        if let Some(program) = program.as_ref().filter(|_| ready.contains(&Source::Supervisor)) {
            receive_signals(supervisor, &mut decoder, program.pid)?;
        }
    }
}

/// Sends the signals that the supervisor asks for to the program's first process and its process group.
fn receive_signals(
    mut supervisor: &UnixStream,
    decoder: &mut Decoder<Message>,
    program: Pid,
) -> Result<(), Error> {
    let mut bytes = [0; 256];
    let length = supervisor.read(&mut bytes).context("read the supervisor's instructions")?;
    if length == 0 {
        return Err(Error::ChannelClosed);
    }
    decoder.push(&bytes[..length]);
    while let Some((_, message)) = decoder.next()? {
        let Message::Signal(number) = message else { continue };
        // One that does not exist, or of real time, is ignored.
        let Ok(signal) = Signal::try_from(i32::from(number)) else { continue };
        let program = nix::unistd::Pid::from_raw(program.as_raw_nonzero().get());
        if killpg(program, signal).is_err() {
            // It has moved itself to another group.
            let _ = nix::sys::signal::kill(program, signal);
        }
    }
    Ok(())
}

/// Reports to the supervisor.
fn report(mut supervisor: &UnixStream, frame: &Frame) -> Result<(), Error> {
    supervisor.write_all(&encode(CONTROL, frame)?).map_err(|_| Error::ChannelClosed)
}
