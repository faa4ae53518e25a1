//! What a sandbox is created from, and what is executed in it.

use crate::{
    inputs::Inputs,
    policy::{AllowedImages, Limits},
};
use cofferdam_protocol::{InputFile, Preparation, Program};
use std::sync::Arc;

/// What a sandbox is created from. Sandboxes with equal specifications are interchangeable: it is the key of
/// the pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SandboxSpec {
    /// The interpreter, looked up in the sandbox's PATH, and its own arguments.
    pub interpreter: Vec<String>,
    /// Name of the program's file in the working directory.
    pub file: String,
    /// The image that the request has chosen or the language names; none: the backend's default. A backend replaces a
    /// tag by the digest that it stands for.
    pub image: Option<String>,
    /// The images among which the request has chosen this one, empty once it has been pulled; none: the operator names
    /// it.
    pub allowed_images: Option<Arc<AllowedImages>>,
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
#[derive(Debug)]
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
    /// More of them, which are streamed.
    pub inputs: Option<Inputs>,
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
            env: Vec::new(),
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
            inputs: None,
            collect: Vec::new(),
            limits,
            labels: Vec::new(),
        }
    }

    /// What the runner gets of an execution in a sandbox of this specification, without the streamed files.
    #[must_use]
    pub fn into_program(self, sandbox: &SandboxSpec) -> Program {
        Program {
            interpreter: sandbox.interpreter.clone(),
            file: sandbox.file.clone(),
            code: self.code,
            args: self.args,
            env: self.env,
            stdin: self.stdin,
            files: self.files,
            collect: self.collect,
            // The sidecar alone enforces the startup time.
            limits: Limits { startup_time_ms: 0, ..self.limits },
            has_more_files: false,
        }
    }
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
            files: vec![File::new("a", [2])],
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
