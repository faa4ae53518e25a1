//! The backend: creates sandboxes of gVisor on this machine.

use crate::{
    ChosenImage, Images, LocalConfig, SetupError, error::creation_failed, images, machine::Machine,
    reaper::Reaper, runsc::Runsc, sandbox::LocalSandbox,
};
use cofferdam_core::{Backend, BoxFuture, ExecutionContext, Purpose, Sandbox, new_id, spec::SandboxSpec};
use cofferdam_types::{Error, ErrorCode};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;

/// Time that deletions may take when the process ends, before they are left to the next process.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Creates each sandbox with `runsc` on this machine.
#[derive(Debug, Clone)]
pub struct LocalBackend {
    machine: Machine,
    /// Deletes the sandboxes of processes that have exited.
    reaper: Reaper,
}

impl LocalBackend {
    /// Finds what sandboxes need.
    ///
    /// # Errors
    ///
    /// [`SetupError`] says what is missing and what to do.
    pub fn new(config: &LocalConfig) -> Result<Self, SetupError> {
        Ok(Self { machine: Machine::new(config)?, reaper: Reaper::default() })
    }

    /// The same with images, which languages and [`LocalConfig::image`] may name.
    #[must_use]
    pub fn with_images(mut self, images: Arc<dyn Images>) -> Self {
        self.machine.images = Some(images);
        self
    }

    /// The gVisor program that sandboxes are started with.
    #[must_use]
    pub fn runsc(&self) -> &Path {
        self.machine.runsc.program()
    }

    /// The gVisor program that sandboxes would be started with.
    ///
    /// # Errors
    ///
    /// [`SetupError`] where there is none.
    pub fn find_runsc(config: &LocalConfig) -> Result<PathBuf, SetupError> {
        Runsc::find(config.runsc.as_deref()).map(|runsc| runsc.program().to_owned())
    }

    fn start_reaper(&self) {
        self.reaper.start(&self.machine.state, &self.machine.deletions);
    }

    /// Creates the sandbox of an execution. If the caller stops waiting, the sandbox is deleted when it is
    /// created.
    async fn create_for_execution(
        &self,
        spec: &SandboxSpec,
        context: &ExecutionContext<'_>,
    ) -> Result<Box<dyn Sandbox>, Error> {
        let (sender, created) = oneshot::channel();
        let (machine, id, limits) = (self.machine.clone(), context.id.clone(), spec.limits);
        let spec = spec.clone();
        self.machine.deletions.spawn(async move {
            let sandbox = LocalSandbox::create(&machine, &id, spec, &limits).await;
            if let Err(Ok(unwanted)) = sender.send(sandbox) {
                unwanted.remove().await;
            }
        });
        let sandbox = created.await.unwrap_or_else(|error| Err(creation_failed(error)))?;
        Ok(Box::new(sandbox))
    }

    /// Creates a sandbox and has its runner prepare for a program.
    async fn create_for_pool(
        &self,
        spec: &SandboxSpec,
        cancelled: &CancellationToken,
    ) -> Result<Box<dyn Sandbox>, Error> {
        let mut sandbox = LocalSandbox::create(&self.machine, &new_id(), spec.clone(), &spec.limits).await?;
        match sandbox.prepare(cancelled).await {
            Ok(()) => Ok(Box::new(sandbox)),
            Err(error) => {
                sandbox.remove().await;
                Err(error)
            }
        }
    }
}

impl Backend for LocalBackend {
    fn create<'a>(
        &'a self,
        spec: &'a SandboxSpec,
        purpose: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
        Box::pin(async move {
            self.start_reaper();
            match purpose {
                Purpose::Execution(context) => self.create_for_execution(spec, context).await,
                Purpose::Pool { cancelled, .. } => self.create_for_pool(spec, cancelled).await,
                Purpose::Session { context, .. } => self.create_for_pool(spec, context.cancelled).await,
            }
        })
    }

    fn pull<'a>(&'a self, spec: &'a SandboxSpec) -> BoxFuture<'a, Result<(), Error>> {
        match (&self.machine.images, &spec.image, &spec.allowed_images) {
            (Some(images), Some(name), Some(allowed)) => {
                let (name, tenant) = (name.clone(), spec.tenant.clone());
                images.pull(ChosenImage { name, allowed: allowed.clone(), tenant })
            }
            // What there is without a store, or what there is not, says `resolve`.
            _ => Box::pin(async { Ok(()) }),
        }
    }

    fn resolve(&self, spec: SandboxSpec) -> BoxFuture<'_, Result<SandboxSpec, Error>> {
        Box::pin(async {
            let Some(name) = spec.image.clone().or_else(|| self.machine.image.clone()) else {
                return Ok(spec);
            };
            let images = self.machine.images.clone();
            let found = spawn_blocking(move || images::find(images.as_ref(), &name)).await;
            let image = found.unwrap_or_else(|error| Err(creation_failed(error)))?;
            Ok(SandboxSpec { image: Some(image.name), ..spec })
        })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            self.start_reaper();
            let (runsc, state) = (self.machine.runsc.clone(), self.machine.state.clone());
            let checked = spawn_blocking(move || runsc.check().and_then(|()| state.check()));
            let failure = match checked.await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            let text = "sandboxes cannot be built on this machine any more; the operator's log says why";
            Err(Error::new(ErrorCode::SandboxUnavailable, text).with_detail(failure))
        })
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let deletions = &self.machine.deletions;
            deletions.close();
            if timeout(DRAIN_TIMEOUT, deletions.wait()).await.is_err() {
                tracing::warn!(
                    "some sandboxes are not deleted yet; the next execution or `cofferdam gc` deletes them"
                );
            }
            deletions.reopen();
        })
    }
}
