//! The steps of a case, as its file says them.

mod execution;
mod files;
mod session;

pub(super) use execution::{
    Attach, Execute, Executions, OfExecution, ReadOutput, Resize, SendSignal, Start, WaitFor, WriteStdin,
};
pub(super) use files::{
    BeginRead, BeginWrite, Changes, EndRead, EndWrite, ListFiles, MakeDirectory, MoveFile, OfPath, ReadFile,
    ReadTree, StatFile, TreeEntry, WatchFiles, WriteFile, WriteTree,
};
pub(super) use session::{Close, Ends, Find, Info, Open, Sessions, Update, UsageWithin};

use serde::Deserialize;

/// The name of a session in the case.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct SessionName(pub(super) String);

impl Default for SessionName {
    fn default() -> Self {
        Self("main".to_owned())
    }
}

/// A step.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Step {
    /// Opens a session.
    Open(Open),
    /// Executes a program to its end.
    Exec(Execute),
    /// Starts a program.
    Start(Start),
    /// Writes to standard input.
    Stdin(WriteStdin),
    /// Ends standard input.
    CloseStdin(OfExecution),
    /// Sends a signal.
    Signal(SendSignal),
    /// Changes the size of a terminal.
    Resize(Resize),
    /// Kills an execution.
    Kill(OfExecution),
    /// Waits for the end of an execution.
    Wait(WaitFor),
    /// Reads output from a position.
    Output(ReadOutput),
    /// Takes one event of the output, and keeps the reader without ever reading it again.
    StalledReader(OfExecution),
    /// Gets an execution by its id.
    Attach(Attach),
    /// Compares the list of executions.
    Executions(Executions),
    /// Reads a file.
    Read(ReadFile),
    /// Opens a file, and reads it later.
    BeginRead(BeginRead),
    /// Reads a file that was opened.
    EndRead(EndRead),
    /// Writes a file.
    Write(WriteFile),
    /// Begins to write a file.
    BeginWrite(BeginWrite),
    /// Finishes a file, or drops it.
    EndWrite(EndWrite),
    /// Lists a directory.
    List(ListFiles),
    /// Describes a file.
    Stat(StatFile),
    /// Makes a directory.
    Mkdir(MakeDirectory),
    /// Moves a file.
    Move(MoveFile),
    /// Removes a file.
    Remove(OfPath),
    /// Reads a directory with everything in it.
    ReadTree(ReadTree),
    /// Writes files into a directory.
    WriteTree(WriteTree),
    /// Watches a directory.
    Watch(WatchFiles),
    /// Reads the changes of a watched directory.
    Changes(Changes),
    /// Waits until what the session uses is within bounds.
    Usage(UsageWithin),
    /// Compares what a session is.
    Info(Info),
    /// Changes a session.
    Update(Update),
    /// Closes a session.
    Close(Close),
    /// Waits until a session has ended.
    Ended(Ends),
    /// Compares the list of sessions.
    Sessions(Sessions),
    /// Gets a session by its id.
    Find(Find),
    /// Steps that are taken several times.
    Repeat(Repeat),
    /// Steps of which each may also give an error, of any kind.
    Attempt(Vec<Step>),
}

/// Steps that are taken several times.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repeat {
    pub(super) times: u32,
    pub(super) steps: Vec<Step>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Result<Step, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_field_that_a_step_does_not_have_is_refused() {
        for (right, wrong) in [
            ("exec = { sh = 'x', stdout = '' }", "exec = { sh = 'x', stdot = '' }"),
            ("start = { name = 'a', run = ['x'] }", "start = { name = 'a', run = ['x'], stdout = '' }"),
            ("wait = { of = 'a', left-running = 1 }", "wait = { of = 'a', sh = 'x' }"),
            ("read = { path = 'a', numbered = 1 }", "read = { path = 'a', number = 1 }"),
            ("close = {}", "close = { of = 'a' }"),
            ("usage = { processes = [0, 1] }", "usage = { process = [0, 1] }"),
        ] {
            assert!(step(right).is_ok(), "{right}");
            assert!(step(wrong).is_err(), "{wrong}");
        }
        assert!(step("remove = { path = 'a' }\nread = { path = 'a' }").is_err(), "two kinds");
    }
}
