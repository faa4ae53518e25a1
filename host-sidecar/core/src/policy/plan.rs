//! Turns a request into specifications, or refuses it.

use super::{Language, Policy, check::check};
use crate::spec::{ExecSpec, SandboxSpec};
use cofferdam_protocol::InputFile;
use cofferdam_types::{
    Error, ErrorCode, Request, quoted,
    validation::{DEFAULT_LANGUAGE, DEFAULT_NETWORK},
};

/// A request that the policy allows: the sandbox that it needs, and what is executed there.
#[derive(Debug)]
pub struct Plan {
    /// What the sandbox is created from.
    pub sandbox: SandboxSpec,
    /// What is executed in it.
    pub exec: ExecSpec,
}

impl Policy {
    /// Turns a request into a plan.
    ///
    /// # Errors
    ///
    /// What the contract or the operator refuses, with a message for the caller.
    pub fn plan(&self, request: Request) -> Result<Plan, Error> {
        check(&request)?;
        let limits = self.limits(&request.limits)?;
        let network = self.network(request.network.as_deref())?;
        let language = self.language(request.language.as_deref())?;
        let chosen = request.image.as_deref().map(|name| self.allowed_images.choose(name)).transpose()?;
        let plan = Plan {
            sandbox: SandboxSpec {
                interpreter: language.command.clone(),
                file: language.file.clone(),
                allowed_images: chosen.is_some().then(|| self.allowed_images.clone()),
                image: chosen.map(|image| image.to_string()).or_else(|| language.image.clone()),
                network,
                prewarm: language.prewarm,
                preload_modules: language.preload_modules.clone(),
                limits: limits.of_sandbox(),
                tenant: None,
            },
            exec: ExecSpec {
                code: request.code,
                args: request.args,
                env: request.env,
                stdin: request.stdin,
                files: request
                    .files
                    .into_iter()
                    .map(|file| InputFile { path: file.path, mode: file.mode, content: file.content })
                    .collect(),
                inputs: None,
                collect: request.collect,
                limits,
                labels: request.labels,
            },
        };
        plan.exec.check_files(&language.file)?;
        Ok(plan)
    }

    /// The network profile of this name; none for the name of no network.
    fn network(&self, name: Option<&str>) -> Result<Option<String>, Error> {
        let Some(name) = name.filter(|name| *name != DEFAULT_NETWORK) else { return Ok(None) };
        if self.networks.contains(name) {
            return Ok(Some(name.to_owned()));
        }
        let known =
            self.networks.iter().fold("`none`".to_owned(), |known, name| format!("{known}, `{name}`"));
        let message = format!("the network profile {} is unknown; available: {known}", quoted(name));
        Err(Error::new(ErrorCode::Denied, message))
    }

    /// The language of this name, or the default.
    pub(crate) fn language(&self, name: Option<&str>) -> Result<&Language, Error> {
        let name = name.unwrap_or(DEFAULT_LANGUAGE);
        self.languages.get(name).ok_or_else(|| {
            let known = self.languages.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("the language {} is unknown; available: {known}", quoted(name));
            Error::new(ErrorCode::InvalidRequest, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::{File, RequestedLimits};

    fn plan(request: Request) -> Result<Plan, Error> {
        let policy = Policy::default();
        policy.plan(Request { code: "print(1)".into(), ..request })
    }

    fn code(request: Request) -> ErrorCode {
        plan(request).expect_err("refused").code
    }

    #[test]
    fn a_request_with_only_code_gets_the_defaults() {
        let plan = plan(Request::default()).expect("a plan");
        assert_eq!(plan.sandbox.interpreter, ["python3", "-u"]);
        assert_eq!(plan.sandbox.file, "main.py");
        assert_eq!(plan.exec.limits.wall_time().as_millis(), 300_000);
        assert_eq!(plan.exec.limits.memory_bytes, 512 << 20);
        assert_eq!(plan.exec.into_program(&plan.sandbox).env, []);
    }

    #[test]
    fn a_limit_above_its_ceiling_is_denied() {
        let limits = RequestedLimits { memory_bytes: Some(u64::MAX), ..RequestedLimits::default() };
        assert_eq!(code(Request { limits, ..Request::default() }), ErrorCode::Denied);
    }

    #[test]
    fn a_default_is_lowered_to_its_ceiling() {
        let mut policy = Policy::default();
        policy.ceilings.memory_bytes = 1 << 20;
        policy.ceilings.cpu_millis = Some(500);
        let limits = policy.limits(&RequestedLimits::default()).expect("limits");
        assert_eq!((limits.memory_bytes, limits.cpu_millis), (1 << 20, Some(500)));
    }

    #[test]
    fn an_unknown_language_or_network_is_refused() {
        assert_eq!(
            code(Request { language: Some("cobol".into()), ..Request::default() }),
            ErrorCode::InvalidRequest
        );
        assert_eq!(code(Request { network: Some("public".into()), ..Request::default() }), ErrorCode::Denied);
    }

    #[test]
    fn an_image_is_that_of_the_language_unless_an_allowed_one_is_chosen() {
        let mut policy = Policy::default();
        policy.languages.values_mut().for_each(|language| language.image = Some("own".into()));
        policy.allowed_images =
            std::sync::Arc::new(["python:3".parse().expect("a pattern")].into_iter().collect());
        let plan = |image: Option<&str>| {
            let image = image.map(ToOwned::to_owned);
            policy.plan(Request { code: "1".into(), image, ..Request::default() }).map(|plan| plan.sandbox)
        };
        let own = plan(None).expect("a plan");
        assert_eq!((own.image.as_deref(), own.allowed_images), (Some("own"), None));
        let chosen = plan(Some("python:3")).expect("a plan");
        assert_eq!(chosen.image.as_deref(), Some("docker.io/library/python:3"));
        assert_eq!(chosen.allowed_images.as_ref(), Some(&policy.allowed_images));
        // Also the one that the operator has chosen.
        assert_eq!(plan(Some("own")).map_err(|error| error.code), Err(ErrorCode::Denied));
    }

    #[test]
    fn an_input_file_cannot_replace_the_program() {
        let files = vec![File::new("main.py", [])];
        assert_eq!(code(Request { files, ..Request::default() }), ErrorCode::InvalidRequest);
    }

    #[test]
    fn files_over_the_disk_limit_are_refused() {
        for (disk, file, fits) in
            [(4096, None, true), (4095, None, false), (4096, Some(0), false), (1 << 20, Some(1 << 20), false)]
        {
            let limits = RequestedLimits { disk_bytes: Some(disk), ..RequestedLimits::default() };
            let files = file.map(|length| File::new("a", vec![0; length])).into_iter().collect();
            let refused = plan(Request { limits, files, ..Request::default() }).err().map(|error| error.code);
            assert_eq!(refused, (!fits).then_some(ErrorCode::TooLarge), "{disk} {file:?}");
        }
    }

    #[test]
    fn a_program_has_the_variables_of_its_request() {
        let env = vec![("LANG".to_owned(), "C".to_owned())];
        let plan = plan(Request { env: env.clone(), ..Request::default() }).expect("a plan");
        assert_eq!(plan.exec.into_program(&plan.sandbox).env, env);
    }
}
