//! A sandbox of the cluster, as the core uses it.

use super::{context::BackendContext, execute::execute, warm_pod::WarmPod};
use cofferdam_core::{
    BoxFuture, ExecutionContext, Sandbox,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_types::{Error, Report};
use std::{fmt, mem, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A sandbox of the cluster.
pub(crate) struct KubernetesSandbox {
    context: Arc<BackendContext>,
    spec: SandboxSpec,
    state: State,
}

enum State {
    /// Nothing exists. The objects are created together with the program, which saves a connection to the
    /// Pod.
    Cold,
    /// A Pod waits for its program.
    Warm(Box<WarmPod>),
    /// It had its execution, which has started the deletion of its objects.
    Used,
}

/// The name alone: the fields hold the cluster's configuration, which is not for a log.
impl fmt::Debug for KubernetesSandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.state {
            State::Cold => "cold",
            State::Warm(pod) => pod.id(),
            State::Used => "used",
        })
    }
}

impl KubernetesSandbox {
    pub(crate) fn cold(context: Arc<BackendContext>, spec: SandboxSpec) -> Self {
        Self { context, spec, state: State::Cold }
    }

    pub(crate) async fn warm(
        context: Arc<BackendContext>,
        spec: SandboxSpec,
        max_age: Duration,
        cancelled: &CancellationToken,
    ) -> Result<Self, Error> {
        let pod = WarmPod::start(&context, &spec, max_age, cancelled).await?;
        Ok(Self { context, spec, state: State::Warm(Box::new(pod)) })
    }
}

impl Sandbox for KubernetesSandbox {
    fn ping(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            match &mut self.state {
                State::Warm(pod) => pod.ping().await,
                State::Cold | State::Used => false,
            }
        })
    }

    fn exec<'a>(
        &'a mut self,
        exec: ExecSpec,
        execution: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move {
            match mem::replace(&mut self.state, State::Used) {
                State::Cold => execute(&self.context, &self.spec, exec, execution).await,
                State::Warm(pod) => pod.execute(&self.context, &self.spec, exec, execution).await,
                State::Used => {
                    Err(Error::internal("the sandbox cannot be used again", "it had its execution"))
                }
            }
        })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        // Dropping it starts the deletion of its objects, unless its execution has done that.
        drop(self);
        Box::pin(async {})
    }
}
