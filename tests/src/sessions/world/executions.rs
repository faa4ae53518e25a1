//! Steps that concern executions.

use super::World;
use crate::{
    conformance::{Failure, contains, equal, same_bytes},
    sessions::{
        compare::{check_message, compare_end, success},
        content::numbered,
        expected::{ExpectedEnd, ExpectedError},
        steps::{
            Attach, Execute, Executions, OfExecution, ReadOutput, Resize, SendSignal, Start, WaitFor,
            WriteStdin,
        },
    },
};
use cofferdam::{
    core::session::{ExecutionCall, ExecutionEnd, ExecutionSpec, OutputEvent, Session, SessionExecution},
    types::Error,
};

impl World<'_> {
    pub(super) async fn execute(&self, step: &Execute) -> Result<(), Failure> {
        let spec = step.program.spec(self.case)?;
        let started = self.session(&step.program.session.0)?.start(spec).await;
        if let (Err(error), true) = (&started, step.expect.any_end) {
            return check_message(error);
        }
        match success(started, step.error.as_ref())? {
            Some(execution) => wait(&execution, &step.expect, step.end_error.as_ref()).await,
            None => Ok(()),
        }
    }

    pub(super) async fn start(&mut self, step: &Start) -> Result<(), Failure> {
        let spec = step.program.spec(self.case)?;
        let started = self.session(&step.program.session.0)?.start(spec).await;
        if let Some(execution) = success(started, step.error.as_ref())? {
            self.executions.insert(step.name.clone(), execution);
        }
        Ok(())
    }

    pub(super) async fn write_stdin(&self, step: &WriteStdin) -> Result<(), Failure> {
        success(self.execution(&step.of)?.write_stdin(step.bytes()).await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn close_stdin(&self, step: &OfExecution) -> Result<(), Failure> {
        success(self.execution(&step.of)?.close_stdin().await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn signal(&self, step: &SendSignal) -> Result<(), Failure> {
        success(self.execution(&step.of)?.signal(step.number).await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn resize(&self, step: &Resize) -> Result<(), Failure> {
        success(self.execution(&step.of)?.resize(step.size()).await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn kill(&self, step: &OfExecution) -> Result<(), Failure> {
        success(self.execution(&step.of)?.kill().await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn wait(&self, step: &WaitFor) -> Result<(), Failure> {
        wait(self.execution(&step.of)?, &step.expect, step.end_error.as_ref()).await
    }

    pub(super) async fn output(&self, step: &ReadOutput) -> Result<(), Failure> {
        let read = Read::all(self.execution(&step.of)?, step.from, step.until.as_deref()).await?;
        let (bytes, end) = (&read.bytes, read.end);
        step.equals.as_ref().map_or(Ok(()), |text| same_bytes("output", bytes, text.as_bytes()))?;
        step.numbered.map_or(Ok(()), |length| same_bytes("output", bytes, &numbered(length)))?;
        contains("output", bytes, &step.contains)?;
        equal("position", read.position, step.position.unwrap_or(read.position))?;
        equal("whether there is a gap", read.has_gap, step.gap)?;
        match (end, step.until.is_some()) {
            (Some(_), true) => Err(format!("the output does not contain {:?}: {bytes:?}", step.until).into()),
            (None, _) => Ok(()),
            (Some(end), false) => match success(end, step.error.as_ref())? {
                Some(end) => equal("end", end.status, step.end.unwrap_or(end.status)),
                None => Ok(()),
            },
        }
    }

    pub(super) async fn stall(&mut self, step: &OfExecution) -> Result<(), Failure> {
        let mut reader = self.execution(&step.of)?.output(0);
        reader.next().await.ok_or("the reader ended without an end")?;
        self.stalled.push(reader);
        Ok(())
    }

    pub(super) fn attach(&mut self, step: &Attach) -> Result<(), Failure> {
        let found = self.session(&step.session.0)?.execution(&step.id);
        if let Some(execution) = success(found, step.error.as_ref())? {
            equal("id", execution.info().id.as_str(), &step.id)?;
            self.executions.insert(step.name.clone(), execution);
        }
        Ok(())
    }

    pub(super) fn compare_executions(&self, step: &Executions) -> Result<(), Failure> {
        let executions = self.session(&step.session.0)?.executions();
        let (mut ids, mut running) = (Vec::new(), Vec::new());
        for info in executions {
            if info.end.is_none() {
                running.push(info.id.clone());
            }
            ids.push(info.id);
        }
        equal("executions", &ids, &step.ids)?;
        equal("running executions", &running, &step.running)
    }
}

/// Waits for the end of an execution, and compares it.
async fn wait(
    execution: &SessionExecution,
    expect: &ExpectedEnd,
    error: Option<&ExpectedError>,
) -> Result<(), Failure> {
    let end = execution.wait().await;
    if error.is_some() {
        return success(end, error).map(drop);
    }
    let report = execution.report().await;
    compare_end(end, report, expect)
}

/// What a reader got.
struct Read {
    bytes: Vec<u8>,
    position: u64,
    has_gap: bool,
    /// None: it was not read to the end.
    end: Option<Result<ExecutionEnd, Error>>,
}

impl Read {
    /// Reads the output from a position to its end, or until it contains a text.
    async fn all(execution: &SessionExecution, from: u64, until: Option<&str>) -> Result<Self, Failure> {
        let mut reader = execution.output(from);
        let mut read = Self { bytes: Vec::new(), position: from, has_gap: false, end: None };
        while !until.is_some_and(|text| String::from_utf8_lossy(&read.bytes).contains(text)) {
            match reader.next().await.ok_or("the reader ended without an end")? {
                OutputEvent::Output { position, bytes, .. } => {
                    equal("position of an output", position, read.position)?;
                    read.position += bytes.len() as u64;
                    read.bytes.extend_from_slice(&bytes);
                }
                OutputEvent::Gap { bytes } => {
                    read.position += bytes;
                    read.has_gap = true;
                }
                OutputEvent::Truncated { .. } => {}
                OutputEvent::End(end) => {
                    end.as_ref().err().map_or(Ok(()), check_message)?;
                    read.end = Some(end);
                    let after = reader.next().await;
                    return if after.is_none() {
                        Ok(read)
                    } else {
                        Err("there is an event after the end".into())
                    };
                }
            }
        }
        Ok(read)
    }
}

/// Executes a harmless command.
pub(super) async fn echo(session: &Session) -> Result<(), Failure> {
    let call = ExecutionCall::Shell("echo usable".to_owned());
    let execution = session.start(ExecutionSpec::new(call)).await?;
    let expect = ExpectedEnd { stdout: Some("usable\n".to_owned()), ..ExpectedEnd::default() };
    wait(&execution, &expect, None).await
}
