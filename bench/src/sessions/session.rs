//! A session over HTTP.

use super::{FILE_SIZE, kept::KeptSandbox};
use crate::interactive::Failure;
use cofferdam::client::{BodyChannel, Client};
use cofferdam_http_api::session::{ExecutionRequest, SessionEvent};
use cofferdam_tests::cluster::runtime;

/// Path of the file that is written and read.
const FILE: &[u8] = b"file";
/// Bytes of a piece of the body of a request.
const PIECE: usize = 128 << 10;
/// A piece of the content of the file.
static CONTENT: [u8; PIECE] = [b'x'; PIECE];

/// A session of a sidecar.
pub(super) struct HttpSession {
    client: Client,
    id: String,
}

impl HttpSession {
    pub(super) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// Executes `true` and waits for its end.
    pub(super) async fn execute_true(&self) -> Result<(), Failure> {
        let command = Some(vec!["true".to_owned()]);
        self.execute(ExecutionRequest { command, ..ExecutionRequest::default() }).await.map(drop)
    }

    /// Executes Python code and returns what it prints.
    pub(super) fn run(&self, code: &str) -> Result<String, Failure> {
        let request = ExecutionRequest { code: Some(code.to_owned()), ..ExecutionRequest::default() };
        Ok(String::from_utf8(runtime().block_on(self.execute(request))?)?)
    }

    async fn execute(&self, request: ExecutionRequest) -> Result<Vec<u8>, Failure> {
        let mut events = self.client.execute(&self.id, &request).await?;
        let mut output = Vec::new();
        loop {
            match events.next().await? {
                SessionEvent::Accepted { .. } => {}
                SessionEvent::Stdout { stdout, .. } => output.extend(stdout.0),
                SessionEvent::Ended { ended } if ended.exit_code == 0 => return Ok(output),
                event => return Err(format!("unexpected event: {event:?}").into()),
            }
        }
    }

    async fn write_file(&self) -> Result<(), Failure> {
        let (sender, body) = BodyChannel::new();
        tokio::spawn(async move {
            for _ in 0..FILE_SIZE / PIECE {
                // The receiver is gone after an error, which the call returns.
                if sender.send(Ok(CONTENT.as_slice().into())).await.is_err() {
                    return;
                }
            }
        });
        Ok(self.client.write_file(&self.id, FILE, 0o644, body).await?)
    }

    async fn read_file(&self) -> Result<(), Failure> {
        let mut download = self.client.read_file(&self.id, FILE).await?;
        let mut length = 0;
        while let Some(bytes) = download.next().await? {
            length += bytes.len();
        }
        if length == FILE_SIZE { Ok(()) } else { Err(format!("{length} bytes were read").into()) }
    }

    /// Closes the session.
    pub(super) async fn close(self) -> Result<(), Failure> {
        Ok(self.client.close_session(&self.id).await?)
    }

    /// The same for a thread.
    pub(super) fn close_blocking(self) -> Result<(), Failure> {
        runtime().block_on(self.close())
    }
}

impl KeptSandbox for HttpSession {
    fn command(&self) -> Result<(), Failure> {
        runtime().block_on(self.execute_true())
    }

    fn write(&self) -> Result<(), Failure> {
        runtime().block_on(self.write_file())
    }

    fn read(&self) -> Result<(), Failure> {
        runtime().block_on(self.read_file())
    }

    fn remove(&self) -> Result<(), Failure> {
        self.run("import os; os.remove('file')").map(drop)
    }
}
