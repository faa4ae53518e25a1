//! Starts the process that unpacks, gives it the layers, and reads what it answers.

use super::{
    PROCESS_NAME,
    job::{Job, Layer},
    report::{MAX_REPORT, Report, shown},
    timed::Timed,
};
use crate::{ImageError, UnpackLimits, unpack::UnpackError};
use rustix::process::Signal;
use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Time for an image, as for a pull.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3600);
/// Bytes of a layer that are read at once: as many as a pipe holds.
const BUFFER: usize = 64 << 10;

/// Unpacks layers into an empty file, by a process of this program that ends in this time.
pub(crate) fn unpack(
    program: &Path,
    limits: &UnpackLimits,
    layers: &[Layer],
    root: &File,
    timeout: Duration,
) -> Result<(), UnpackError> {
    let deadline = Instant::now() + timeout;
    let job = Job::new(limits, layers)?;
    let mut process = Process::start(program, root)?;
    let sent = process.send(&job, layers, deadline);
    let received = process.receive(deadline);
    let status = process.end().map_err(failed("end"))?;
    let late = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    if sent.as_ref().is_err_and(late) || received.as_ref().is_err_and(late) {
        let problem = format!("has not ended within {} s", timeout.as_secs());
        return Err(ImageError::Unpacker(problem).into());
    }
    sent.map_err(failed("give the image to"))?;
    let answer = received.map_err(failed("read the answer of"))?;
    match serde_json::from_slice(&answer) {
        Ok(Report::Complete) => Ok(()),
        Ok(Report::Failed { layer, failure }) => Err(UnpackError { layer, error: failure.into() }),
        Err(_) => Err(ImageError::Unpacker(ending(&job, status, &answer)).into()),
    }
}

/// The process, which does not outlive this value.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Starts it with no variable, no folder and no descriptor but the three.
    fn start(program: &Path, root: &File) -> Result<Self, ImageError> {
        let failed = || ImageError::io(format!("start {} to unpack the image", program.display()));
        let root = root.try_clone().map_err(failed())?;
        let child = Command::new(program)
            .arg0(PROCESS_NAME)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(root)
            .stderr(Stdio::piped())
            .spawn();
        child.map(Self).map_err(failed())
    }

    /// Sends all that it reads. A process that ends before has answered.
    fn send(&mut self, job: &Job, layers: &[Layer], deadline: Instant) -> io::Result<()> {
        let (Some(input), Some(answer)) = (self.0.stdin.take(), &self.0.stderr) else { return Ok(()) };
        let mut input = Timed::new(input, deadline)?.unless(answer);
        let sent = job.write(&mut input).and_then(|()| {
            job.layers.iter().zip(layers).try_for_each(|(of_job, layer)| {
                let bytes = (&layer.blob).take(of_job.size);
                io::copy(&mut BufReader::with_capacity(BUFFER, bytes), &mut input).map(drop)
            })
        });
        match sent {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            sent => sent,
        }
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Vec<u8>> {
        let mut answer = Vec::new();
        if let Some(output) = self.0.stderr.take() {
            Timed::new(output, deadline)?.take(MAX_REPORT).read_to_end(&mut answer)?;
        }
        Ok(answer)
    }

    /// Ends it: it has answered, or will not. One that has ended keeps its status.
    fn end(mut self) -> io::Result<ExitStatus> {
        self.0.kill()?;
        self.0.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a process has ended that has not answered.
fn ending(job: &Job, status: ExitStatus, answer: &[u8]) -> String {
    let text = shown(String::from_utf8_lossy(answer).trim());
    let text = if text.is_empty() { text } else { format!(" ({text})") };
    match status.signal() {
        Some(signal) if signal == Signal::XCPU.as_raw() => {
            format!("has used {} s of processor time, which is its limit", job.cpu_seconds())
        }
        Some(signal) => format!(
            "was ended by signal {signal}{text}; it may have needed more memory than it may have, {} MiB, or than there is",
            job.memory() >> 20
        ),
        None => format!("has ended without an answer{text}"),
    }
}

fn failed(action: &str) -> impl FnOnce(io::Error) -> ImageError {
    ImageError::io(format!("{action} the process that unpacks the image"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, load::tests::TestDir};
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

    /// Unpacks a layer of this size by a shell script in place of the program.
    fn unpack_by(script: &str, size: u64, timeout: Duration) -> Result<(), UnpackError> {
        let dir = TestDir::new();
        let program = script_in(&dir, script);
        let blob = File::create_new(dir.0.join("blob")).expect("a file");
        blob.set_len(size).expect("a file");
        let blob = File::open(dir.0.join("blob")).expect("a file");
        let root = File::create_new(dir.0.join("root")).expect("a file");
        let layers = [Layer { blob, diff_id: Digest::of(b"") }];
        unpack(&program, &UnpackLimits::default(), &layers, &root, timeout)
    }

    fn script_in(dir: &TestDir, script: &str) -> PathBuf {
        let program = dir.0.join("program");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a file");
        program
    }

    fn error(script: &str, size: u64) -> String {
        unpack_by(script, size, TIMEOUT).expect_err("refused").error.to_string()
    }

    /// More than a pipe holds.
    const LARGE: u64 = 1 << 20;

    #[test]
    fn a_process_that_does_not_answer_is_an_error() {
        for (script, expected) in [
            ("kill -9 $$", "was ended by signal 9;"),
            (
                "echo 'memory allocation failed' >&2; kill -6 $$",
                "was ended by signal 6 (memory allocation failed);",
            ),
            ("kill -24 $$", "s of processor time"),
            ("exit 0", "has ended without an answer"),
            ("printf '\\033[2J' >&2; exit 3", "has ended without an answer ( [2J)"),
            // It closes all, and stays.
            ("exec <&- >&- 2>&-; exec sleep 1000000", "was ended by signal 9;"),
            // It answers without end, and reads nothing.
            ("exec cat /dev/zero >&2", "was ended by signal"),
        ] {
            for size in [0, LARGE] {
                let error = error(script, size);
                assert!(error.contains(expected), "{script}: {error}");
            }
        }
    }

    #[test]
    fn a_process_that_neither_reads_nor_ends_is_killed() {
        for size in [0, LARGE] {
            let result = unpack_by("exec sleep 1000000", size, Duration::from_millis(50));
            let error = result.expect_err("late").error.to_string();
            assert!(error.contains("has not ended within"), "{error}");
        }
    }

    #[test]
    fn an_answer_is_taken_from_a_process_that_has_not_read_all() {
        let answer = r#"printf '{"Failed":{"layer":7,"failure":{"Archive":"a\\nb"}}}' >&2"#;
        let failed = unpack_by(answer, LARGE, TIMEOUT).expect_err("refused");
        assert_eq!(failed.layer, Some(7));
        assert!(failed.error.to_string().ends_with(": a b"), "{}", failed.error);
        assert!(unpack_by(r#"cat >/dev/null; printf '"Complete"' >&2"#, LARGE, TIMEOUT).is_ok());
    }

    #[test]
    fn a_process_has_no_variable_and_no_other_folder() {
        let script =
            r#"[ "$(env | grep -v ^PWD= | grep -v ^_=)" = '' ] && [ "$PWD" = / ] && printf '"Complete"' >&2"#;
        assert!(unpack_by(&format!("PATH=/usr/bin:/bin; {script}"), 0, TIMEOUT).is_ok());
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let dir = TestDir::new();
        let root = File::create_new(dir.0.join("root")).expect("a file");
        let program = dir.0.join("missing");
        let result = unpack(&program, &UnpackLimits::default(), &[], &root, TIMEOUT);
        assert!(result.expect_err("missing").error.to_string().contains("missing to unpack the image"));
    }
}
