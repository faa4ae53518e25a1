//! Overhead of the component, with a backend that returns immediately.

use crate::{interactive::Failure, samples::Samples};
use cofferdam::{
    Runtime,
    config::Settings,
    core::{
        Backend, BoxFuture, ExecutionContext, NoObserver, Purpose, Sandbox,
        spec::{ExecSpec, SandboxSpec},
    },
    types::{self, Capture, Error, Report, Status, Timings},
};
use cofferdam_component::{Executor, SandboxCtx, types::Request};
use std::{sync::Arc, time::Instant};
use tokio_util::sync::CancellationToken;

/// A backend whose executions end immediately, with this many bytes of output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InstantBackend(pub(crate) usize);

impl Backend for InstantBackend {
    fn create<'a>(
        &'a self,
        _: &'a SandboxSpec,
        _: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
        Box::pin(async { Ok(Box::new(InstantSandbox(self.0)) as Box<dyn Sandbox>) })
    }
}

#[derive(Debug)]
struct InstantSandbox(usize);

impl Sandbox for InstantSandbox {
    fn ping(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }

    fn exec<'a>(
        &'a mut self,
        _: ExecSpec,
        context: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        let bytes = vec![b'x'; self.0];
        let stdout = Capture { length: bytes.len() as u64, bytes, cut: None };
        Box::pin(async move {
            Ok(Report {
                id: context.id.clone(),
                status: Status::Exited(0),
                stdout,
                stderr: Capture::default(),
                files: vec![],
                skipped: vec![],
                timings: Timings::default(),
                warm: false,
            })
        })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// Samples of calls through the component and of direct calls, which return `output` bytes.
///
/// # Errors
///
/// A call fails.
pub fn measure(output: usize, rounds: usize) -> Result<(Samples, Samples), Failure> {
    let sidecar = Runtime::new(Settings::default().policy()?, Arc::new(InstantBackend(output)));
    let executor = Executor::new(1)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut through, mut direct) = (Samples::default(), Samples::default());
    runtime.block_on(async {
        for round in 0..rounds + 10 {
            let start = Instant::now();
            executor.execute(SandboxCtx::new(sidecar.clone()), Request::new("print(6*7)")).await?;
            let hop = start.elapsed();
            let start = Instant::now();
            let request = types::Request { code: "print(6*7)".into(), ..Default::default() };
            sidecar.run(request, &CancellationToken::new(), &NoObserver).await?;
            if round >= 10 {
                through.push(hop);
                direct.push(start.elapsed());
            }
        }
        Ok((through, direct))
    })
}
