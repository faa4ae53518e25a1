//! File calls of a session. Each is a process of its own: a helper with the credentials, namespaces and limits of the
//! session's programs, so that it can do no more than these. Whatever a path leads to is resolved inside the sandbox.

mod entry;
mod failure;
mod input;
mod list;
mod make_directory;
mod move_across;
mod path;
mod read;
mod read_tree;
mod remove;
mod rename;
mod replies;
mod temporary;
#[cfg(test)]
mod tests;
mod walk;
mod watch;
mod write;
mod write_tree;

use self::{input::Input, replies::Replies};
use cofferdam_protocol::{FileFailure, FileReply, FileRequest};
use rustix::{fs::Mode, pipe::fcntl_setpipe_size, process::umask};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    process::ExitCode,
};

/// Most bytes of a file in one reply.
const CHUNK: usize = 64 << 10;
/// Bytes that are read or written at once.
const BATCH: usize = 256 << 10;
/// Bytes that the pipes of a call hold. With the usual 64 KiB, gVisor takes three times as long to write a file.
const PIPE: usize = 1 << 20;

/// Executes one call, in the working directory of the process. What it writes comes over standard input, the replies go
/// to standard output. SIGTERM aborts a write, which then leaves nothing.
///
/// The exit code says whether all replies were written.
pub(crate) fn main(request: FileRequest) -> ExitCode {
    // Modes are as the caller says.
    umask(Mode::empty());
    let (stdin, stdout) = (io::stdin(), io::stdout());
    for fd in [stdin.as_fd(), stdout.as_fd()] {
        // It works without, but slower.
        let _ = fcntl_setpipe_size(fd, PIPE);
    }
    let writes =
        matches!(request, FileRequest::Write(..) | FileRequest::WriteTree(_) | FileRequest::Move(..));
    let written = match writes.then(input::receive_sigterm).transpose() {
        Ok(abort) => {
            let input = Input { data: stdin.as_fd(), abort: abort.as_ref().map(AsFd::as_fd) };
            serve(&request, &input, stdout.as_fd())
        }
        Err(failure) => Replies::new(stdout.as_fd()).finish(&FileReply::Failed(failure)),
    };
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Executes one call and sends its replies. An error means that nobody reads them.
fn serve(request: &FileRequest, input: &Input<'_>, output: BorrowedFd<'_>) -> Result<(), FileFailure> {
    let mut replies = Replies::new(output);
    match execute(request, input, &mut replies) {
        Ok(()) if matches!(request, FileRequest::Watch(..)) => Ok(()),
        Ok(()) => replies.finish(&FileReply::Done),
        Err(failure) => replies.finish(&FileReply::Failed(failure)),
    }
}

fn execute(request: &FileRequest, input: &Input<'_>, replies: &mut Replies<'_>) -> Result<(), FileFailure> {
    match request {
        FileRequest::Read(path) => read::read(path::check(path)?, replies),
        FileRequest::Write(path, mode) => write::write(path::check(path)?, *mode, input),
        FileRequest::List(path, depth) => list::list(path::check(path)?, *depth, replies),
        FileRequest::Stat(path) => entry::stat(path::check(path)?, replies),
        FileRequest::MakeDirectory(path, mode) => make_directory::make_directory(path::check(path)?, *mode),
        FileRequest::Move(from, to) => rename::rename(path::check(from)?, path::check(to)?, input),
        FileRequest::Remove(path) => remove::remove(path::check(path)?),
        FileRequest::ReadTree(path) => read_tree::read_tree(path::check(path)?, replies),
        FileRequest::WriteTree(path) => write_tree::write_tree(path::check(path)?, input),
        FileRequest::Watch(path, recursive) => {
            watch::watch(path::check(path)?, *recursive, input, replies.output())
        }
    }
}
