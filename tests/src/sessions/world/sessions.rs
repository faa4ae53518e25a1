//! Steps that concern sessions.

use super::World;
use crate::{
    cluster::eventually,
    conformance::{Failure, equal},
    sessions::{
        compare::success,
        expected::Range,
        steps::{Close, Ends, Find, Info, Open, Sessions, Update, UsageWithin},
    },
};
use cofferdam::{
    core::session::{Ended, LostReason, Usage},
    types::milliseconds,
};
use std::time::{Duration, SystemTime};

impl World<'_> {
    pub(super) async fn open(&mut self, step: &Open) -> Result<(), Failure> {
        let tenant = self.tenant(step.tenant.as_deref());
        let opened = self.driver.open(&tenant, step.request()?).await?;
        let Some((session, is_created)) = success(opened, step.error.as_ref())? else { return Ok(()) };
        equal("whether it was created", is_created, step.same_as.is_none())?;
        if let Some(other) = &step.same_as {
            equal("id", session.info().id, self.session(other)?.info().id)?;
        }
        self.sessions.insert(step.handle.0.clone(), session);
        Ok(())
    }

    pub(super) async fn usage(&self, step: &UsageWithin) -> Result<(), Failure> {
        let session = self.session(&step.session.0)?;
        if step.error.is_some() {
            return success(session.usage().await, step.error.as_ref()).map(drop);
        }
        // A process that was killed uses memory until the kernel has removed it.
        let usage = || async { Ok(session.usage().await?) };
        eventually(usage, |usage| is_within(step, usage)).await.map(drop)
    }

    pub(super) fn info(&self, step: &Info) -> Result<(), Failure> {
        let info = self.session(&step.session.0)?.info();
        equal("name", &info.name, step.name.as_ref().map_or(&info.name, |_| &step.name))?;
        equal("language", &info.language, step.language.as_ref().unwrap_or(&info.language))?;
        equal(
            "working directory",
            &info.working_dir,
            step.working_dir.as_ref().unwrap_or(&info.working_dir),
        )?;
        equal("metadata", &info.metadata, step.metadata.as_ref().unwrap_or(&info.metadata))?;
        let idle = milliseconds(info.idle_timeout);
        equal("idle timeout", idle, step.idle_timeout_ms.unwrap_or(idle))?;
        equal("executions", info.executions, step.executions.unwrap_or(info.executions))?;
        let rest = info.expires.duration_since(SystemTime::now()).unwrap_or_default();
        if !Range::allows(step.expires_in_s, rest.as_secs()) {
            return Err(format!("it expires in {rest:?}, expected {:?}", step.expires_in_s).into());
        }
        let lifetime = info.ends_at_most.duration_since(info.created)?;
        equal("lifetime", lifetime, step.lifetime_s.map_or(lifetime, Duration::from_secs))
    }

    pub(super) async fn update(&self, step: &Update) -> Result<(), Failure> {
        success(self.session(&step.session.0)?.update(step.update()).await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn close(&self, step: &Close) -> Result<(), Failure> {
        success(self.session(&step.session.0)?.close().await, step.error.as_ref()).map(drop)
    }

    pub(super) async fn ended(&self, step: &Ends) -> Result<(), Failure> {
        equal("reason", reason(self.session(&step.session.0)?.ended().await), &step.reason)
    }

    pub(super) fn compare_sessions(&self, step: &Sessions) -> Result<(), Failure> {
        let metadata: Vec<_> = step.metadata.clone().into_iter().collect();
        let runtime = self.driver.runtime.with_tenant(&self.tenant(step.tenant.as_deref()));
        let found: Vec<_> = runtime.sessions(&metadata).into_iter().map(|info| info.id).collect();
        let expected = step.are.iter().map(|name| Ok(self.session(name)?.info().id));
        equal("sessions", found, expected.collect::<Result<Vec<_>, Failure>>()?)
    }

    pub(super) fn find(&self, step: &Find) -> Result<(), Failure> {
        let id = match (&step.of, &step.id) {
            (Some(name), None) => self.session(name)?.info().id,
            (None, Some(id)) => id.clone(),
            _ => return Err("a session is found by one of `of` and `id`".into()),
        };
        let runtime = self.driver.runtime.with_tenant(&self.tenant(step.tenant.as_deref()));
        match success(runtime.session(&id), step.error.as_ref())? {
            Some(session) => equal("id", session.info().id, id),
            None => Ok(()),
        }
    }
}

fn is_within(step: &UsageWithin, usage: &Usage) -> bool {
    Range::allows(step.memory_bytes, usage.memory_bytes)
        && Range::allows(step.disk_bytes, usage.disk_bytes)
        && Range::allows(step.processes, usage.processes.into())
        && Range::allows(step.cpu_ms, milliseconds(usage.cpu_time))
}

/// Why a session has ended, in the words of a case.
pub(super) fn reason(ended: Ended) -> &'static str {
    match ended {
        Ended::Closed => "closed",
        Ended::Expired => "expired",
        Ended::Idle => "idle",
        Ended::Lost(LostReason::Evicted) => "evicted",
        Ended::Lost(LostReason::OutOfMemory) => "out-of-memory",
        Ended::Lost(LostReason::RunnerGone) => "runner-gone",
        Ended::Lost(LostReason::NotResponding) => "not-responding",
        Ended::Lost(LostReason::ProtocolViolated) => "protocol-violated",
        Ended::Lost(LostReason::Unkillable) => "unkillable",
        Ended::Lost(LostReason::Unattended) => "unattended",
        Ended::Lost(LostReason::SidecarEnds) => "sidecar-ends",
        Ended::Lost(_) => "another reason",
    }
}
