//! The bodies of sessions: sandboxes that are kept, with executions and files.

mod changes;
mod event;
mod execution;
mod execution_request;
mod file_entry;
mod info;
mod request;

pub use changes::{ChangeKind, FileChange, WatchEvent};
pub use event::{SessionEvent, StreamName};
pub use execution::{ExecutionEnd, SessionExecution, SessionExecutions};
pub use execution_request::{ExecutionRequest, SignalRequest, TerminalSize};
pub use file_entry::{FileEntry, FileKind, FileList, name_of};
pub use info::{Session, Sessions, Usage};
pub use request::{MAX_METADATA, SessionRequest, SessionUpdate};

/// The path of sessions. `POST` creates one; `/{id}` has its state, its executions and its files.
pub const SESSIONS: &str = "/v1/sessions";
/// The header of a file's content: when the file was last changed, in milliseconds since 1970.
pub const MODIFIED_HEADER: &str = "cofferdam-modified-ms";
/// The media type of a directory with everything in it.
pub const TAR: &str = "application/x-tar";
