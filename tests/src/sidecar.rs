//! `cofferdam serve` under test, and its HTTP clients over real sockets.

mod client;

pub use client::{HttpClient, HttpResponse, ResponseStream};

use crate::{cgroup::MemoryCgroup, program::TestDir};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// How long to wait for a line of the log.
const LOG_TIMEOUT: Duration = Duration::from_secs(60);

/// A running sidecar, killed when dropped.
#[derive(Debug)]
pub struct Sidecar {
    child: Child,
    log: Receiver<String>,
    /// The lines of the log that have been read.
    read_log: String,
    socket: PathBuf,
    /// `IP:PORT` of its TCP socket.
    pub address: String,
}

impl Sidecar {
    /// Starts a sidecar on a Unix socket and on loopback, with further options and settings.
    ///
    /// # Panics
    ///
    /// The sidecar does not start.
    #[must_use]
    pub fn start(dir: &TestDir, options: &[&str], settings: &[(&str, &str)]) -> Self {
        let command = Self::command(dir, options, settings);
        Self::spawn(dir, command)
    }

    /// Like [`Self::start`], with limited memory and a log that has only warnings.
    ///
    /// # Panics
    ///
    /// The sidecar does not start.
    #[must_use]
    pub fn start_in_cgroup(
        cgroup: Option<&MemoryCgroup>,
        dir: &TestDir,
        options: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Self::command(dir, options, settings);
        command.env("COFFERDAM_LOG", "cofferdam=warn");
        let command = match cgroup {
            Some(cgroup) => cgroup.wrap(&command),
            None => command,
        };
        Self::spawn(dir, command)
    }

    fn command(dir: &TestDir, options: &[&str], settings: &[(&str, &str)]) -> Command {
        let listen = format!("unix:{}", Self::socket(dir).display());
        let args = ["serve", "--listen", &listen, "--listen", "127.0.0.1:0"]
            .into_iter()
            .chain(options.iter().copied());
        let mut command = dir.cofferdam(args);
        // A pooled sandbox would look like a leak.
        command.env("COFFERDAM_POOL__MAXIMUM", "0");
        command.env("COFFERDAM_LOG", "cofferdam=debug").envs(settings.iter().copied());
        command
    }

    fn socket(dir: &TestDir) -> PathBuf {
        dir.path().join("s.sock")
    }

    #[expect(clippy::expect_used, reason = "the test needs a sidecar")]
    fn spawn(dir: &TestDir, mut command: Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("cofferdam");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, receiver) = channel();
        thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let socket = Self::socket(dir);
        let mut sidecar =
            Self { child, log: receiver, read_log: String::new(), socket, address: String::new() };
        let line = sidecar.wait_for("listening on http");
        sidecar.address = line.rsplit("//").next().unwrap_or_default().to_owned();
        sidecar
    }

    /// Reads the log up to the next line that contains `text` and returns that line.
    ///
    /// # Panics
    ///
    /// No such line appears in time.
    #[expect(clippy::panic, reason = "the test needs this event")]
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.log.recv_timeout(LOG_TIMEOUT) else {
                panic!("no {text:?} in the log:\n{}", self.read_log)
            };
            self.read_log += &format!("{line}\n");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The URL of its TCP socket.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The path of its Unix socket.
    #[must_use]
    pub fn socket_path(&self) -> &Path {
        &self.socket
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// The process has ended.
    #[expect(clippy::expect_used, reason = "the test needs the signal to arrive")]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal");
    }

    /// Waits until the process has ended and returns its status and its whole log.
    ///
    /// # Panics
    ///
    /// The process cannot be waited for.
    #[expect(clippy::expect_used, reason = "the test needs the exit status")]
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("an end");
        let rest: String = self.log.iter().map(|line| line + "\n").collect();
        (status, std::mem::take(&mut self.read_log) + &rest)
    }

    /// A client of the Unix socket.
    #[must_use]
    pub fn client(&self) -> HttpClient {
        HttpClient::unix(&self.socket)
    }

    /// A client of the TCP socket.
    #[must_use]
    pub fn tcp_client(&self) -> HttpClient {
        HttpClient::tcp(&self.address)
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
