//! Executes the probe, a program that examines its sandbox from the inside.

use super::target::{Attempt, Target};
use crate::{
    Backend, ExecutionContext, NoObserver, new_id, pipeline,
    policy::{Plan, Policy},
};
use cofferdam_types::{Error, Report, Request, RequestedLimits};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = include_str!("probe.py");
/// The probe itself stops after three seconds; a node may be slow.
const WALL_TIME: Duration = Duration::from_secs(30);

/// The plan of the probe: an ordinary program with the default limits.
///
/// # Errors
///
/// The policy forbids the probe.
pub fn plan(policy: &Policy, targets: &[Target]) -> Result<Plan, Error> {
    let attempts: Vec<&Attempt> = targets.iter().map(|target| &target.attempt).collect();
    let attempts = serde_json::to_string(&attempts)
        .map_err(|error| Error::internal("the probe cannot be created", error))?;
    let wall_time = WALL_TIME.min(policy.ceilings.wall_time());
    policy.plan(Request {
        code: PROGRAM.to_owned(),
        language: Some(cofferdam_types::validation::DEFAULT_LANGUAGE.to_owned()),
        args: vec![attempts],
        limits: RequestedLimits {
            wall_time_ms: u64::try_from(wall_time.as_millis()).ok(),
            ..RequestedLimits::default()
        },
        ..Request::default()
    })
}

/// Executes the probe once, like any other program.
///
/// # Errors
///
/// The probe was not executed, or its result is not known.
pub async fn run(
    backend: &dyn Backend,
    policy: &Policy,
    targets: &[Target],
    cancelled: &CancellationToken,
) -> Result<Report, Error> {
    let plan = plan(policy, targets)?;
    let context =
        ExecutionContext { id: new_id(), requested: Instant::now(), cancelled, observer: &NoObserver };
    let plan = pipeline::resolve(backend, plan, &context).await?;
    pipeline::execute(backend, plan, &context).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BoxFuture, Purpose, Sandbox, spec::SandboxSpec};
    use cofferdam_types::ErrorCode;

    /// Programs have this image where they choose none.
    const IMAGE: &str = "python@sha256:00";

    /// Says which image a sandbox would have.
    #[derive(Debug)]
    struct ImageBackend;

    impl Backend for ImageBackend {
        fn create<'a>(
            &'a self,
            spec: &'a SandboxSpec,
            _: Purpose<'a>,
        ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
            let image = spec.image.clone().unwrap_or_default();
            Box::pin(async { Err(Error::new(ErrorCode::SandboxUnavailable, image)) })
        }

        fn resolve(&self, spec: SandboxSpec) -> BoxFuture<'_, Result<SandboxSpec, Error>> {
            Box::pin(async move { Ok(SandboxSpec { image: Some(IMAGE.into()), ..spec }) })
        }
    }

    #[tokio::test]
    async fn the_probe_has_the_image_that_programs_have() {
        let result = run(&ImageBackend, &Policy::default(), &[], &CancellationToken::new()).await;
        assert_eq!(result.expect_err("no sandbox").message, IMAGE);
    }

    #[test]
    fn the_probe_has_the_default_limits() {
        let policy = Policy::default();
        let plan = plan(&policy, &[Target::metadata()]).expect("a plan");
        assert_eq!(plan.exec.args, [r#"[{"connect":["169.254.169.254",80]}]"#]);
        assert_eq!(plan.exec.limits.memory_bytes, policy.defaults.memory_bytes);
        assert_eq!(plan.sandbox.network, None);
    }

    #[test]
    fn a_ceiling_lowers_the_wall_time_of_the_probe() {
        let mut policy = Policy::default();
        policy.ceilings.set_wall_time(Duration::from_secs(5));
        assert_eq!(plan(&policy, &[]).expect("a plan").exec.limits.wall_time(), Duration::from_secs(5));
    }
}
