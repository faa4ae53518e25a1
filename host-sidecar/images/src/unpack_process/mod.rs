//! Unpacks an image in a process of its own. Anyone may have made an image, so the process that reads its layers
//! has limits, no environment, no descriptors but three and no way to open another one: should an archive take it
//! over, it can spoil the root file system of its own image and nothing else.
//!
//! | descriptor | of the process |
//! |---|---|
//! | standard input | the job, then the layers, one after another: the other process opens them |
//! | standard output | the file with the root file system |
//! | standard error | one report at the end, or whatever a crash writes |

mod child;
mod confinement;
mod job;
mod parent;
mod report;
mod timed;

pub use child::unpack_if_started_for_it;
pub(crate) use job::Layer;
pub(crate) use parent::{TIMEOUT, unpack};

/// The name under which the program is started to unpack an image.
const PROCESS_NAME: &str = "cofferdam-unpack";
