//! Steps that concern executions.

use super::SessionName;
use crate::{
    conformance::Failure,
    sessions::{
        SessionCase,
        content::numbered,
        expected::{ExpectedEnd, ExpectedError},
    },
};
use cofferdam::{
    core::session::{ExecutionCall, ExecutionSpec, StdinSpec, TerminalSize},
    types::{RequestedLimits, Status},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is executed: one of `sh`, `run`, `code` and `file`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(in crate::sessions) struct Program {
    #[serde(rename = "in")]
    pub(in crate::sessions) session: SessionName,
    /// The caller's own id.
    pub(in crate::sessions) id: Option<String>,
    /// A command line of the shell.
    sh: Option<String>,
    /// A program and its arguments.
    run: Option<Vec<String>>,
    /// Source code.
    code: Option<String>,
    /// Source code in this file of the case.
    file: Option<String>,
    language: Option<String>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    working_dir: Option<String>,
    /// Standard input, and then its end.
    stdin: Option<String>,
    /// So many bytes of standard input, which are numbered.
    stdin_numbered: Option<usize>,
    /// Standard input stays open.
    open_stdin: bool,
    /// Columns and rows.
    terminal: Option<(u16, u16)>,
    background: bool,
    keeps_background: bool,
    limits: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::sessions) struct Execute {
    #[serde(flatten)]
    pub(in crate::sessions) program: Program,
    #[serde(flatten)]
    pub(in crate::sessions) expect: ExpectedEnd,
    /// The error of its start.
    pub(in crate::sessions) error: Option<ExpectedError>,
    /// The error of its end: it was not executed, or nobody knows its result.
    pub(in crate::sessions) end_error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Start {
    /// Its name in the case.
    pub(in crate::sessions) name: String,
    #[serde(flatten)]
    pub(in crate::sessions) program: Program,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct OfExecution {
    pub(in crate::sessions) of: String,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct WriteStdin {
    pub(in crate::sessions) of: String,
    text: Option<String>,
    numbered: Option<usize>,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct SendSignal {
    pub(in crate::sessions) of: String,
    pub(in crate::sessions) number: u8,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Resize {
    pub(in crate::sessions) of: String,
    /// Columns and rows.
    size: (u16, u16),
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::sessions) struct WaitFor {
    pub(in crate::sessions) of: String,
    #[serde(flatten)]
    pub(in crate::sessions) expect: ExpectedEnd,
    /// The error of its end.
    pub(in crate::sessions) end_error: Option<ExpectedError>,
}

/// Reads the output, of both streams in order of arrival, to its end or until it contains a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct ReadOutput {
    pub(in crate::sessions) of: String,
    /// The first position.
    #[serde(default)]
    pub(in crate::sessions) from: u64,
    pub(in crate::sessions) until: Option<String>,
    pub(in crate::sessions) equals: Option<String>,
    /// So many bytes, which are numbered.
    pub(in crate::sessions) numbered: Option<usize>,
    #[serde(default)]
    pub(in crate::sessions) contains: Vec<String>,
    /// The position after the last byte.
    pub(in crate::sessions) position: Option<u64>,
    /// Whether bytes were not kept.
    #[serde(default)]
    pub(in crate::sessions) gap: bool,
    /// How the reader is told that the execution ended.
    pub(in crate::sessions) end: Option<Status>,
    /// The error with which the reader is told that the session ended.
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Attach {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    pub(in crate::sessions) id: String,
    /// Its name in the case.
    pub(in crate::sessions) name: String,
    pub(in crate::sessions) error: Option<ExpectedError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sessions) struct Executions {
    #[serde(rename = "in", default)]
    pub(in crate::sessions) session: SessionName,
    /// The ids, in the order of their start.
    pub(in crate::sessions) ids: Vec<String>,
    /// Those of them that run.
    #[serde(default)]
    pub(in crate::sessions) running: Vec<String>,
}

impl Program {
    /// The execution.
    pub(in crate::sessions) fn spec(&self, case: &SessionCase) -> Result<ExecutionSpec, Failure> {
        let stdin = match (&self.stdin, self.stdin_numbered) {
            (Some(text), _) => StdinSpec::Bytes(text.clone().into_bytes()),
            (None, Some(length)) => StdinSpec::Bytes(numbered(length)),
            (None, None) if self.open_stdin => StdinSpec::Open,
            (None, None) => StdinSpec::Empty,
        };
        Ok(ExecutionSpec {
            id: self.id.clone(),
            env: self.env.clone().into_iter().collect(),
            working_dir: self.working_dir.clone(),
            stdin,
            terminal: self.terminal.map(terminal_size),
            background: self.background,
            keeps_background: self.keeps_background,
            limits: requested_limits(&self.limits)?,
            ..ExecutionSpec::new(self.call(case)?)
        })
    }

    fn call(&self, case: &SessionCase) -> Result<ExecutionCall, Failure> {
        let code =
            |code| ExecutionCall::Code { language: self.language.clone(), code, args: self.args.clone() };
        match (&self.sh, &self.run, &self.code, &self.file) {
            (Some(line), None, None, None) => Ok(ExecutionCall::Shell(line.clone())),
            (None, Some(program), None, None) => Ok(ExecutionCall::Program(program.clone())),
            (None, None, Some(text), None) => Ok(code(text.clone())),
            (None, None, None, Some(file)) => Ok(code(String::from_utf8(case.file(file)?)?)),
            _ => Err("an execution has one of `sh`, `run`, `code` and `file`".into()),
        }
    }
}

impl WriteStdin {
    /// What is written.
    pub(in crate::sessions) fn bytes(&self) -> Vec<u8> {
        self.numbered.map_or_else(|| self.text.clone().unwrap_or_default().into_bytes(), numbered)
    }
}

impl Resize {
    /// The new size.
    pub(in crate::sessions) fn size(&self) -> TerminalSize {
        terminal_size(self.size)
    }
}

fn terminal_size((columns, rows): (u16, u16)) -> TerminalSize {
    TerminalSize { columns, rows }
}

/// Limits by their names in the contract.
pub(super) fn requested_limits(named: &BTreeMap<String, u64>) -> Result<RequestedLimits, Failure> {
    let mut limits = RequestedLimits::default();
    for (name, value) in named {
        let field = name.replace('-', "_");
        if !RequestedLimits::FIELDS.contains(&field.as_str()) {
            return Err(format!("there is no limit {name}").into());
        }
        limits.set(&field, Some(*value))?;
    }
    Ok(limits)
}
