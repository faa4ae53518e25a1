//! The first process inside a sandbox. It verifies the sandbox boundary, isolates one program further, starts
//! and supervises it, and sends its output, termination and files as frames (`cofferdam-protocol`). It leaves
//! no process behind. Or it executes the commands of a session.
//!
//! By default it reads messages from its standard input and writes frames to its standard output. The end of
//! its standard input cancels the program. Options:
//!
//! - `--log`: standard output is a container's log. After the program, each byte on standard input requests a
//!   replay of the log.
//! - `--program FOLDER`: the program is in the files of that folder instead of standard input. Implies
//!   `--log`.
//! - `--sandbox-network`: the program shares the sandbox's network. By default it has a loopback interface
//!   only.
//! - `--session SECRET`: waits for a relay (`cofferdam-runner relay`) too, over which all messages and frames of a
//!   session go instead.
//! - `--expires TIME`: neither wait for a program nor start one after that time, in seconds since 1970.
#![cfg(target_os = "linux")]

mod affinity;
mod channel;
mod collect;
mod container_log;
mod environment;
mod error;
mod files;
mod init;
mod inputs;
mod isolation;
mod launch;
mod launcher;
mod options;
mod output_limiter;
mod poll;
mod preload;
mod prewarm;
mod processes;
mod relay;
mod replay_buffer;
mod resource_view;
mod session;
mod stdio;
mod supervise;
mod usage;
mod workspace;

use crate::{
    channel::Channel,
    error::Error,
    launcher::{file_call, terminal},
    options::Options,
    prewarm::PreparedSandbox,
    processes::Processes,
};
use cofferdam_protocol::{CONTROL, Frame, Malformed, Message, Program};
use std::{
    process::{Child, ExitCode},
    time::Instant,
};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(init::ARGUMENT) => return init::main(),
        Some(launcher::ARGUMENT) => return launcher::main(),
        Some(relay::ARGUMENT) => return relay::main(),
        Some(terminal::ARGUMENT) => return terminal::main(),
        Some(file_call::ARGUMENT) => return file_call::main(),
        _ => {}
    }
    let options = Options::from_args();
    let mut channel = Channel::open(&options);
    let result = if options.is_expired() { Err(Error::Expired) } else { run(&mut channel, &options) };
    let last = match result {
        Ok(last) => last,
        Err(Error::ChannelClosed) => return ExitCode::SUCCESS,
        Err(error) => Frame::Failed(error.to_string()),
    };
    match channel.send(&last).and_then(|()| channel.wait_for_reader()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs one program, or a session. Returns the last frame.
fn run(channel: &mut Channel, options: &Options) -> Result<Frame, Error> {
    let network = options.network;
    isolation::require_gvisor()?;
    if let Some(secret) = &options.session {
        channel.listen(secret)?;
    }
    isolation::enter_namespaces(network)?;
    let processes = Processes::open()?;
    let init = init::start()?;
    channel.greet()?;
    let mut sandbox = None;
    loop {
        match channel.receive()? {
            (CONTROL, Message::Prepare(preparation)) if sandbox.is_none() => {
                sandbox = Some(PreparedSandbox::new(preparation, network)?);
            }
            (CONTROL, Message::Ping) => {}
            (CONTROL, Message::Open(deadlines)) => {
                let sandbox = sandbox.take().ok_or(Malformed)?;
                return session::run(channel, sandbox, deadlines, init, processes);
            }
            (execution, Message::Run(program)) if execution != CONTROL && channel.relay().is_none() => {
                channel.start_execution(execution);
                let sandbox = match sandbox.take() {
                    Some(sandbox) => sandbox,
                    None => PreparedSandbox::for_program(&program, network)?,
                };
                return execute(channel, sandbox, &program, init);
            }
            _ => return Err(Malformed.into()),
        }
        channel.send(&Frame::Ready)?;
    }
}

/// Runs one program. Returns the last frame.
fn execute(
    channel: &mut Channel,
    sandbox: PreparedSandbox,
    program: &Program,
    init: Child,
) -> Result<Frame, Error> {
    let (child, usage, inputs) = sandbox.start(program, channel)?;
    channel.send(&Frame::Started)?;
    let started = Instant::now();
    let termination = supervise::supervise(channel, program, child, init, usage)?;
    // Sent before the files are listed: the program determines how long that takes.
    channel.send(&Frame::Terminated(termination, started.elapsed()))?;
    collect::send_files(channel, program, &inputs)?;
    Ok(Frame::Done)
}
