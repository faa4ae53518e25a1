//! The errors that keep the runner from starting or supervising a program.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The sidecar is gone, so that the error cannot be reported to it.
    #[error("the channel to the sidecar is closed")]
    ChannelClosed,
    #[error("this is not a gVisor sandbox")]
    NotGvisor,
    #[error("the sandbox was started too late")]
    Expired,
    #[error("this gVisor is too old: it has no ambient capabilities; use a release of 2025 or later")]
    OldGvisor,
    #[error("cannot {step}: {source}")]
    Step { step: &'static str, source: io::Error },
    #[error("cannot start {interpreter:?}: {source}")]
    Interpreter { interpreter: String, source: io::Error },
    #[error("the interpreter cannot preload the modules {}: {output}", modules.join(", "))]
    Preload { modules: Vec<String>, output: String },
    #[error("cannot write {path:?} into the working directory: {source}")]
    InputFile { path: String, source: io::Error },
    #[error("the init of the session's processes was killed, and with it all of them")]
    InitKilled,
    #[error(transparent)]
    Message(#[from] cofferdam_protocol::Malformed),
    #[error(transparent)]
    Incompatible(#[from] cofferdam_protocol::Incompatible),
}

/// Adds to an error the step that failed.
pub(crate) trait Context<T> {
    fn context(self, step: &'static str) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, step: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Step { step, source: source.into() })
    }
}
