//! Turns requests into executions in sandboxes: the operator's policy decides, a backend or the pool supplies
//! the sandbox, and the runner's frames become a report. It knows no particular backend and no interface to
//! callers.

pub mod backend;
pub mod connection;
pub mod doctor;
mod execution;
pub mod execution_state;
mod id;
mod image_name;
pub mod inputs;
mod invalid;
pub mod os;
mod output_assembler;
pub mod pipeline;
pub mod policy;
pub mod pool;
pub mod quantity;
mod runtime;
pub mod session;
pub mod spec;

pub use backend::{
    Backend, BoxFuture, Purpose, Sandbox, SessionClaim, SessionReader, SessionSandbox, SessionWriter,
};
pub use cofferdam_protocol::Stream;
pub use execution::{ExecutionContext, NoObserver, Observer, Phase};
pub use id::{id_in, is_id, new_id};
pub use image_name::{ImageName, MalformedImageName};
pub use inputs::{InputSender, Inputs};
pub use invalid::InvalidSetting;
pub use output_assembler::Corrupt;
pub use runtime::Runtime;
/// Cancels executions. Re-exported, since it is in this API.
pub use tokio_util::sync::CancellationToken;
