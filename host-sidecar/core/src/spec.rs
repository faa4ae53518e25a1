//! What a sandbox is created from, and what is executed in it.

use crate::policy::Limits;
use cofferdam_protocol::{InputFile, Preparation, Program};
use std::{collections::BTreeMap, sync::Arc};

/// Search path of the sandbox.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Home directory of the sandbox's user.
const HOME: &str = "/home/user";

/// What a sandbox is created from. Sandboxes with equal specifications are interchangeable: it is the key of
/// the pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SandboxSpec {
    /// The interpreter, looked up in the sandbox's PATH, and its own arguments.
    pub interpreter: Vec<String>,
    /// Name of the program's file in the working directory.
    pub file: String,
    /// The image that the language names; none: the backend's default. A backend replaces a tag by the digest
    /// that it stands for.
    pub image: Option<String>,
    /// The variables of the image, where the backend knows them.
    pub image_env: Vec<(String, String)>,
    /// The network profile; none: no network.
    pub network: Option<String>,
    /// Whether the interpreter can be started before there is a program.
    pub prewarm: bool,
    /// Modules that a prewarmed interpreter has imported.
    pub preload_modules: Vec<String>,
    /// Limits of the whole sandbox, by [`Limits::of_sandbox`].
    pub limits: Limits,
    /// The tenant that alone may use the sandbox; none: every tenant may.
    pub tenant: Option<Arc<str>>,
}

/// What is executed in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecSpec {
    /// Source code.
    pub code: String,
    /// Arguments after the program's own name.
    pub args: Vec<String>,
    /// The variables of the request.
    pub env: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Files in the working directory.
    pub files: Vec<InputFile>,
    /// Glob patterns of the files to collect.
    pub collect: Vec<String>,
    /// All limits of the execution, including those of the sandbox.
    pub limits: Limits,
    /// Labels for logs and for the sandbox's metadata.
    pub labels: Vec<(String, String)>,
}

impl SandboxSpec {
    /// The same for all tenants.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self { tenant: None, ..self.clone() }
    }

    /// What the runner can do before there is a program.
    #[must_use]
    pub fn preparation(&self) -> Preparation {
        Preparation {
            interpreter: self.interpreter.clone(),
            file: self.file.clone(),
            env: environment(&self.image_env, Vec::new()),
            limits: self.limits,
            prewarm: self.prewarm,
            preload_modules: self.preload_modules.clone(),
        }
    }
}

impl ExecSpec {
    /// An execution that is not known yet, for the deadlines of a sandbox that waits for it.
    #[must_use]
    pub fn without_program(limits: Limits) -> Self {
        Self {
            code: String::new(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: Vec::new(),
            files: Vec::new(),
            collect: Vec::new(),
            limits,
            labels: Vec::new(),
        }
    }

    /// What the runner gets of an execution in a sandbox of this specification.
    #[must_use]
    pub fn into_program(self, sandbox: &SandboxSpec) -> Program {
        Program {
            interpreter: sandbox.interpreter.clone(),
            file: sandbox.file.clone(),
            code: self.code,
            args: self.args,
            env: environment(&sandbox.image_env, self.env),
            stdin: self.stdin,
            files: self.files,
            collect: self.collect,
            // The sidecar alone enforces the startup time.
            limits: Limits { startup_time_ms: 0, ..self.limits },
        }
    }
}

/// The variables of a request, those of the image where it sets none, and the sandbox's own. The image's HOME is
/// that of another user.
fn environment(image: &[(String, String)], requested: Vec<(String, String)>) -> Vec<(String, String)> {
    let own = [("PATH", PATH), ("HOME", HOME), ("LANG", "C.UTF-8")];
    let mut env: BTreeMap<_, _> = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    env.extend(image.iter().filter(|(name, _)| name != "HOME").cloned());
    env.extend(requested);
    env.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use cofferdam_types::{File, Request, RequestedLimits};

    fn spec(request: Request) -> SandboxSpec {
        Policy::default().plan(Request { code: "print(1)".into(), ..request }).expect("a plan").sandbox
    }

    #[test]
    fn what_only_the_execution_needs_is_not_in_the_sandboxs_specification() {
        let request = Request {
            code: "print(2)".into(),
            args: vec!["a".into()],
            env: vec![("LANG".into(), "C".into())],
            stdin: vec![1],
            files: vec![File { path: "a".into(), content: vec![2] }],
            collect: vec!["*".into()],
            limits: RequestedLimits {
                wall_time_ms: Some(1),
                collected_files: Some(1),
                ..RequestedLimits::default()
            },
            labels: vec![("user".into(), "u".into())],
            ..Request::default()
        };
        assert_eq!(spec(request), spec(Request::default()));
    }

    #[test]
    fn variables_of_the_request_precede_those_of_the_image_and_these_the_defaults() {
        let request =
            Request { code: "1".into(), env: vec![("A".into(), "request".into())], ..Request::default() };
        let mut plan = Policy::default().plan(request).expect("a plan");
        let image = [("A", "image"), ("HOME", "/root"), ("PATH", "/opt/bin"), ("B", "image")];
        plan.sandbox.image_env = image.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let program = plan.exec.into_program(&plan.sandbox);
        let expected =
            [("A", "request"), ("B", "image"), ("HOME", HOME), ("LANG", "C.UTF-8"), ("PATH", "/opt/bin")];
        assert_eq!(program.env, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_a_sandbox_is_created_from_is_in_its_specification() {
        let limits = |limits| spec(Request { limits, ..Request::default() });
        for other in [
            spec(Request { language: Some("bash".into()), ..Request::default() }),
            limits(RequestedLimits { memory_bytes: Some(1 << 20), ..RequestedLimits::default() }),
            limits(RequestedLimits { processes: Some(1), ..RequestedLimits::default() }),
            limits(RequestedLimits { cpu_millis: Some(1), ..RequestedLimits::default() }),
        ] {
            assert_ne!(other, spec(Request::default()));
        }
    }
}
