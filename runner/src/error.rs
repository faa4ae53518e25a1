//! Why a program cannot be started or followed.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The sidecar is gone, so that there is nobody to tell.
    #[error("the channel to the sidecar is closed")]
    ChannelClosed,
    #[error("this is not a gVisor sandbox")]
    NotGvisor,
    /// Whoever wanted the program has given it up long ago.
    #[error("the sandbox was started too late")]
    Expired,
    #[error("this gVisor is too old: it has no ambient capabilities; use a release of 2025 or later")]
    OldGvisor,
    #[error("cannot {step}: {source}")]
    Step { step: &'static str, source: io::Error },
    #[error("cannot start {interpreter:?}: {source}")]
    Interpreter { interpreter: String, source: io::Error },
    #[error("the interpreter cannot have {} imported ahead: {said}", modules.join(", "))]
    Imports { modules: Vec<String>, said: String },
    #[error("cannot lay {path:?} into the work directory: {source}")]
    InputFile { path: String, source: io::Error },
    #[error(transparent)]
    Message(#[from] cofferdam_protocol::MalformedMessage),
}

/// Names the step that an error came from.
pub(crate) trait During<T> {
    fn during(self, step: &'static str) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, step: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Step { step, source: source.into() })
    }
}
