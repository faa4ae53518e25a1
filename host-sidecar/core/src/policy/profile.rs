//! What is known of a plan's sandbox before there is a request: all that it is built from, and nothing of a caller's.

use super::{Limits, Plan, plan::environment};
use cofferdam_protocol::{Preparation, Program};
use std::time::Duration;

/// What the sandboxes of some plans have in common. Each of them could have been started for any of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile(Plan);

impl Profile {
    /// That of a plan.
    pub fn of(plan: &Plan) -> Self {
        let Program { interpreter, file, limits, .. } = &plan.program;
        let limits = cofferdam_protocol::Limits { wall_time_ms: 0, collected_files: 0, ..*limits };
        Self(Plan {
            program: Program {
                interpreter: interpreter.clone(),
                file: file.clone(),
                code: String::new(),
                args: Vec::new(),
                env: environment(Vec::new()),
                stdin: Vec::new(),
                files: Vec::new(),
                collect: Vec::new(),
                limits,
            },
            // Clocks of the run, which no sandbox is built from.
            limits: Limits {
                wall_time: Duration::ZERO,
                startup_time: Duration::ZERO,
                collected_files: 0,
                ..plan.limits
            },
            labels: Vec::new(),
            prewarm: plan.prewarm,
            preload_modules: plan.preload_modules.clone(),
            image: plan.image.clone(),
            network: plan.network.clone(),
            tenant: plan.tenant.clone(),
        })
    }

    /// Whether it is one tenant's alone.
    pub fn has_tenant(&self) -> bool {
        self.0.tenant.is_some()
    }

    /// The same of one tenant.
    #[cfg(test)]
    pub fn with_tenant(&self, tenant: &str) -> Self {
        Self(Plan { tenant: Some(tenant.into()), ..self.0.clone() })
    }

    /// The same for everybody.
    pub fn shared(&self) -> Self {
        Self(Plan { tenant: None, ..self.0.clone() })
    }

    /// A plan like all of them, with no program, and without clocks.
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// What their runner can do ahead.
    pub fn preparation(&self) -> Preparation {
        let Plan { program, prewarm, preload_modules, .. } = &self.0;
        Preparation {
            interpreter: program.interpreter.clone(),
            file: program.file.clone(),
            env: program.env.clone(),
            limits: program.limits,
            prewarm: *prewarm,
            preload_modules: preload_modules.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use cofferdam_types::{File, Request, RequestedLimits};

    fn profile(request: Request) -> Profile {
        let policy = Policy::default();
        Profile::of(&policy.plan(Request { code: "print(1)".into(), ..request }).expect("a plan"))
    }

    #[test]
    fn what_callers_bring_makes_no_difference() {
        let request = Request {
            code: "print(2)".into(),
            args: vec!["a".into()],
            env: vec![("LANG".into(), "C".into())],
            stdin: vec![1],
            files: vec![File { path: "a".into(), content: vec![2] }],
            collect: vec!["*".into()],
            limits: RequestedLimits { wall_time_ms: Some(1), collected_files: Some(1), ..RequestedLimits::default() },
            labels: vec![("user".into(), "u".into())],
            ..Request::default()
        };
        assert_eq!(profile(request), profile(Request::default()));
    }

    #[test]
    fn what_a_sandbox_is_built_from_does() {
        let limits = |limits| profile(Request { limits, ..Request::default() });
        for other in [
            profile(Request { language: Some("bash".into()), ..Request::default() }),
            limits(RequestedLimits { memory_bytes: Some(1 << 20), ..RequestedLimits::default() }),
            limits(RequestedLimits { processes: Some(1), ..RequestedLimits::default() }),
            limits(RequestedLimits { cpu_millis: Some(1), ..RequestedLimits::default() }),
        ] {
            assert_ne!(other, profile(Request::default()));
        }
    }
}
