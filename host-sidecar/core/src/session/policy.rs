//! What the operator and the contract allow of sessions and their executions. Pure.

use super::{
    ExecutionCall, ExecutionSpec, MAX_METADATA, SessionConfig, SessionRequest, StdinSpec, channel::WINDOW,
    errors, life::Times, output::Retention,
};
use crate::{
    policy::{Plan, Policy, check},
    spec::SandboxSpec,
};
use cofferdam_protocol::{Call, Command, CommandLimits, FileRequest};
use cofferdam_types::{
    Error, ErrorCode, Limits, Request, RequestedLimits, printable, quoted,
    validation::{DEFAULT_LANGUAGE, MAX_INPUT},
};
use std::{collections::BTreeMap, time::Duration};

/// Working directory of executions, if nobody names one.
const WORKING_DIR: &str = "/work";
/// Maximum bytes of the caller's own name of a session or an execution.
const MAX_NAME: usize = 128;
/// Maximum bytes of a path: PATH_MAX without the byte that ends it.
pub(super) const MAX_PATH: usize = 4095;
/// Characters of what an execution executes, in a list of them.
const MAX_TITLE: usize = 200;
/// The limits that an execution of a session has for itself.
const OF_EXECUTION: [&str; 4] = ["wall-time-ms", "output-bytes", "memory-bytes", "processes"];
/// The limits that only executions without a session have.
const OF_COLLECTION: [&str; 2] = ["collected-files", "collected-bytes"];

/// A session that the policy allows.
#[derive(Debug, Clone)]
pub(super) struct SessionPlan {
    /// What its sandbox is created from.
    pub(super) sandbox: SandboxSpec,
    /// The limits of the session, and the defaults of its executions.
    pub(super) limits: Limits,
    /// The highest limits of one execution.
    pub(super) ceilings: Limits,
    pub(super) times: Times,
    pub(super) language: String,
    pub(super) env: Vec<(String, String)>,
    pub(super) working_dir: String,
}

/// An execution that the policy allows.
#[derive(Debug)]
pub(super) struct ExecutionPlan {
    pub(super) command: Command,
    pub(super) retention: Retention,
    /// What it executes, for a list of them.
    pub(super) title: String,
}

impl SessionPlan {
    /// What the policy makes of a request.
    pub(super) fn new(
        policy: &Policy,
        request: &SessionRequest,
        config: &SessionConfig,
    ) -> Result<Self, Error> {
        if let Some(name) = &request.name {
            check_name("the name of the session", name)?;
        }
        check_metadata(&request.metadata)?;
        refuse_limits(&request.limits, |name| !OF_COLLECTION.contains(&name), "a session has no limit")?;
        let times = Times::of_request(request, config)?;
        let working_dir = request.working_dir.clone().unwrap_or_else(|| WORKING_DIR.to_owned());
        check_directory(&working_dir)?;
        let Plan { sandbox, exec } = policy.plan(Request {
            code: "#".into(),
            language: request.language.clone(),
            image: request.image.clone(),
            network: request.network.clone(),
            limits: request.limits,
            env: request.env.clone(),
            ..Request::default()
        })?;
        let limits = exec.limits;
        let plan = Self {
            sandbox,
            ceilings: Limits {
                wall_time_ms: policy.ceilings.wall_time_ms,
                output_bytes: policy.ceilings.output_bytes,
                ..limits
            },
            limits,
            times,
            language: request.language.clone().unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned()),
            env: exec.env,
            working_dir,
        };
        check_memory(plan.memory(), config.max_memory_bytes.0)?;
        Ok(plan)
    }

    /// Bytes of memory that the session can hold: its disk is in memory too.
    pub(super) fn memory(&self) -> u64 {
        self.limits.memory_bytes.saturating_add(self.limits.disk_bytes)
    }

    /// What the policy makes of an execution.
    pub(super) fn execution(
        &self,
        policy: &Policy,
        spec: &ExecutionSpec,
        config: &SessionConfig,
    ) -> Result<ExecutionPlan, Error> {
        check_execution(spec)?;
        let limits = self.execution_limits(&spec.limits)?;
        let has_all_output = !spec.background && spec.terminal.is_none();
        if !has_all_output && spec.limits.output_bytes.is_some() {
            let message =
                "an execution in the background or with a terminal has no limit of output; leave it out";
            return Err(errors::invalid(message));
        }
        let has_wall_time = !spec.background || spec.limits.wall_time_ms.is_some();
        let retained = usize::try_from(config.retained_output_bytes.0).unwrap_or(usize::MAX);
        let command = Command {
            call: self.call(policy, &spec.call)?,
            env: merged(&self.env, &spec.env),
            working_dir: spec.working_dir.clone().unwrap_or_else(|| self.working_dir.clone()),
            has_stdin: spec.stdin != StdinSpec::Empty,
            terminal: spec.terminal,
            keeps_background: spec.keeps_background,
            limits: CommandLimits {
                wall_time: has_wall_time.then(|| limits.wall_time()),
                output_bytes: has_all_output.then_some(limits.output_bytes),
                memory_bytes: limits.memory_bytes,
                processes: limits.processes,
            },
            window: WINDOW,
        };
        let retention =
            if has_all_output { Retention::All(limits.output_bytes) } else { Retention::Last(retained) };
        Ok(ExecutionPlan { command, retention, title: title(&spec.call) })
    }

    /// A file call that ends after this time, if there is one.
    pub(super) fn file_call(&self, request: FileRequest, wall_time: Option<Duration>) -> Command {
        use FileRequest::{Watch, Write, WriteTree};
        let has_stdin = matches!(request, Write(..) | WriteTree(_) | Watch(..));
        Command {
            call: Call::Files(request),
            env: Vec::new(),
            working_dir: WORKING_DIR.to_owned(),
            has_stdin,
            terminal: None,
            keeps_background: false,
            limits: CommandLimits {
                wall_time,
                output_bytes: None,
                memory_bytes: self.limits.memory_bytes,
                processes: self.limits.processes,
            },
            window: WINDOW,
        }
    }

    fn execution_limits(&self, requested: &RequestedLimits) -> Result<Limits, Error> {
        refuse_limits(
            requested,
            |name| OF_EXECUTION.contains(&name),
            "an execution of a session has no limit",
        )?;
        Limits::of_request(requested, &self.limits, &self.ceilings).map_err(|exceeded| {
            let error = errors::denied(exceeded.to_string());
            Error { exceeded: Some(exceeded), ..error }
        })
    }

    fn call(&self, policy: &Policy, call: &ExecutionCall) -> Result<Call, Error> {
        Ok(match call {
            ExecutionCall::Program(program) => Call::Program(program.clone()),
            ExecutionCall::Shell(line) => Call::Program(vec!["sh".into(), "-c".into(), line.clone()]),
            ExecutionCall::Code { language, code, args } => {
                let language = policy.language(Some(language.as_ref().unwrap_or(&self.language)))?;
                Call::Code {
                    interpreter: language.command.clone(),
                    file: language.file.clone(),
                    code: code.clone(),
                    args: args.clone(),
                }
            }
        })
    }
}

/// Refuses a session that could not be even if there were no other one.
fn check_memory(memory: u64, maximum: u64) -> Result<(), Error> {
    if memory <= maximum {
        return Ok(());
    }
    Err(errors::denied(format!(
        "the limits memory-bytes and disk-bytes of the session are {memory} together, above the operator's ceiling of \
         {maximum} for all sessions (sessions.max_memory_bytes); ask for lower limits"
    )))
}

/// Checks what the contract limits.
fn check_execution(spec: &ExecutionSpec) -> Result<(), Error> {
    if let Some(id) = &spec.id {
        check_name("the id of the execution", id)?;
    }
    if let Some(directory) = &spec.working_dir {
        check_directory(directory)?;
    }
    if let StdinSpec::Bytes(bytes) = &spec.stdin
        && bytes.len() > MAX_INPUT
    {
        let message =
            format!("stdin: {} bytes, of which at most {MAX_INPUT} are allowed; stream it", bytes.len());
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    if spec.terminal.is_some_and(|size| size.columns == 0 || size.rows == 0) {
        return Err(errors::invalid("a terminal has at least one column and one row"));
    }
    let (code, args) = match &spec.call {
        ExecutionCall::Program(program) if program.first().is_none_or(String::is_empty) => {
            return Err(errors::invalid("the program has no name"));
        }
        ExecutionCall::Program(program) => (String::new(), program.clone()),
        ExecutionCall::Shell(line) => (String::new(), vec![line.clone()]),
        ExecutionCall::Code { code, args, .. } => (code.clone(), args.clone()),
    };
    check(&Request { code, args, env: spec.env.clone(), limits: spec.limits, ..Request::default() })
}

/// Refuses a limit that has no meaning here.
fn refuse_limits(
    limits: &RequestedLimits,
    is_meant: impl Fn(&str) -> bool,
    problem: &str,
) -> Result<(), Error> {
    match limits.set_limits().find(|(name, _)| !is_meant(name)) {
        Some((name, _)) => Err(errors::invalid(format!("limits: {problem} {name}; leave it out"))),
        None => Ok(()),
    }
}

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    // A client would take "." and ".." in a path for something else.
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed) && ![".", ".."].contains(&name) {
        return Ok(());
    }
    let name = quoted(name);
    Err(errors::invalid(format!(
        "{what}, {name}, is not 1 to {MAX_NAME} letters, digits, `.`, `_` and `-`, or is `.` or `..`"
    )))
}

fn check_directory(path: &str) -> Result<(), Error> {
    if path.is_empty() || path.len() > MAX_PATH || path.contains('\0') {
        let message =
            format!("the working directory is empty, longer than {MAX_PATH} bytes, or has a NUL character");
        return Err(errors::invalid(message));
    }
    Ok(())
}

/// Checks the names and values of a session's metadata.
pub(super) fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), Error> {
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_METADATA {
        let message = format!("metadata: {bytes} bytes, of which at most {MAX_METADATA} are allowed");
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    if metadata.contains_key("") {
        return Err(errors::invalid("metadata: a value has no name"));
    }
    Ok(())
}

/// The variables of a session, which an execution adds to or replaces.
fn merged(session: &[(String, String)], own: &[(String, String)]) -> Vec<(String, String)> {
    let is_kept = |(name, _): &&(String, String)| own.iter().all(|(other, _)| other != name);
    session.iter().filter(is_kept).chain(own).cloned().collect()
}

fn title(call: &ExecutionCall) -> String {
    let text = match call {
        ExecutionCall::Program(program) => program.join(" "),
        ExecutionCall::Shell(line) => line.clone(),
        ExecutionCall::Code { code, .. } => code.clone(),
    };
    text.lines().next().unwrap_or_default().chars().map(printable).take(MAX_TITLE).collect()
}

#[cfg(test)]
mod tests;
