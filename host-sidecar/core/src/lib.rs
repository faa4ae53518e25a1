//! Turns requests into executions in sandboxes: the operator's policy decides, a backend supplies the sandbox, and the runner's
//! frames become a report. It knows no particular backend and no interface to callers.

pub mod backend;
pub mod collector;
pub mod doctor;
mod id;
mod invalid;
pub mod os;
pub mod policy;
pub mod pool;
pub mod progress;
pub mod quantity;
pub mod readiness;
mod runtime;

pub use backend::{Backend, NoObserver, Observer, Phase, ReadyFuture, Run, RunFuture, SettleFuture, StartsAhead};
pub use cofferdam_protocol::Stream;
pub use id::{id_in, is_id, new_id};
pub use invalid::InvalidSetting;
pub use runtime::Runtime;
