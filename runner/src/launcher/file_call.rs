//! A file call of a session: the runner itself, started by a launcher like any program, so that it has a program's
//! rights and limits.

use crate::{
    error::{Context, Error},
    files,
};
use cofferdam_protocol::{self as protocol, CONTROL, Call, Decoder, FileRequest, Malformed, Message, encode};
use rustix::io::{FdFlags, fcntl_setfd};
use std::{
    env, fs,
    io::{PipeReader, Write, pipe},
    os::fd::AsRawFd,
    process::{Command, ExitCode},
};

/// The argument with which the runner starts itself to execute a file call. The number of the descriptor that has the
/// request follows it.
pub(crate) const ARGUMENT: &str = "files";
const STEP: &str = "pass on a file call";
/// Longest request, which fits into an empty pipe. A path has at most 4 KiB.
const MAX_REQUEST: usize = 32 << 10;

/// The process of a file call, and the pipe that it inherits.
pub(super) fn process(command: &protocol::Command) -> Result<(Command, PipeReader), Error> {
    // Only the call is of interest to that process.
    let command = protocol::Command { env: Vec::new(), working_dir: String::new(), ..command.clone() };
    let request = encode(CONTROL, &Message::Execute(command))?;
    if request.len() > MAX_REQUEST {
        return Err(Malformed.into());
    }
    let (reader, mut writer) = pipe().context(STEP)?;
    writer.write_all(&request).context(STEP)?;
    fcntl_setfd(&reader, FdFlags::empty()).context(STEP)?;
    let mut process = Command::new("/proc/self/exe");
    process.arg(ARGUMENT).arg(reader.as_raw_fd().to_string());
    Ok((process, reader))
}

/// The main function of that process.
pub(crate) fn main() -> ExitCode {
    match receive() {
        Ok(request) => files::main(request),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the request from the inherited pipe.
fn receive() -> Result<FileRequest, Error> {
    let descriptor = env::args().nth(2).ok_or(Malformed)?;
    let mut decoder = Decoder::default();
    decoder.push(&fs::read(format!("/proc/self/fd/{descriptor}")).context(STEP)?);
    match decoder.next()? {
        Some((_, Message::Execute(protocol::Command { call: Call::Files(request), .. }))) => Ok(request),
        _ => Err(Malformed.into()),
    }
}
