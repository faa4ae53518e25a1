//! Sessions: sandboxes that are kept, with their files and processes, until their caller closes them or a deadline
//! passes.

mod config;
mod execution;
mod files;
mod handle;
mod open;
mod reader;
mod request;
mod spec;

pub use cofferdam_protocol::{ChangeKind, EntryKind, FileEntry, FileKind, InputEntry, TerminalSize, Usage};
pub use config::SessionConfig;
pub use execution::SessionExecution;
pub use files::{FileChange, FileReader, FileWriter, Files, TreePart, TreeReader, TreeWriter, Watch};
pub use handle::Session;
pub use reader::{OutputEvent, OutputReader};
pub use request::{Ended, LostReason, MAX_METADATA, SessionInfo, SessionRequest, SessionUpdate};
pub use spec::{ExecutionCall, ExecutionEnd, ExecutionInfo, ExecutionSpec, StdinSpec};
