//! Processes of `tests/hosts/callers`.

use super::{COMPOSED, command};
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A host's process, which executes one line of calls after the other. Killed when dropped.
#[derive(Debug)]
pub struct Caller {
    calls: Option<ChildStdin>,
    results: BufReader<ChildStdout>,
    child: Child,
    /// Whether it ends at the end of its input, and then removes what it has started.
    cleans_up: bool,
}

impl Caller {
    /// Starts a process.
    ///
    /// # Panics
    ///
    /// The process cannot be started.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("a host");
        let calls = child.stdin.take();
        let results = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { calls, results, child, cleans_up: false }
    }

    /// Starts a script that starts others. When dropped, it is not killed: it ends by itself.
    ///
    /// # Panics
    ///
    /// The script cannot be started.
    #[must_use]
    pub fn script(command: Command) -> Self {
        let mut script = Self::start(command);
        script.cleans_up = true;
        script
    }

    /// Starts Python with the composed component and the sidecar at `url`.
    ///
    /// # Panics
    ///
    /// Python cannot be started.
    #[must_use]
    pub fn python(url: &str) -> Self {
        let mut python = command("python", url);
        python.args(["tests/hosts/callers/python.py", "composed", COMPOSED]);
        Self::start(python)
    }

    /// Calls a function and returns its result. Python omits the name of a variant's case if the payload's type
    /// identifies it.
    ///
    /// # Errors
    ///
    /// The call returned nothing; the process has written the cause to standard error.
    pub fn call(&mut self, interface: &str, function: &str, argument: &Value) -> io::Result<Value> {
        self.call_all(interface, function, std::slice::from_ref(argument))?
            .pop()
            .ok_or_else(|| io::Error::other("there is no result"))
    }

    /// Calls a function with each of these arguments, at once if the host can, and returns the results.
    ///
    /// # Errors
    ///
    /// As [`Self::call`].
    pub fn call_all(
        &mut self,
        interface: &str,
        function: &str,
        arguments: &[Value],
    ) -> io::Result<Vec<Value>> {
        if let Some(calls) = &mut self.calls {
            writeln!(calls, "{}", json!([interface, function, arguments]))?;
        }
        let mut results = String::new();
        self.results.read_line(&mut results)?;
        Ok(serde_json::from_str(&results)?)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.calls = None;
        if !self.cleans_up {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
