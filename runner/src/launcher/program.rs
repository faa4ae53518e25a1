//! The program of an execution, started by its launcher.

use super::{file_call, terminal};
use crate::{environment, error::Error};
use cofferdam_protocol::{Call, Command, Malformed};
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    process::Pid,
};
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::{fs::PermissionsExt, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{self, Stdio},
};

/// What a terminal is called, if neither the request nor the image says it.
const TERM: &str = "xterm-256color";

/// A program that was started.
#[derive(Debug)]
pub(super) struct Program {
    /// Its first process.
    pub(super) pid: Pid,
    /// The file of its code in the working directory.
    code: Option<CodeFile>,
}

/// The program's streams, as the supervisor hands them over.
#[derive(Debug)]
pub(super) struct ReceivedStreams {
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

impl ReceivedStreams {
    /// A terminal is one descriptor. Else there is standard input, if it has one, standard output and error.
    pub(super) fn of(command: &Command, streams: Vec<OwnedFd>) -> Result<Self, Error> {
        let mut streams = streams.into_iter();
        let mut next = || streams.next().ok_or(Error::from(Malformed));
        if command.terminal.is_none() {
            let stdin = command.has_stdin.then(&mut next).transpose()?;
            return Ok(Self { stdin, stdout: next()?, stderr: next()? });
        }
        let clone = |terminal: &OwnedFd| {
            terminal.try_clone().map_err(|source| Error::Step { step: "open the terminal", source })
        };
        let stdout = next()?;
        let stdin = command.has_stdin.then(|| clone(&stdout)).transpose()?;
        Ok(Self { stdin, stderr: clone(&stdout)?, stdout })
    }
}

impl Program {
    /// Starts the program in the current directory.
    pub(super) fn start(command: &Command, streams: ReceivedStreams) -> Result<Self, Error> {
        let mut variables = environment::of_program(env::vars_os(), &command.env);
        if command.terminal.is_some() {
            variables.entry("TERM".into()).or_insert(TERM.into());
        }
        let (arguments, code) = match &command.call {
            Call::Program(arguments) => (arguments.clone(), None),
            Call::Code { interpreter, file, code, args } => {
                let arguments = interpreter.iter().chain([file]).chain(args).cloned().collect();
                (arguments, Some(CodeFile::write(file, code)?))
            }
            Call::Files(_) => {
                let (mut process, _request) = file_call::process(command)?;
                let pid = spawn(process.process_group(0), "a file call", variables, streams)?;
                return Ok(Self { pid, code: None });
            }
        };
        let [name, arguments @ ..] = arguments.as_slice() else { return Err(Malformed.into()) };
        let path = find(name, &variables);
        let mut process = if command.terminal.is_some() {
            terminal::process(&path, name)
        } else {
            let mut process = process::Command::new(path);
            process.arg0(name).process_group(0);
            process
        };
        let pid = spawn(process.args(arguments), name, variables, streams)?;
        Ok(Self { pid, code })
    }

    /// Removes the file of the program's code.
    pub(super) fn remove_code(self) {
        drop(self.code);
    }
}

/// Starts a process with these variables and streams.
fn spawn(
    process: &mut process::Command,
    name: &str,
    variables: BTreeMap<OsString, OsString>,
    streams: ReceivedStreams,
) -> Result<Pid, Error> {
    let child = process
        .env_clear()
        .envs(variables)
        .stdin(streams.stdin.map_or(Stdio::null(), Stdio::from))
        .stdout(streams.stdout)
        .stderr(streams.stderr)
        .spawn()
        .map_err(|source| Error::Interpreter { interpreter: name.to_owned(), source })?;
    Ok(Pid::from_child(&child))
}

/// Finds a program in the PATH that it will have itself.
fn find(name: &str, variables: &BTreeMap<OsString, OsString>) -> PathBuf {
    let path = variables.get(&OsString::from("PATH")).filter(|_| !name.contains('/'));
    path.into_iter()
        .flat_map(env::split_paths)
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
        .unwrap_or_else(|| name.into())
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The file of a program's code, removed when this is dropped.
#[derive(Debug)]
struct CodeFile {
    name: String,
}

impl CodeFile {
    /// Writes a new file into the current directory.
    fn write(name: &str, code: &str) -> Result<Self, Error> {
        let failed = |source| Error::InputFile { path: name.to_owned(), source };
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            openat(CWD, name, flags, Mode::from_raw_mode(0o644)).map_err(|error| failed(error.into()))?;
        let code_file = Self { name: name.to_owned() };
        File::from(file).write_all(code.as_bytes()).map_err(failed)?;
        Ok(code_file)
    }
}

impl Drop for CodeFile {
    fn drop(&mut self) {
        // The program may have removed it.
        let _ = fs::remove_file(&self.name);
    }
}
