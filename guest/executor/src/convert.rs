//! Conversions between the component's types and those of the rendering.

use code_executor_bindings::{
    cofferdam::code_executor::{
        sandbox::{Capture, Report},
        types::Status,
    },
    exports::cofferdam::code_executor::code_executor::{Outcome, Output},
};
use cofferdam_rendering::{Decoded, Stream, decode};

/// A report with its streams decoded.
pub(crate) fn outcome(report: Report) -> Outcome {
    Outcome {
        id: report.id,
        status: report.status,
        stdout: output(report.stdout),
        stderr: output(report.stderr),
        files: report.files,
        skipped: report.skipped,
        timings: report.timings,
        warm: report.warm,
    }
}

fn output(Capture { bytes, length, cut }: Capture) -> Output {
    let Decoded { text, bytes } = decode(bytes, length, cut);
    Output { text, bytes, length, cut }
}

/// The parts of an outcome that are rendered.
pub(crate) fn rendered(outcome: &Outcome) -> cofferdam_rendering::Outcome<'_> {
    cofferdam_rendering::Outcome {
        status: status(outcome.status),
        stdout: stream(&outcome.stdout),
        stderr: stream(&outcome.stderr),
        files: outcome.files.iter().map(|file| (&*file.path, file.content.len())).collect(),
        skipped: outcome.skipped.iter().map(|file| (&*file.path, &*file.reason)).collect(),
    }
}

fn stream(output: &Output) -> Stream<'_> {
    Stream { text: &output.text, length: output.length }
}

fn status(status: Status) -> cofferdam_types::Status {
    use cofferdam_types::Status as Common;
    match status {
        Status::Exited(code) => Common::Exited(code),
        Status::Killed(signal) => Common::Killed(signal),
        Status::TimedOut => Common::TimedOut,
        Status::OutOfMemory => Common::OutOfMemory,
        Status::OutOfDisk(code) => Common::OutOfDisk(code),
        Status::OutOfProcesses => Common::OutOfProcesses,
        Status::Cancelled => Common::Cancelled,
    }
}
