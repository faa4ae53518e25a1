//! Where a program is started: the work directory is mounted, and the interpreter may be up already. Its file is then a pipe
//! until the program is there, so that it runs that program just as if it had been there from the start.

use crate::{
    enclosure::Network,
    error::{During, Error},
    imports::{Imports, may_be_module},
    launch,
    usage::{self, Usage},
    view::View,
    workspace,
};
use cofferdam_protocol::{Preparation, Program};
use rustix::{
    fs::{CWD, Mode, OFlags, mkfifoat, open},
    io::Errno,
};
use std::{
    fs::File,
    io::Write,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

const START: &str = "start the interpreter ahead";
/// How long the interpreter may take to open it, which the sidecar waits for a little longer.
const PATIENCE: Duration = Duration::from_secs(50);
/// Between two attempts to open the pipe, which only succeed once the interpreter has opened it.
const LOOK: Duration = Duration::from_millis(2);
/// Longest program that surely fits into a pipe, so that writing it waits for nobody.
const MAX_CODE: usize = 60 << 10;

/// All that can be there before the program.
#[derive(Debug)]
pub(crate) struct Prepared {
    preparation: Preparation,
    usage: Usage,
    interpreter: Option<Waiting>,
}

/// An interpreter that waits for its file.
#[derive(Debug)]
struct Waiting {
    child: Child,
    pipe: File,
}

impl Prepared {
    /// Mounts the work directory, and starts the interpreter if that is asked for.
    pub(crate) fn new(preparation: Preparation, network: Network) -> Result<Self, Error> {
        let meminfo = usage::open_meminfo()?;
        let view = View::mount(&preparation.limits, network)?;
        workspace::prepare(preparation.limits.disk_bytes)?;
        let usage = Usage::start(meminfo, view, preparation.limits)?;
        let interpreter = if preparation.starts_interpreter { Waiting::start(&preparation)? } else { None };
        Ok(Self { preparation, usage, interpreter })
    }

    /// With nothing ahead of this program.
    pub(crate) fn for_program(program: &Program, network: Network) -> Result<Self, Error> {
        Self::new(preparation_of(program), network)
    }

    /// Starts the program, in the interpreter that waits if that is like one that has just been started for it.
    pub(crate) fn start(self, program: &Program) -> Result<(Child, Usage), Error> {
        let Self { preparation, mut usage, interpreter } = self;
        usage.show(0)?;
        workspace::lay_out(program)?;
        let suits = suits(&preparation, program);
        let child = match interpreter {
            Some(waiting) if suits => waiting.run(&program.code),
            Some(waiting) => end(waiting.child).map(|()| None)?,
            None => None,
        };
        let child = match child {
            Some(child) => child,
            None => {
                let stdin = if program.stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
                launch::start(&preparation_of(program), &program.args, stdin)?
            }
        };
        Ok((child, usage))
    }
}

impl Waiting {
    /// Starts it, and waits until it has opened its file; none if it does not do that. Whoever wants the program is told why
    /// when it is there.
    fn start(preparation: &Preparation) -> Result<Option<Self>, Error> {
        mkfifoat(CWD, &preparation.file, Mode::RUSR | Mode::WUSR).during(START)?;
        let imports = Imports::of(preparation)?;
        let mut child = launch::start(preparation, &[], Stdio::null())?;
        let pipe = opened(&preparation.file, &mut child)?;
        if let Some(imports) = imports {
            imports.end(&child, pipe.is_some())?;
        }
        match pipe {
            Some(pipe) => Ok(Some(Self { child, pipe })),
            None => end(child).map(|()| None),
        }
    }

    /// Lets it read the program; none if it is not there any more.
    fn run(mut self, code: &str) -> Option<Child> {
        let is_there = matches!(self.child.try_wait(), Ok(None));
        (is_there && self.pipe.write_all(code.as_bytes()).is_ok()).then_some(self.child)
    }
}

/// The pipe, once the interpreter has opened it; none if it has ended or takes too long.
fn opened(file: &str, child: &mut Child) -> Result<Option<File>, Error> {
    let begun = Instant::now();
    loop {
        match open(file, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Ok(pipe) => return Ok(Some(pipe.into())),
            Err(Errno::NXIO) if child.try_wait().during(START)?.is_none() && begun.elapsed() < PATIENCE => {
                thread::sleep(LOOK);
            }
            Err(Errno::NXIO) => return Ok(None),
            Err(error) => return Err(error).during(START),
        }
    }
}

fn end(mut child: Child) -> Result<(), Error> {
    const STEP: &str = "end the interpreter that was started ahead";
    child.kill().during(STEP)?;
    child.wait().map(|_| ()).during(STEP)
}

fn preparation_of(program: &Program) -> Preparation {
    Preparation {
        interpreter: program.interpreter.clone(),
        file: program.file.clone(),
        env: program.env.clone(),
        limits: program.limits,
        starts_interpreter: false,
        imports: Vec::new(),
    }
}

/// Whether an interpreter that was started without the program is just what one would be that is started with it.
fn suits(preparation: &Preparation, program: &Program) -> bool {
    // A pipe cannot be read again, which an interpreter does whose file is not in UTF-8.
    let may_name_an_encoding = program.code.lines().take(2).any(|line| line.contains("coding"));
    (&preparation.interpreter, &preparation.file, &preparation.env)
        == (&program.interpreter, &program.file, &program.env)
        && preparation.limits.processes == program.limits.processes
        && program.args.is_empty()
        && program.stdin.is_empty()
        && program.code.len() <= MAX_CODE
        && !may_name_an_encoding
        // It may have been meant to stand in for one that is imported already.
        && (preparation.imports.is_empty() || !program.files.iter().any(may_be_module))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_protocol::{InputFile, Limits};

    #[test]
    fn only_a_program_that_cannot_tell_gets_an_interpreter_that_was_started_ahead() {
        let limits = Limits {
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
        };
        let preparation = preparation_of(&program);
        assert!(suits(&preparation, &Program { limits: Limits { wall_time_ms: 2, ..limits }, ..program.clone() }));
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
            assert!(!suits(&preparation, &other), "{other:?}");
        }
        let file = |path: &str| InputFile { path: path.into(), content: vec![] };
        let with_module = Program { files: vec![file("numpy/a.csv"), file("numpy/__init__.py")], ..program.clone() };
        let with_data = Program { files: vec![file("numpy.csv")], ..program };
        assert!(suits(&preparation, &with_module));
        let preparation = Preparation { imports: vec!["numpy".into()], ..preparation };
        assert!(suits(&preparation, &with_data) && !suits(&preparation, &with_module));
    }
}
