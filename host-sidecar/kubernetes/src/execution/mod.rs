//! One execution in the cluster: its objects are created, its Pod starts, its output is followed, its objects
//! are deleted.
//!
//! # Which source decides
//!
//! A sandbox is observed through four sources: the events of its objects, the Pod's status by a watch, the
//! same by a list or a get ("relist"), and the runner's output by `attach` or from the log. The first source
//! of a row that has an answer decides.
//!
//! | question | 1. | 2. | 3. |
//! |---|---|---|---|
//! | Has the container started? | event `Started` | Pod `Running` or `Terminated` | |
//! | Was no Pod created? | a known Pod: no | event `FailedCreate` | |
//! | Will it never start? | event about the runtime | Pod's status | Pod deleted |
//! | Will no node come? | Pod not `Unschedulable`: unknown | event about scale-up | `scale_up_seconds` |
//! | How did it end? | runner's frames | cancellation | Pod's status |
//! | What is its output? | log | `attach` | |
//!
//! - A relist replaces what the watches have reported. A Pod that is not in it was deleted.
//! - A start by an event is followed by `attach`, since the kubelet may not have the log yet; a start by the
//!   Pod's status is followed by the log. After any doubt about an attached output, the log is read from its
//!   beginning.
//! - Events are hints: they are lost, late or forbidden without harm. Only the runner's frames give a result.
//!
//! A session has none of these but the events until its Pod has started: its runner is connected with over a relay
//! (`session/relay.rs`).
//!
//! # When a source is used
//!
//! | source | used |
//! |---|---|
//! | events | always |
//! | watch of the Pod | after 5 s without a start, after a warning or gap of events, 2 s after an attach, with the log |
//! | list of all Pods and events | after a gap of events, and from the fourth review of a start on |
//! | get of the Pod | when the output broke off, at the deadline, if the Pod was never observed |
//! | output | from the start on |

mod attach;
mod container_streams;
mod context;
mod create;
mod execute;
mod follow;
mod kubernetes_sandbox;
mod output;
mod sandbox_objects;
mod send;
mod session;
mod shared_runner;
mod start;
mod start_state;
mod warm_pod;

pub(crate) use context::BackendContext;
pub(crate) use kubernetes_sandbox::KubernetesSandbox;
pub(crate) use session::SESSION_SLACK;
pub(crate) use shared_runner::SharedRunner;
