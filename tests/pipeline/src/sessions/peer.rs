//! A backend for tests of sessions: a test plays the runner.

use cofferdam_core::{
    Backend, BoxFuture, ExecutionContext, Purpose, Runtime, Sandbox, SessionClaim, SessionReader,
    SessionSandbox, SessionWriter,
    policy::Policy,
    session::{ExecutionCall, ExecutionSpec, LostReason, Session, SessionConfig, SessionRequest, Usage},
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_protocol::{CONTROL, Deadlines, Decoder, Frame, Message, Termination, encode};
use cofferdam_types::{Error, ErrorCode, Report};
use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, duplex, split},
    sync::{mpsc, watch},
    time::sleep,
};

/// What a session uses, as every runner says.
pub(super) const USAGE: Usage =
    Usage { memory_bytes: 1, disk_bytes: 2, processes: 3, cpu_time: Duration::from_secs(4) };

/// The runner of a session, which a test plays. It answers pings by itself. Dropping it closes its connection.
#[derive(Debug)]
pub(super) struct Peer {
    messages: mpsc::Receiver<(u32, Message)>,
    frames: mpsc::Sender<Vec<u8>>,
    /// The deadlines that it was told last.
    pub(super) deadlines: watch::Receiver<Option<Deadlines>>,
}

impl Peer {
    /// The next message of an execution.
    pub(super) async fn next(&mut self) -> (u32, Message) {
        self.messages.recv().await.expect("a message")
    }

    /// The channel of the next message, which starts an execution.
    pub(super) async fn started(&mut self) -> u32 {
        match self.next().await {
            (channel, Message::Execute(_)) => channel,
            other => panic!("not the start of an execution: {other:?}"),
        }
    }

    /// The messages that have arrived.
    pub(super) async fn arrived(&mut self) -> Vec<(u32, Message)> {
        sleep(Duration::from_millis(1)).await;
        std::iter::from_fn(|| self.messages.try_recv().ok()).collect()
    }

    pub(super) async fn send(&self, channel: u32, frame: &Frame) {
        self.send_bytes(encode(channel, frame).expect("a short frame")).await;
    }

    pub(super) async fn send_bytes(&self, bytes: Vec<u8>) {
        self.frames.send(bytes).await.expect("a connection");
    }

    pub(super) async fn process(&self, channel: u32, id: u32) {
        self.send(channel, &Frame::Started).await;
        self.send(channel, &Frame::Process(id)).await;
    }

    pub(super) async fn exit(&self, channel: u32, code: u8) {
        self.terminate(channel, Termination::Exited(code)).await;
    }

    pub(super) async fn terminate(&self, channel: u32, termination: Termination) {
        self.send(channel, &Frame::Terminated(termination, Duration::from_secs(1))).await;
        self.send(channel, &Frame::Done).await;
    }
}

/// Counts its sandboxes, and gives a runner for each session.
#[derive(Debug)]
pub(super) struct SessionBackend {
    peers: mpsc::Sender<Peer>,
    pub(super) created: AtomicUsize,
    pub(super) deleted: Arc<AtomicUsize>,
    /// Whether runners answer.
    pub(super) answers: Arc<AtomicBool>,
    /// For how long connections may be silent, in seconds.
    pub(super) max_silence: AtomicU64,
}

/// What a test has.
pub(super) struct Bench {
    pub(super) backend: Arc<SessionBackend>,
    pub(super) runtime: Runtime,
    peers: mpsc::Receiver<Peer>,
}

impl Bench {
    pub(super) fn new(config: SessionConfig) -> Self {
        let (sender, peers) = mpsc::channel(100);
        let backend = Arc::new(SessionBackend {
            peers: sender,
            created: AtomicUsize::new(0),
            deleted: Arc::default(),
            answers: Arc::new(true.into()),
            max_silence: AtomicU64::new(0),
        });
        let runtime = Runtime::new(Policy::default(), backend.clone()).with_sessions(config);
        Self { backend, runtime, peers }
    }

    /// A session and its runner.
    pub(super) async fn open(&mut self, request: SessionRequest) -> (Session, Peer) {
        let (session, is_new) = self.runtime.open_session(request).await.expect("a session");
        assert!(is_new);
        (session, self.peer().await)
    }

    pub(super) async fn peer(&mut self) -> Peer {
        self.peers.recv().await.expect("a runner")
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        (self.backend.created.load(Relaxed), self.backend.deleted.load(Relaxed))
    }
}

pub(super) async fn open() -> (Bench, Session, Peer) {
    let mut bench = Bench::new(SessionConfig::default());
    let (session, peer) = bench.open(SessionRequest::default()).await;
    (bench, session, peer)
}

pub(super) fn shell(line: &str) -> ExecutionSpec {
    ExecutionSpec::new(ExecutionCall::Shell(line.into()))
}

pub(super) fn code<T>(result: Result<T, Error>) -> ErrorCode {
    match result {
        Ok(_) => panic!("no error"),
        Err(error) => error.code,
    }
}

impl Backend for SessionBackend {
    fn create<'a>(
        &'a self,
        _: &'a SandboxSpec,
        _: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
        Box::pin(async {
            sleep(Duration::from_secs(1)).await;
            self.created.fetch_add(1, Relaxed);
            let (peers, answers) = (self.peers.clone(), self.answers.clone());
            let max_silence = Duration::from_secs(self.max_silence.load(Relaxed));
            let deletion = Deletion(self.deleted.clone());
            Ok(Box::new(FakeSandbox { peers, answers, max_silence, deletion }) as Box<dyn Sandbox>)
        })
    }

    fn has_sessions(&self) -> bool {
        true
    }
}

/// Counts one deletion when it is dropped.
#[derive(Debug)]
struct Deletion(Arc<AtomicUsize>);

impl Drop for Deletion {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[derive(Debug)]
struct FakeSandbox {
    peers: mpsc::Sender<Peer>,
    answers: Arc<AtomicBool>,
    max_silence: Duration,
    deletion: Deletion,
}

impl Sandbox for FakeSandbox {
    fn ping(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }

    fn exec<'a>(
        &'a mut self,
        _: ExecSpec,
        _: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async { Err(Error::new(ErrorCode::Internal, "only sessions")) })
    }

    fn into_session(
        self: Box<Self>,
        _: SessionClaim,
    ) -> BoxFuture<'static, Result<Box<dyn SessionSandbox>, Error>> {
        Box::pin(async { Ok(self as Box<dyn SessionSandbox>) })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async { drop(self.deletion) })
    }
}

impl SessionSandbox for FakeSandbox {
    fn connect(&mut self) -> BoxFuture<'_, Result<(SessionReader, SessionWriter), Error>> {
        Box::pin(async {
            let (ours, theirs) = duplex(1 << 16);
            let peer = start_runner(theirs, self.answers.clone());
            self.peers.send(peer).await.expect("a test");
            let (reader, writer) = split(ours);
            Ok((Box::new(reader) as SessionReader, Box::new(writer) as SessionWriter))
        })
    }

    fn max_silence(&self) -> Duration {
        self.max_silence
    }

    fn loss(&mut self) -> BoxFuture<'_, LostReason> {
        Box::pin(async { LostReason::Evicted })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        Sandbox::delete(self)
    }
}

fn start_runner(stream: DuplexStream, answers: Arc<AtomicBool>) -> Peer {
    let (reader, mut writer) = split(stream);
    let (to_test, messages) = mpsc::channel(1000);
    let (frames, mut from_test) = mpsc::channel::<Vec<u8>>(1000);
    let (told, deadlines) = watch::channel(None);
    let answer = frames.downgrade();
    let told = Mutex::new(told);
    tokio::spawn(async move {
        let answering = read(reader, |channel, message| {
            let frame = match message {
                Message::Open(deadlines) => {
                    told.lock().expect("a lock").send_replace(Some(deadlines));
                    Frame::Ready
                }
                Message::Ping if answers.load(Relaxed) => Frame::Ready,
                Message::Measure => Frame::Usage(USAGE),
                Message::Ping => return,
                Message::Deadlines(deadlines) => {
                    told.lock().expect("a lock").send_replace(Some(deadlines));
                    return;
                }
                message => {
                    // A test that looks at no messages loses them.
                    let _ = to_test.try_send((channel, message));
                    return;
                }
            };
            if let Some(answer) = answer.upgrade() {
                answer.try_send(encode(channel, &frame).expect("a short frame")).expect("room");
            }
        });
        let sending = async {
            while let Some(bytes) = from_test.recv().await {
                writer.write_all(&bytes).await?;
            }
            Ok::<(), io::Error>(())
        };
        tokio::select! {
            _ = answering => {}
            _ = sending => {}
        }
    });
    Peer { messages, frames, deadlines }
}

async fn read(mut reader: ReadHalf<DuplexStream>, mut take: impl FnMut(u32, Message)) -> io::Result<()> {
    let (mut decoder, mut chunk, mut last) = (Decoder::default(), vec![0; 1 << 16], CONTROL);
    loop {
        let length = reader.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        decoder.push(&chunk[..length]);
        while let Some((channel, message)) = decoder.next().expect("messages of the protocol") {
            if matches!(message, Message::Execute(_)) {
                assert!(channel > last, "the channel {channel} after {last}");
                last = channel;
            }
            take(channel, message);
        }
    }
}
