//! A request after policy: everything decided, nothing left to ask.

use super::{Limits, Policy, check::check, footprint::footprint};
use cofferdam_protocol::{InputFile, Program};
use cofferdam_types::{Error, ErrorCode, Request};
use std::{collections::BTreeMap, sync::Arc};

/// Search path of the sandbox.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Home directory of the sandbox's user.
const HOME: &str = "/home/user";

/// What a backend carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What the runner gets.
    pub program: Program,
    /// All bounds, also those that the runner does not enforce.
    pub limits: Limits,
    /// Whose run this is.
    pub labels: Vec<(String, String)>,
    /// Whether the interpreter can be started before there is a program.
    pub prewarm: bool,
    /// Modules that it then has imported already.
    pub preload_modules: Vec<String>,
    /// The image that the language names.
    pub image: Option<String>,
    /// The network profile; none: no network.
    pub network: Option<String>,
    /// The tenant whose sandboxes it may use, beside those of everybody; none where there is one tenant.
    pub tenant: Option<Arc<str>>,
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
        let network = request.network.clone().filter(|name| name != cofferdam_types::validation::DEFAULT_NETWORK);
        if let Some(name) = network.as_ref().filter(|name| !self.networks.contains(*name)) {
            let name = cofferdam_types::quoted(name);
            let known = self.networks.iter().fold("`none`".to_owned(), |known, name| format!("{known}, `{name}`"));
            let message = format!("the network profile {name} is not one that the operator allows; there is {known}");
            return Err(Error::new(ErrorCode::Denied, message));
        }
        let name = request.language.as_deref().unwrap_or(cofferdam_types::validation::DEFAULT_LANGUAGE);
        let Some(language) = self.languages.get(name) else {
            let known = self.languages.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let name = cofferdam_types::quoted(name);
            let message = format!("the language {name} is not known here; there are: {known}");
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        };
        if request.files.iter().any(|file| file.path.split('/').next() == Some(&language.file)) {
            let message =
                format!("the file `{}` is the program itself; give the input file another name", language.file);
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        }
        let files = request.files.iter().map(|file| (&*file.path, file.content.len()));
        let (takes, disk) = (footprint(files.chain([(&*language.file, request.code.len())])), limits.disk_bytes);
        if takes > disk {
            let message =
                format!("the program and its files take {takes} bytes of disk, and the limit disk-bytes is {disk}");
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        Ok(Plan {
            program: Program {
                interpreter: language.command.clone(),
                file: language.file.clone(),
                code: request.code,
                args: request.args,
                env: environment(request.env),
                stdin: request.stdin,
                files: request
                    .files
                    .into_iter()
                    .map(|file| InputFile { path: file.path, content: file.content })
                    .collect(),
                collect: request.collect,
                limits: for_runner(&limits),
            },
            limits,
            labels: request.labels,
            prewarm: language.prewarm,
            preload_modules: language.preload_modules.clone(),
            image: language.image.clone(),
            network,
            tenant: None,
        })
    }
}

/// The request's variables, and the sandbox's own where it names none.
pub(super) fn environment(asked: Vec<(String, String)>) -> Vec<(String, String)> {
    let own = [("PATH", PATH), ("HOME", HOME), ("LANG", "C.UTF-8")];
    let mut env: BTreeMap<_, _> = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    env.extend(asked);
    env.into_iter().collect()
}

fn for_runner(limits: &Limits) -> cofferdam_protocol::Limits {
    cofferdam_protocol::Limits {
        wall_time_ms: u64::try_from(limits.wall_time.as_millis()).unwrap_or(u64::MAX),
        cpu_millis: limits.cpu_millis,
        memory_bytes: limits.memory_bytes,
        disk_bytes: limits.disk_bytes,
        processes: limits.processes,
        output_bytes: limits.output_bytes,
        collected_files: limits.collected_files,
        collected_bytes: limits.collected_bytes,
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
    fn code_alone_makes_a_whole_plan() {
        let plan = plan(Request::default()).expect("a plan");
        assert_eq!(plan.program.interpreter, ["python3", "-u"]);
        assert_eq!(plan.program.file, "main.py");
        assert_eq!(plan.program.env.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["HOME", "LANG", "PATH"]);
        assert_eq!(plan.program.limits.wall_time_ms, 300_000);
        assert_eq!(plan.program.limits.memory_bytes, 512 << 20);
    }

    #[test]
    fn a_ceiling_beats_a_wish() {
        let limits = RequestedLimits { memory_bytes: Some(u64::MAX), ..RequestedLimits::default() };
        assert_eq!(code(Request { limits, ..Request::default() }), ErrorCode::Denied);
    }

    #[test]
    fn a_default_stays_below_its_ceiling() {
        let mut policy = Policy::default();
        policy.ceilings.memory_bytes = 1 << 20;
        policy.ceilings.cpu_millis = Some(500);
        let limits = policy.limits(&RequestedLimits::default()).expect("limits");
        assert_eq!((limits.memory_bytes, limits.cpu_millis), (1 << 20, Some(500)));
    }

    #[test]
    fn what_is_not_in_the_operators_tables_is_refused() {
        assert_eq!(code(Request { language: Some("cobol".into()), ..Request::default() }), ErrorCode::InvalidRequest);
        assert_eq!(code(Request { network: Some("public".into()), ..Request::default() }), ErrorCode::Denied);
    }

    #[test]
    fn an_input_file_cannot_be_the_program() {
        let files = vec![File { path: "main.py".into(), content: vec![] }];
        assert_eq!(code(Request { files, ..Request::default() }), ErrorCode::InvalidRequest);
    }

    #[test]
    fn what_does_not_fit_on_its_disk_is_refused() {
        for (disk, file, fits) in
            [(4096, None, true), (4095, None, false), (4096, Some(0), false), (1 << 20, Some(1 << 20), false)]
        {
            let limits = RequestedLimits { disk_bytes: Some(disk), ..RequestedLimits::default() };
            let files = file.map(|length| File { path: "a".into(), content: vec![0; length] }).into_iter().collect();
            let refused = plan(Request { limits, files, ..Request::default() }).err().map(|error| error.code);
            assert_eq!(refused, (!fits).then_some(ErrorCode::TooLarge), "{disk} {file:?}");
        }
    }

    #[test]
    fn variables_of_the_request_replace_the_sandboxs_own() {
        let plan = plan(Request { env: vec![("LANG".into(), "C".into())], ..Request::default() }).expect("a plan");
        assert!(plan.program.env.contains(&("LANG".into(), "C".into())));
        assert_eq!(plan.program.env.len(), 3);
    }
}
