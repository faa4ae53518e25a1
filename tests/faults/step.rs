//! The steps of a run, identified by the sidecar's requests to the API server.

use cofferdam_tests::cluster::ApiRequest;
use hyper::Method;

/// The purpose of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Create the Job or the Pod.
    CreateOwner,
    /// Create the ConfigMap of the program or of the runner.
    CreateConfigMap,
    /// Look for the runner's ConfigMap.
    FindRunner,
    /// Get an object whose create request had no response.
    ResolveConflict,
    WatchEvents,
    WatchPods,
    ListEvents,
    ListPods,
    Attach,
    ReadLog,
    Delete,
}

impl Step {
    /// All steps.
    pub(crate) const ALL: [Self; 11] = [
        Self::CreateOwner,
        Self::CreateConfigMap,
        Self::FindRunner,
        Self::ResolveConflict,
        Self::WatchEvents,
        Self::WatchPods,
        Self::ListEvents,
        Self::ListPods,
        Self::Attach,
        Self::ReadLog,
        Self::Delete,
    ];

    /// Steps after which another client may interfere.
    pub(crate) const INTERFERENCE_POINTS: [Self; 3] =
        [Self::CreateOwner, Self::CreateConfigMap, Self::Attach];

    /// The purpose of a request.
    pub(crate) fn of(request: &ApiRequest) -> Option<Self> {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let is_watch = query.contains("watch=true");
        Some(match request.method {
            Method::DELETE => Self::Delete,
            Method::POST if path.ends_with("/configmaps") => Self::CreateConfigMap,
            Method::POST => Self::CreateOwner,
            _ if path.ends_with("/attach") => Self::Attach,
            _ if path.ends_with("/log") => Self::ReadLog,
            _ if path.ends_with("/events") && is_watch => Self::WatchEvents,
            _ if path.ends_with("/events") => Self::ListEvents,
            _ if path.ends_with("/pods") && is_watch => Self::WatchPods,
            _ if path.ends_with("/pods") => Self::ListPods,
            _ if path.contains("/configmaps/cofferdam-runner") => Self::FindRunner,
            _ if path.contains("/run-") => Self::ResolveConflict,
            _ => return None,
        })
    }

    /// Whether the response is a stream.
    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Self::WatchEvents | Self::WatchPods | Self::Attach | Self::ReadLog)
    }

    /// Whether the response is a watch.
    pub(crate) fn is_watch(self) -> bool {
        matches!(self, Self::WatchEvents | Self::WatchPods)
    }
}
