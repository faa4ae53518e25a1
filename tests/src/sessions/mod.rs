//! Cases of sessions: each is a folder with steps, executed in one or more sessions of a runtime.
//!
//! `case.toml` has `about`, the settings of the first session, `session`, and `steps`. A step is a table with one key,
//! its kind: `steps` describes them all. Paths may have bytes as `\xNN`. A step that names no session means the first,
//! `main`, which is opened before the first step unless that opens it. The sessions of a case have a tenant of
//! their own. A step without `error` must succeed; an execution without `status` must exit with 0.

mod case;
mod compare;
mod content;
mod driver;
mod expected;
mod path;
mod steps;
mod world;

pub use case::SessionCase;
pub use content::numbered;
pub use driver::SessionDriver;
pub use world::{run, run_hostile};
