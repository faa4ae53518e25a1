//! File calls of a session, executed with a program's rights.

use cofferdam_protocol::{CONTROL, FileErrorKind, FileFailure, FileReply, FileRequest, encode};
use std::process::ExitCode;

/// Executes a file call: reads what it writes from standard input, and replies on standard output.
pub(crate) fn main(_request: FileRequest) -> ExitCode {
    let reason = "this runner executes no file calls".to_owned();
    let reply = FileReply::Failed(FileFailure { error: FileErrorKind::Other, path: Vec::new(), reason });
    match encode(CONTROL, &reply).map(|bytes| crate::stdio::write_all(&bytes)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
