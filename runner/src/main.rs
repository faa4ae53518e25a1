//! The first process inside a sandbox: it makes sure that the wall stands, encloses one program once more, starts it,
//! frames what comes of it, and leaves nothing behind.
//!
//! It reads messages from its standard input, the program last, and writes frames to its standard output
//! (`cofferdam-protocol`). The end of its standard input means that nobody wants the program any longer. With
//! `--program FOLDER` the program lies in that folder, in parts, the standard output is a log, and a byte on the standard
//! input asks for all of it again. With `--log` the standard output is a log too, and the standard input brings messages
//! first and such bytes after the program. With `--sandbox-network` the program shares the sandbox's network instead of
//! having one of its own. With `--expires TIME`, in seconds since 1970, it starts nothing after that and waits for nothing.
#![cfg(target_os = "linux")]

mod affinity;
mod channel;
mod collect;
mod enclosure;
mod error;
mod imports;
mod init;
mod launch;
mod options;
mod output;
mod prepared;
mod replay;
mod supervise;
mod usage;
mod view;
mod view_text;
mod workspace;

use crate::{channel::Channel, enclosure::Network, error::Error, options::Options, prepared::Prepared};
use cofferdam_protocol::{Frame, MalformedMessage, Message};
use std::{process::ExitCode, time::Instant};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(init::ARGUMENT) {
        return init::run();
    }
    let options = Options::from_args();
    let mut channel = Channel::open(&options);
    let result = if options.is_expired() { Err(Error::Expired) } else { run(&mut channel, options.network) };
    let last = match result {
        Ok(last) => last,
        Err(Error::ChannelClosed) => return ExitCode::SUCCESS,
        Err(error) => Frame::Failed(error.to_string()),
    };
    match channel.send(&last).and_then(|()| channel.linger()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// All of a run, up to its last frame.
fn run(channel: &mut Channel, network: Network) -> Result<Frame, Error> {
    enclosure::require_gvisor()?;
    enclosure::enter(network)?;
    let init = init::start()?;
    channel.send(&Frame::Ready)?;
    let mut prepared = None;
    let program = loop {
        match channel.receive()? {
            Message::Prepare(_) if prepared.is_some() => return Err(MalformedMessage.into()),
            Message::Prepare(preparation) => prepared = Some(Prepared::new(preparation, network)?),
            Message::Attend => {}
            Message::Run(program) => break program,
        }
        channel.send(&Frame::Ready)?;
    };
    let prepared = prepared.map_or_else(|| Prepared::for_program(&program, network), Ok)?;
    let (child, usage) = prepared.start(&program)?;
    channel.send(&Frame::Started)?;
    let started = Instant::now();
    let ending = supervise::until_end(channel, &program, child, init, usage)?;
    // Said before the files are looked for: how many there are is the program's choice.
    channel.send(&Frame::Ended(ending, started.elapsed()))?;
    collect::send_files(channel, &program)?;
    Ok(Frame::Done)
}
