//! A backend for tests: its sandboxes have a runner in memory, which follows a script.

use cofferdam_core::{
    Backend, BoxFuture, ExecutionContext, Phase, Purpose, Sandbox,
    connection::{ExecutionMonitor, RunnerConnection},
    execution_state::{ExecutionState, Grace},
    inputs::ProgramMessages,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_protocol::{CONTROL, Decoder, EXECUTION, Frame, Hello, Message, Termination, VERSION, encode};
use cofferdam_types::{Error, ErrorCode, Report};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

const GRACE: Grace = Grace { end: Duration::from_secs(2), files: Duration::from_secs(10) };

/// What the runner does with its program.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    /// Prints the program's code and exits with this code after this time.
    Exit(u8, Duration),
    /// Runs until the connection is closed, then reports that the program was cancelled.
    RunUntilClosed,
    /// Never answers.
    Hang,
    /// Closes the connection after the start of the program.
    Disconnect,
    /// Closes the connection after the first of the streamed files.
    DisconnectAmongFiles,
    /// Reads no more after the first of the streamed files.
    StallAmongFiles,
    /// Sends a frame that the protocol does not allow.
    ViolateProtocol,
    /// Has no version of the protocol in common with the sidecar.
    OtherVersion,
}

/// Counts its sandboxes.
#[derive(Debug)]
pub(super) struct FakeBackend {
    pub(super) script: Script,
    /// Time that a sandbox takes to be created.
    pub(super) startup: Duration,
    /// Time that an image takes to be pulled.
    pub(super) pull: Duration,
    pub(super) created: AtomicUsize,
    pub(super) deleted: Arc<AtomicUsize>,
}

impl FakeBackend {
    pub(super) fn new(script: Script) -> Arc<Self> {
        let (created, deleted) = (AtomicUsize::new(0), Arc::default());
        Arc::new(Self {
            script,
            startup: Duration::from_secs(1),
            pull: Duration::from_secs(5),
            created,
            deleted,
        })
    }
}

impl Backend for FakeBackend {
    fn create<'a>(
        &'a self,
        spec: &'a SandboxSpec,
        purpose: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
        Box::pin(async move {
            sleep(self.startup).await;
            self.created.fetch_add(1, Relaxed);
            let (ours, theirs) = duplex(1 << 16);
            tokio::spawn(run(self.script, theirs));
            let (reader, writer) = split(ours);
            let connection = RunnerConnection::new(reader, writer);
            let mut sandbox =
                FakeSandbox { spec: spec.clone(), connection, is_warm: false, deleted: self.deleted.clone() };
            if matches!(purpose, Purpose::Pool { .. }) {
                let failed =
                    |error| Error::new(ErrorCode::SandboxUnavailable, "not prepared").with_detail(error);
                sandbox.connection.prepare(spec.preparation()).await.map_err(failed)?;
                sandbox.is_warm = true;
            }
            Ok(Box::new(sandbox) as Box<dyn Sandbox>)
        })
    }

    /// For a large image there is no room while there is a sandbox.
    fn pull<'a>(&'a self, spec: &'a SandboxSpec) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            sleep(self.pull).await;
            let is_large = spec.image.as_ref().is_some_and(|image| image.contains("large"));
            if is_large && self.created.load(Relaxed) > self.deleted.load(Relaxed) {
                return Err(Error::new(ErrorCode::Quota, "no room").retryable());
            }
            Ok(())
        })
    }
}

#[derive(Debug)]
struct FakeSandbox {
    spec: SandboxSpec,
    connection: RunnerConnection<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>,
    is_warm: bool,
    deleted: Arc<AtomicUsize>,
}

impl Sandbox for FakeSandbox {
    fn ping(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(self.connection.ping())
    }

    fn exec<'a>(
        &'a mut self,
        exec: ExecSpec,
        context: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move {
            let mut state = ExecutionState::new(context, &exec, self.is_warm, GRACE);
            let messages = ProgramMessages::new(exec, &self.spec, self.is_warm)?;
            let end = self.connection.execute(messages, &mut state, &mut NoLimits).await;
            context.observer.on_phase(Phase::Cleaning);
            state.report(end, || false)
        })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.deleted.fetch_add(1, Relaxed);
        Box::pin(async {})
    }
}

struct NoLimits;

impl ExecutionMonitor for NoLimits {
    async fn limit_cpu(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn memory_exceeded(&self) -> CancellationToken {
        CancellationToken::new()
    }
}

/// The runner. An error is the end of its connection.
async fn run(script: Script, stream: DuplexStream) -> io::Result<()> {
    if matches!(script, Script::Hang) {
        return std::future::pending().await;
    }
    let mut sidecar = SidecarConnection { stream, decoder: Decoder::default() };
    let versions = if matches!(script, Script::OtherVersion) { vec![1, 3] } else { vec![VERSION] };
    sidecar.send(CONTROL, &Frame::Hello(Hello { versions, features: vec!["unknown".into()] })).await?;
    let hello = sidecar.receive().await?;
    assert_eq!(hello, (CONTROL, Message::Hello(Hello::of_this_version(&[]))));
    let program = loop {
        match sidecar.receive().await? {
            (EXECUTION, Message::Run(program)) => break program,
            (CONTROL, Message::Prepare(_) | Message::Ping) => sidecar.send(CONTROL, &Frame::Ready).await?,
            message => return Err(io::Error::other(format!("unexpected {message:?}"))),
        }
    };
    let files =
        if program.has_more_files { receive_files(script, &mut sidecar).await? } else { String::new() };
    sidecar.send(EXECUTION, &Frame::Started).await?;
    let (termination, ran) = match script {
        Script::Exit(code, time) => {
            sleep(time).await;
            let output = (program.code + &files).into_bytes();
            let output = Frame::Output(cofferdam_protocol::Stream::Stdout, output);
            sidecar.send(EXECUTION, &output).await?;
            (Termination::Exited(code), time)
        }
        Script::RunUntilClosed => {
            // The end of the stream.
            let _ = sidecar.stream.read(&mut [0]).await?;
            (Termination::Cancelled, Duration::ZERO)
        }
        Script::ViolateProtocol => return sidecar.send(EXECUTION, &Frame::Started).await,
        Script::Disconnect
        | Script::DisconnectAmongFiles
        | Script::StallAmongFiles
        | Script::OtherVersion
        | Script::Hang => {
            return Ok(());
        }
    };
    sidecar.send(EXECUTION, &Frame::Terminated(termination, ran)).await?;
    sidecar.send(EXECUTION, &Frame::Done).await
}

/// Receives the streamed files, and returns a line for each entry: its path, and the bytes of a file.
async fn receive_files(script: Script, sidecar: &mut SidecarConnection) -> io::Result<String> {
    let mut files: Vec<(String, usize)> = Vec::new();
    loop {
        match sidecar.receive().await? {
            (EXECUTION, Message::Entry(entry)) => files.push((entry.path, 0)),
            (EXECUTION, Message::Content(bytes)) => files.last_mut().expect("an entry").1 += bytes.len(),
            (EXECUTION, Message::Start) => break,
            message => return Err(io::Error::other(format!("unexpected {message:?}"))),
        }
        match script {
            Script::DisconnectAmongFiles => return Err(io::ErrorKind::BrokenPipe.into()),
            Script::StallAmongFiles => return std::future::pending().await,
            _ => {}
        }
    }
    Ok(files.iter().map(|(path, length)| format!("\n{path} {length}")).collect())
}

/// The runner's end of the connection.
struct SidecarConnection {
    stream: DuplexStream,
    decoder: Decoder<Message>,
}

impl SidecarConnection {
    async fn send(&mut self, channel: u32, frame: &Frame) -> io::Result<()> {
        self.stream.write_all(&encode(channel, frame).map_err(io::Error::other)?).await
    }

    async fn receive(&mut self) -> io::Result<(u32, Message)> {
        loop {
            if let Some(received) = self.decoder.next().map_err(io::Error::other)? {
                return Ok(received);
            }
            let mut bytes = vec![0; self.decoder.missing()];
            self.stream.read_exact(&mut bytes).await?;
            self.decoder.push(&bytes);
        }
    }
}
