//! Prepares a sandbox before its program is known. The working directory is mounted, and the interpreter may
//! have started. Until the program is there, its file is a named pipe that the interpreter waits for, so that
//! the interpreter executes the program as if it had been there from the start.

use crate::{
    channel::Channel,
    error::{Context, Error},
    inputs::Inputs,
    isolation::Network,
    launch,
    preload::{PreloadHook, may_be_module},
    resource_view::ResourceView,
    usage::{self, Usage},
    workspace,
};
use cofferdam_protocol::{Preparation, Program};
use rustix::{
    fs::{CWD, Mode, OFlags, mkfifoat, open},
    io::Errno,
};
use std::{
    fs::{self, File},
    io::Write,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

const STEP: &str = "prewarm the interpreter";
/// How long the interpreter may take to open the pipe. The sidecar waits a little longer.
const OPEN_TIMEOUT: Duration = Duration::from_secs(50);
/// Between two attempts to open the pipe, which fail until the interpreter has opened it.
const OPEN_INTERVAL: Duration = Duration::from_millis(2);
/// Longest program that fits into an empty pipe, so that writing it never blocks.
const MAX_CODE: usize = 60 << 10;

/// A sandbox that can start its program.
#[derive(Debug)]
pub(crate) struct PreparedSandbox {
    preparation: Preparation,
    usage: Usage,
    interpreter: Option<IdleInterpreter>,
}

/// An interpreter that waits for its program.
#[derive(Debug)]
struct IdleInterpreter {
    child: Child,
    pipe: File,
}

impl PreparedSandbox {
    /// Mounts the working directory, and prewarms the interpreter if the preparation requests it.
    pub(crate) fn new(preparation: Preparation, network: Network) -> Result<Self, Error> {
        let meminfo = usage::open_meminfo()?;
        let view = ResourceView::mount(&preparation.limits, network)?;
        workspace::mount_directories(preparation.limits.disk_bytes)?;
        let usage = Usage::start(meminfo, view, preparation.limits)?;
        let interpreter = if preparation.prewarm { IdleInterpreter::start(&preparation)? } else { None };
        Ok(Self { preparation, usage, interpreter })
    }

    /// Prepares the sandbox for a program that is known.
    pub(crate) fn for_program(program: &Program, network: Network) -> Result<Self, Error> {
        Self::new(preparation_of(program), network)
    }

    /// Ends the idle interpreter, if there is one: a session executes commands.
    pub(crate) fn into_session(self) -> Result<(Preparation, Usage), Error> {
        let Self { preparation, mut usage, interpreter } = self;
        if let Some(idle) = interpreter {
            kill(idle.child)?;
        }
        if preparation.prewarm {
            fs::remove_file(&preparation.file).context("remove the interpreter's pipe")?;
        }
        usage.refresh_view(0)?;
        Ok((preparation, usage))
    }

    /// Starts the program, once all its files are there: in the idle interpreter if that is compatible, else in
    /// a new one.
    pub(crate) fn start(
        self,
        program: &Program,
        channel: &mut Channel,
    ) -> Result<(Child, Usage, Inputs), Error> {
        let Self { preparation, mut usage, interpreter } = self;
        usage.refresh_view(0)?;
        workspace::write_program(program)?;
        let inputs = Inputs::write(program, channel)?;
        let prewarmed = match interpreter {
            Some(idle) if is_compatible(&preparation, program, &inputs) => idle.execute(&program.code),
            Some(idle) => {
                kill(idle.child)?;
                None
            }
            None => None,
        };
        let child = match prewarmed {
            Some(child) => child,
            None => {
                let stdin = if program.stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
                launch::spawn_program(&preparation_of(program), &program.args, stdin)?
            }
        };
        Ok((child, usage, inputs))
    }
}

impl IdleInterpreter {
    /// Starts the interpreter, and waits until it has opened its file. Returns `None` if it does not: the
    /// error is reported when the program itself is started.
    fn start(preparation: &Preparation) -> Result<Option<Self>, Error> {
        mkfifoat(CWD, &preparation.file, Mode::RUSR | Mode::WUSR).context(STEP)?;
        let hook = PreloadHook::install(preparation)?;
        let mut child = launch::spawn_idle(preparation)?;
        let pipe = wait_until_opened(&preparation.file, &mut child)?;
        if let Some(hook) = hook {
            hook.remove(&child, pipe.is_some())?;
        }
        let Some(pipe) = pipe else {
            kill(child)?;
            return Ok(None);
        };
        Ok(Some(Self { child, pipe }))
    }

    /// Passes the program to the interpreter. Returns `None` if the interpreter has exited.
    fn execute(mut self, code: &str) -> Option<Child> {
        let is_running = matches!(self.child.try_wait(), Ok(None));
        (is_running && self.pipe.write_all(code.as_bytes()).is_ok()).then_some(self.child)
    }
}

/// Opens the pipe once the interpreter has opened it. Returns `None` if the interpreter exits or takes too
/// long.
fn wait_until_opened(file: &str, child: &mut Child) -> Result<Option<File>, Error> {
    let started = Instant::now();
    loop {
        match open(file, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Ok(pipe) => return Ok(Some(pipe.into())),
            Err(Errno::NXIO) => {}
            Err(error) => return Err(error).context(STEP),
        }
        if child.try_wait().context(STEP)?.is_some() || started.elapsed() >= OPEN_TIMEOUT {
            return Ok(None);
        }
        thread::sleep(OPEN_INTERVAL);
    }
}

fn kill(mut child: Child) -> Result<(), Error> {
    const STEP: &str = "kill the prewarmed interpreter";
    child.kill().context(STEP)?;
    child.wait().map(|_| ()).context(STEP)
}

fn preparation_of(program: &Program) -> Preparation {
    Preparation {
        interpreter: program.interpreter.clone(),
        file: program.file.clone(),
        env: program.env.clone(),
        limits: program.limits,
        prewarm: false,
        preload_modules: Vec::new(),
    }
}

/// Whether the program cannot distinguish the idle interpreter from one that is started for it.
fn is_compatible(preparation: &Preparation, program: &Program, inputs: &Inputs) -> bool {
    // An interpreter reads a file twice that declares an encoding. A pipe can be read once.
    let may_declare_an_encoding = program.code.lines().take(2).any(|line| line.contains("coding"));
    // A file of the program may replace a module that is already imported.
    let may_replace_a_module = !preparation.preload_modules.is_empty() && inputs.paths().any(may_be_module);
    (&preparation.interpreter, &preparation.file, &preparation.env)
        == (&program.interpreter, &program.file, &program.env)
        && preparation.limits.processes == program.limits.processes
        && program.args.is_empty()
        && program.stdin.is_empty()
        && program.code.len() <= MAX_CODE
        && !may_declare_an_encoding
        && !may_replace_a_module
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_protocol::{InputFile, Limits};

    #[test]
    fn only_a_program_that_cannot_notice_it_gets_a_prewarmed_interpreter() {
        let limits = Limits {
            startup_time_ms: 0,
            wall_time_ms: 1,
            cpu_millis: None,
            memory_bytes: 1,
            disk_bytes: 1,
            processes: 1,
            output_bytes: 1,
            collected_files: 1,
            collected_bytes: 1,
        };
        let program = Program {
            interpreter: vec!["python3".into()],
            file: "main.py".into(),
            code: "print(1)".into(),
            args: vec![],
            env: vec![("A".into(), "1".into())],
            stdin: vec![],
            files: vec![],
            collect: vec![],
            limits,
            has_more_files: false,
        };
        let is_compatible = |preparation: &Preparation, program: &Program| {
            let files = program.files.iter().map(|file| file.path.as_str());
            super::is_compatible(preparation, program, &Inputs::unwritten(files, &[]))
        };
        let preparation = preparation_of(&program);
        assert!(is_compatible(
            &preparation,
            &Program { limits: Limits { wall_time_ms: 2, ..limits }, ..program.clone() }
        ));
        for other in [
            Program { interpreter: vec!["python3".into(), "-u".into()], ..program.clone() },
            Program { file: "other.py".into(), ..program.clone() },
            Program { args: vec!["-v".into()], ..program.clone() },
            Program { env: vec![], ..program.clone() },
            Program { stdin: vec![0], ..program.clone() },
            Program { limits: Limits { processes: 2, ..limits }, ..program.clone() },
            Program { code: "#!/bin/python\n# -*- coding: latin-1 -*-".into(), ..program.clone() },
            Program { code: "x".repeat(MAX_CODE + 1), ..program.clone() },
        ] {
            assert!(!is_compatible(&preparation, &other), "{other:?}");
        }
        let file = |path: &str| InputFile { path: path.into(), mode: 0o644, content: vec![] };
        let with_module =
            Program { files: vec![file("numpy/a.csv"), file("numpy/__init__.py")], ..program.clone() };
        let with_data = Program { files: vec![file("numpy.csv")], ..program.clone() };
        assert!(is_compatible(&preparation, &with_module));
        let preparation = Preparation { preload_modules: vec!["numpy".into()], ..preparation };
        assert!(is_compatible(&preparation, &with_data) && !is_compatible(&preparation, &with_module));
        let with_link = |path| {
            super::is_compatible(&preparation, &program, &Inputs::unwritten(std::iter::empty(), &[path]))
        };
        assert!(with_link("numpy.csv") && !with_link("numpy.py"));
    }
}
