//! The steps of a run, told by what a sidecar asks of the API server.

use cofferdam_tests::cluster::Asked;
use hyper::Method;

/// What one request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// To make the Job or the Pod.
    CreateOwner,
    /// To make a ConfigMap: the program's, or once the runner's.
    CreateConfigMap,
    /// To learn whether the runner is there.
    FindRunner,
    /// To learn what became of an object whose answer was lost.
    Settle,
    WatchEvents,
    WatchPods,
    ListEvents,
    ListPods,
    Join,
    ReadLog,
    Delete,
}

impl Step {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::CreateOwner,
        Self::CreateConfigMap,
        Self::FindRunner,
        Self::Settle,
        Self::WatchEvents,
        Self::WatchPods,
        Self::ListEvents,
        Self::ListPods,
        Self::Join,
        Self::ReadLog,
        Self::Delete,
    ];

    /// Those between which others may come.
    pub(crate) const ENDURED: [Self; 3] = [Self::CreateOwner, Self::CreateConfigMap, Self::Join];

    /// What a request is for.
    pub(crate) fn of(asked: &Asked) -> Option<Self> {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let is_watch = query.contains("watch=true");
        Some(match asked.method {
            Method::DELETE => Self::Delete,
            Method::POST if path.ends_with("/configmaps") => Self::CreateConfigMap,
            Method::POST => Self::CreateOwner,
            _ if path.ends_with("/attach") => Self::Join,
            _ if path.ends_with("/log") => Self::ReadLog,
            _ if path.ends_with("/events") && is_watch => Self::WatchEvents,
            _ if path.ends_with("/events") => Self::ListEvents,
            _ if path.ends_with("/pods") && is_watch => Self::WatchPods,
            _ if path.ends_with("/pods") => Self::ListPods,
            _ if path.contains("/configmaps/cofferdam-runner") => Self::FindRunner,
            _ if path.contains("/run-") => Self::Settle,
            _ => return None,
        })
    }

    /// Whether its answer goes on until something ends.
    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Self::WatchEvents | Self::WatchPods | Self::Join | Self::ReadLog)
    }

    /// Whether its answer is a watch.
    pub(crate) fn is_watch(self) -> bool {
        matches!(self, Self::WatchEvents | Self::WatchPods)
    }
}
