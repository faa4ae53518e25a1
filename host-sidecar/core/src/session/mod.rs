//! Sessions: sandboxes that are kept, with their files and processes, until their caller closes them or a deadline
//! passes.

mod channel;
mod config;
mod connection;
mod errors;
mod execution;
mod executions;
mod files;
mod handle;
mod id;
mod life;
mod open;
mod output;
mod policy;
mod reader;
mod registry;
mod request;
mod resumable;
mod shared;
mod spec;
mod task;

pub use cofferdam_protocol::{ChangeKind, EntryKind, FileEntry, FileKind, InputEntry, TerminalSize, Usage};
pub use config::SessionConfig;
pub use execution::SessionExecution;
pub use files::{FileChange, FileReader, FileWriter, Files, TreePart, TreeReader, TreeWriter, Watch};
pub use handle::Session;
pub use id::short_session_id;
pub use reader::{OutputEvent, OutputReader};
pub(crate) use registry::Sessions;
pub use request::{Ended, LostReason, MAX_METADATA, SessionInfo, SessionRequest, SessionUpdate};
pub use resumable::{Connected, Connector, MAX_SILENCE, resumable};
pub use spec::{ExecutionCall, ExecutionEnd, ExecutionInfo, ExecutionSpec, StdinSpec};
