//! A session, and what its programs have done in it.

use super::{
    client::{Answer, AnswerEnd, Client, Content, OperationError, Reading, expect},
    writer::MARKS,
};
use cofferdam_http_api::{
    EventDecoder,
    session::{self, ExecutionEnd, SESSIONS, SessionEvent, SessionExecution, Sessions, Usage},
};
use cofferdam_tests::cluster::eventually;
use hyper::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const EVENTS: &str = "text/event-stream";

/// A session of a sidecar.
pub(super) struct Session {
    client: Client,
    path: String,
    /// The executions and files that have a name.
    names: usize,
    /// The marks that its programs have left, in their order.
    marks: Vec<String>,
}

/// How a session is created.
pub(super) struct Creation<'a> {
    pub(super) name: &'a str,
    /// When the first connection that creates it is cut.
    pub(super) lost: Option<Duration>,
    /// Whether a fault may keep it from being created. Then it is requested again.
    pub(super) may_fail: bool,
}

impl Session {
    /// Creates a session.
    pub(super) async fn create(client: Client, creation: Creation<'_>) -> Result<Self, OperationError> {
        let Creation { name, lost, may_fail } = creation;
        let request = json!({ "name": name, "metadata": { "plan": name } });
        let create = || client.send(Method::POST, SESSIONS, Content::Json(request.clone()));
        if let Some(time) = lost {
            // Whether it has created the session is not known.
            let _ = timeout(time, create()).await;
        }
        let mut answer = create().await?;
        while may_fail && answer.may_be_retried() {
            answer = create().await?;
        }
        let status = if answer.status == 200 && lost.is_some() { 200 } else { 201 };
        let created: session::Session = answer.expect(status)?.json()?;
        let list =
            client.send(Method::GET, &format!("{SESSIONS}?metadata.plan={name}"), Content::Empty).await?;
        let listed = list.expect(200)?.json::<Sessions>()?.sessions;
        let ids: Vec<_> = listed.into_iter().map(|session| session.id).collect();
        expect(ids == [&*created.id], || format!("{} was created, and {ids:?} exist", created.id))?;
        let path = format!("{SESSIONS}/{}", created.id);
        Ok(Self { client, path, names: 0, marks: Vec::new() })
    }

    /// The same session at another sidecar.
    pub(super) fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// A name that nothing else in the session has.
    pub(super) fn new_name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }

    /// A program with this mark was executed.
    pub(super) fn has_executed(&mut self, mark: String) {
        self.marks.push(mark);
    }

    /// Sends a request whose path is below that of the session.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        content: Content,
    ) -> Result<Answer, OperationError> {
        self.client.send(method, &format!("{}{path}", self.path), content).await
    }

    /// Gets what is below the path of the session, and reads so much of it.
    pub(super) async fn read(&self, path: &str, reading: Reading<'_>) -> Result<Answer, OperationError> {
        let path = format!("{}{path}", self.path);
        self.client.send_and_read(Method::GET, &path, Content::Empty, EVENTS, reading).await?.expect(200)
    }

    /// Executes a program, and disconnects after so many bytes of its events.
    pub(super) async fn execute_and_leave(&self, request: Value, bytes: usize) -> Result<(), OperationError> {
        let path = format!("{}/executions", self.path);
        let (content, reading) = (Content::Json(request), Reading::Bytes(bytes));
        self.client.send_and_read(Method::POST, &path, content, EVENTS, reading).await?.expect(200).map(drop)
    }

    /// Reads output from its start to its end, over connections that are cut after so many bytes. Each stream must be
    /// `expected`. Nothing may be lost or doubled.
    pub(super) async fn follow(
        &self,
        id: &str,
        expected: [&[u8]; 2],
        cuts: &[usize],
    ) -> Result<ExecutionEnd, OperationError> {
        let mut output = Output { expected, lengths: [0; 2] };
        let mut cuts = cuts.iter();
        loop {
            let reading = cuts.next().map_or(Reading::All, |bytes| Reading::Bytes(*bytes));
            let path = format!("/executions/{id}/output?from={}", output.position());
            let answer = self.read(&path, reading).await?;
            let mut decoder = EventDecoder::default();
            decoder.push(&answer.body);
            while let Some(data) = decoder.next_event() {
                if let Some(end) = output.add(&data)? {
                    return Ok(end);
                }
            }
            match answer.end {
                AnswerEnd::Cut => {}
                AnswerEnd::Complete => return Err(OperationError::Wrong("the events have no end".into())),
                AnswerEnd::Broken => return Err(OperationError::NoResult("the events broke off".into())),
            }
        }
    }

    /// Waits until an execution has ended.
    pub(super) async fn wait(&self, id: &str) -> Result<ExecutionEnd, OperationError> {
        let path = format!("/executions/{id}");
        let get = async || {
            let answer = self.send(Method::GET, &path, Content::Empty).await?;
            Ok(answer.expect(200)?.json::<SessionExecution>()?.end)
        };
        eventually(get, Option::is_some).await?.ok_or_else(|| OperationError::Wrong("no end".into()))
    }

    /// Checks that each program was executed once, and that no process is left, and closes the session.
    pub(super) async fn close(self) -> Result<(), OperationError> {
        if !self.marks.is_empty() {
            let marks = self.read(&format!("/files?path={MARKS}"), Reading::All).await?.bytes()?;
            let (marks, expected) = (String::from_utf8_lossy(&marks), self.marks.join("\n") + "\n");
            expect(marks == expected, || format!("programs were executed so: {marks:?}, not {expected:?}"))?;
        }
        let processes = async || {
            let answer = self.send(Method::GET, "/usage", Content::Empty).await?;
            // A runner whose connection stalls does not say it in time.
            Ok(answer.json::<Usage>().ok().map(|usage| usage.processes))
        };
        eventually(processes, |processes| *processes == Some(0)).await?;
        self.send(Method::DELETE, "", Content::Empty).await?.expect(204)?;
        let answer = self.send(Method::GET, "", Content::Empty).await?;
        expect(answer.status == 410, || format!("{} of a closed session", answer.status))
    }

    /// Waits until the sidecar says of the session that it is lost.
    pub(super) async fn wait_for_loss(&self) -> Result<(), OperationError> {
        let get = async || {
            let answer = self.send(Method::GET, "", Content::Empty).await?;
            Ok((answer.status, String::from_utf8_lossy(&answer.body).into_owned()))
        };
        let (_, text) = eventually(get, |(status, _)| *status == 410).await?;
        expect(text.contains("is lost"), || format!("a lost session is answered with {text}"))
    }

    /// Checks that the sidecar does not know the session.
    pub(super) async fn expect_unknown(&self) -> Result<(), OperationError> {
        self.send(Method::GET, "", Content::Empty).await?.expect(404).map(drop)
    }
}

/// Output that is compared as it comes.
struct Output<'a> {
    /// The whole output of each stream.
    expected: [&'a [u8]; 2],
    /// How much of it has come.
    lengths: [usize; 2],
}

impl Output<'_> {
    /// The number of bytes of both streams.
    fn position(&self) -> u64 {
        self.lengths.iter().map(|length| *length as u64).sum()
    }

    /// Adds an event; gives the end of the execution, if it is that.
    fn add(&mut self, data: &[u8]) -> Result<Option<ExecutionEnd>, OperationError> {
        let text = String::from_utf8_lossy(data);
        let event = serde_json::from_slice(data)
            .map_err(|error| OperationError::Wrong(format!("{error}: {text}")))?;
        let (stream, bytes, position) = match event {
            SessionEvent::Accepted { .. } => return Ok(None),
            SessionEvent::Stdout { stdout, position } => (0, stdout.0, position),
            SessionEvent::Stderr { stderr, position } => (1, stderr.0, position),
            SessionEvent::Ended { ended } => {
                let all = self.expected.map(<[u8]>::len);
                expect(self.lengths == all, || format!("{:?} of {all:?} bytes came", self.lengths))?;
                return Ok(Some(ended));
            }
            SessionEvent::Failed { failed } if failed.status == 410 => {
                return Err(OperationError::NoResult(failed.detail));
            }
            SessionEvent::Gap { .. } | SessionEvent::Truncated { .. } | SessionEvent::Failed { .. } => {
                return Err(OperationError::Wrong(text.into_owned()));
            }
        };
        expect(position == self.position(), || {
            format!("the output goes on at {position} and not at {}", self.position())
        })?;
        let (Some(expected), Some(length)) = (self.expected.get(stream), self.lengths.get_mut(stream)) else {
            return Ok(None);
        };
        let is_next = expected.get(*length..).is_some_and(|rest| rest.starts_with(&bytes));
        expect(is_next, || format!("other bytes at {length} of stream {stream}: {text}"))?;
        *length += bytes.len();
        Ok(None)
    }
}
