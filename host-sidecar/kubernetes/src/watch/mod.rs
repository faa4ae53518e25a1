//! The observed state of an execution's objects. One watch of Pods and one of events serve all executions of
//! a sidecar.

mod event_state;
mod event_watch;
#[cfg(any(test, fuzzing))]
pub(crate) mod invariants;
pub(crate) mod pod_status;
mod pod_watch;
mod relist;
mod stream;
mod watch_fanout;

pub(crate) use event_state::EventState;
pub(crate) use event_watch::EventWatch;
pub(crate) use pod_status::PodStatus;
pub(crate) use pod_watch::{ObservedPod, PodWatch};
pub(crate) use watch_fanout::Subscription;
