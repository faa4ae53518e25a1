//! Sessions in a cluster, whose bytes go over a relay, beside executions without a session, whose bytes go over an
//! attached connection. Both in a sidecar in this process, and in prewarmed sandboxes.

use super::{FILE_SIZE, turns::by_turns};
use crate::{interactive::Failure, samples::Samples};
use cofferdam::{
    Runtime,
    config::{PoolConfig, Settings},
    core::{
        NoObserver,
        inputs::{CHUNK, EntryKind, InputEntry, InputPart, Inputs},
        quantity::{Bytes, Cpu},
        session::{ExecutionCall, ExecutionSpec, Session, SessionRequest},
    },
    types::{Report, Request},
};
use cofferdam_tests::cluster::{Namespace, kubeconfig, runtime};
use futures_util::future::try_join_all;
use std::{thread, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Prints the file.
const PROGRAM: &str =
    "import shutil, sys; shutil.copyfileobj(open('file', 'rb'), sys.stdout.buffer, 1 << 17)";
const FILE: &str = "file";
const PERMISSIONS: u32 = 0o644;
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Delay before each measurement, in which the node removes the sandboxes of deleted Pods.
const SETTLE_DELAY: Duration = Duration::from_secs(2);

/// A namespace set up by `cofferdam manifests`.
pub struct Cluster(Namespace);

/// Durations until a file was written to a new sandbox and a program has printed all of it.
pub struct BothWays {
    /// In a session, over the relay.
    pub session: Samples,
    /// In an execution without one, over an attached connection.
    pub execution: Samples,
}

/// Durations of the file in one session.
pub struct ClusterSpeed {
    /// Writes.
    pub writes: Samples,
    /// Reads.
    pub reads: Samples,
}

impl Cluster {
    /// Creates the namespace. `None` if `KUBECONFIG` is not set.
    ///
    /// # Errors
    ///
    /// The API server refuses a request.
    pub fn new() -> Result<Option<Self>, Failure> {
        let Some(_) = kubeconfig() else { return Ok(None) };
        Ok(Some(Self(runtime().block_on(Namespace::create())?)))
    }

    /// Deletes the namespace.
    ///
    /// # Errors
    ///
    /// The API server does not respond.
    pub fn delete(self) -> Result<(), Failure> {
        runtime().block_on(self.0.delete())
    }

    /// Writes and reads by turns in one session.
    ///
    /// # Errors
    ///
    /// A file cannot be written or read.
    pub fn speed(&self, rounds: usize) -> Result<ClusterSpeed, Failure> {
        let sidecar = self.sidecar(1)?;
        fill(&sidecar, 1)?;
        let session = runtime().block_on(open(&sidecar))?;
        let timed_write = || -> Result<Duration, Failure> {
            let start = Instant::now();
            runtime().block_on(write(&session))?;
            Ok(start.elapsed())
        };
        timed_write()?;
        let [writes, reads] = by_turns(
            [
                Box::new(timed_write),
                Box::new(|| {
                    let start = Instant::now();
                    runtime().block_on(read(&session))?;
                    Ok(start.elapsed())
                }),
            ],
            rounds,
        )?;
        runtime().block_on(sidecar.drain());
        Ok(ClusterSpeed { writes, reads })
    }

    /// Both ways by turns, this many at once: for one, `rounds` durations, for more, that of each.
    ///
    /// # Errors
    ///
    /// A sandbox does not start, or the output is not complete.
    pub fn both_ways(&self, at_once: u32, rounds: usize) -> Result<BothWays, Failure> {
        let sidecar = self.sidecar(at_once)?;
        let mut result = BothWays { session: Samples::default(), execution: Samples::default() };
        for _ in 0..rounds {
            fill(&sidecar, at_once)?;
            let times = try_join_all((0..at_once).map(|_| in_session(&sidecar)));
            runtime().block_on(times)?.into_iter().for_each(|time| result.session.push(time));
            fill(&sidecar, at_once)?;
            let times = try_join_all((0..at_once).map(|_| in_execution(&sidecar)));
            runtime().block_on(times)?.into_iter().for_each(|time| result.execution.push(time));
        }
        runtime().block_on(sidecar.drain());
        Ok(result)
    }

    /// A sidecar with this many prewarmed sandboxes. So many fit on a node of two processors only if they request less
    /// than by default; what they may use is the default.
    fn sidecar(&self, prewarmed: u32) -> Result<Runtime, Failure> {
        let pool = PoolConfig {
            maximum: Some(prewarmed),
            minimum: prewarmed,
            starts_at_once: 2,
            ..PoolConfig::default()
        };
        let settings = Settings {
            pool,
            cpu_requested: Cpu(20),
            mem_requested: Bytes(64 << 20),
            output_limit: Bytes(64 << 20),
            ..self.0.settings()
        };
        Ok(settings.pooled_runtime()?)
    }
}

/// Waits until this many sandboxes are prewarmed and the cluster has settled.
fn fill(sidecar: &Runtime, prewarmed: u32) -> Result<(), Failure> {
    runtime().block_on(sidecar.ready())?;
    let metrics = sidecar.pool_metrics().ok_or("there is no pool")?;
    while u32::try_from(metrics.snapshot().idle)? < prewarmed {
        thread::sleep(POLL_INTERVAL);
    }
    thread::sleep(SETTLE_DELAY);
    Ok(())
}

/// Opens a session in a prewarmed sandbox.
async fn open(sidecar: &Runtime) -> Result<Session, Failure> {
    let (session, _) = sidecar.open_session(SessionRequest::default()).await?;
    if session.info().warm { Ok(session) } else { Err("the session has a new sandbox".into()) }
}

async fn in_session(sidecar: &Runtime) -> Result<Duration, Failure> {
    let start = Instant::now();
    let session = open(sidecar).await?;
    write(&session).await?;
    let call = ExecutionCall::Code { language: None, code: PROGRAM.to_owned(), args: Vec::new() };
    check(&session.start(ExecutionSpec::new(call)).await?.report().await?)?;
    let time = start.elapsed();
    session.close().await?;
    Ok(time)
}

async fn in_execution(sidecar: &Runtime) -> Result<Duration, Failure> {
    let start = Instant::now();
    let (sender, inputs) = Inputs::channel();
    let sending = async {
        let entry = InputEntry { path: FILE.to_owned(), kind: EntryKind::File(PERMISSIONS) };
        let content = (0..FILE_SIZE / CHUNK).map(|_| InputPart::Content(vec![b'x'; CHUNK]));
        for part in [InputPart::Entry(entry)].into_iter().chain(content).chain([InputPart::End]) {
            // No more is wanted after an error, which the execution returns.
            if !sender.send(Ok(part)).await {
                return;
            }
        }
    };
    let cancelled = CancellationToken::new();
    let request = Request { code: PROGRAM.to_owned(), ..Request::default() };
    let running = sidecar.run_with_inputs(request, Some(inputs), &cancelled, &NoObserver);
    let (report, ()) = futures_util::future::join(running, sending).await;
    let report = report?;
    check(&report)?;
    if report.warm { Ok(start.elapsed()) } else { Err("the execution has a new sandbox".into()) }
}

fn check(report: &Report) -> Result<(), Failure> {
    match report.stdout.bytes.len() {
        FILE_SIZE => Ok(()),
        length => Err(format!("{length} bytes were printed, then: {:?}", report.status).into()),
    }
}

async fn write(session: &Session) -> Result<(), Failure> {
    let mut writer = session.files().write(FILE.as_bytes(), None).await?;
    for _ in 0..FILE_SIZE / CHUNK {
        writer.write(vec![b'x'; CHUNK].into()).await?;
    }
    Ok(writer.finish().await?)
}

async fn read(session: &Session) -> Result<(), Failure> {
    let (_, mut reader) = session.files().read(FILE.as_bytes()).await?;
    let mut length = 0;
    while let Some(bytes) = reader.next().await? {
        length += bytes.len();
    }
    if length == FILE_SIZE { Ok(()) } else { Err(format!("{length} bytes were read").into()) }
}
