//! A sandbox of the cluster, as the core uses it.

use super::{
    context::BackendContext,
    execute::execute,
    session::SESSION_SLACK,
    warm_pod::{Wanted, WarmPod},
};
use cofferdam_core::{
    BoxFuture, ExecutionContext, NoObserver, Sandbox, SessionClaim, SessionSandbox, new_id,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_protocol::Preparation;
use cofferdam_types::{Error, Report};
use std::{fmt, mem, sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Time from the start of a session's Pod until it is claimed.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(60);

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
    /// A Pod waits for its program or session.
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

    /// Starts a Pod for the pool, which may be unused, and then in use, for these times.
    pub(crate) async fn for_pool(
        context: Arc<BackendContext>,
        spec: SandboxSpec,
        (max_age, max_time): (Duration, Duration),
        cancelled: &CancellationToken,
    ) -> Result<Self, Error> {
        let run =
            ExecutionContext { id: new_id(), requested: Instant::now(), cancelled, observer: &NoObserver };
        let preparation = spec.preparation();
        let wanted = Wanted { spec: &spec, preparation, max_age, max_time };
        let pod = WarmPod::start(&context, wanted, &run).await?;
        Ok(Self { context, spec, state: State::Warm(Box::new(pod)) })
    }

    /// Starts a Pod for a session, in which no interpreter waits for a program.
    pub(crate) async fn for_session(
        context: Arc<BackendContext>,
        spec: SandboxSpec,
        max_lifetime: Duration,
        run: &ExecutionContext<'_>,
    ) -> Result<Self, Error> {
        let preparation = Preparation { prewarm: false, ..spec.preparation() };
        let wanted = Wanted {
            spec: &spec,
            preparation,
            max_age: CLAIM_TIMEOUT,
            max_time: max_lifetime.saturating_add(SESSION_SLACK),
        };
        let pod = WarmPod::start(&context, wanted, run).await?;
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

    fn into_session(
        self: Box<Self>,
        claim: SessionClaim,
    ) -> BoxFuture<'static, Result<Box<dyn SessionSandbox>, Error>> {
        Box::pin(async move {
            let State::Warm(pod) = self.state else {
                return Err(Error::internal("the sandbox cannot be a session", "it is not prepared"));
            };
            let session = pod.into_session(self.context.config.workload, &claim).await?;
            Ok(Box::new(session) as Box<dyn SessionSandbox>)
        })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        // Dropping it starts the deletion of its objects, unless its execution has done that.
        drop(self);
        Box::pin(async {})
    }
}
