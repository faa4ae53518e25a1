//! Hosts that serve a component over HTTP.

use crate::{program::executed_by, sidecar::HttpClient};
use serde_json::Value;
use std::{
    io::{self, BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

/// A process that serves the component `http-caller`. It ends when dropped.
#[derive(Debug)]
pub struct HttpHost {
    child: Child,
    /// Whether it ends at the end of its input.
    cleans_up: bool,
    client: HttpClient,
}

impl HttpHost {
    /// Starts a server, and waits until it has written its address to one of its streams. With `cleans_up` it is not
    /// killed when dropped: it ends at the end of its input.
    ///
    /// # Panics
    ///
    /// The server does not start.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without its hosts has failed")]
    pub fn start(command: &Command, cleans_up: bool) -> Self {
        let mut both_streams = Command::new("sh");
        both_streams.args(["-c", "exec \"$@\" 2>&1", "sh"]);
        let mut both_streams = executed_by(both_streams, command);
        let mut child = both_streams.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a host");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let address = lines.by_ref().find_map(|line| {
            let (_, address) = line.split_once("http://")?;
            Some(address.split('/').next()?.to_owned())
        });
        let client = HttpClient::tcp(&address.expect("the server's address"));
        // The server must not block on its log.
        thread::spawn(move || lines.for_each(drop));
        Self { child, cleans_up, client }
    }

    /// Executes a request.
    ///
    /// # Errors
    ///
    /// The response is not a result.
    pub async fn execute(&self, request: &Value) -> io::Result<Value> {
        let response = self.client.send("POST", "/", &[], request.to_string()).await;
        if response.status == 200 { Ok(response.json) } else { Err(io::Error::other(response.text)) }
    }
}

impl Drop for HttpHost {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if !self.cleans_up {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
