//! A bare Pod, measured from its creation to the event of its container's end.

use cofferdam::config::Settings;
use cofferdam_tests::conformance::Failure;
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams, WatchEvent, WatchParams},
};
use serde_json::json;
use std::{
    pin::pin,
    time::{Duration, Instant},
};

/// A minimal Pod with the default image, runtime class and resources of a run.
fn pod(settings: &Settings) -> Result<Pod, Failure> {
    Ok(serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "generateName": "bare-" },
        "spec": {
            "runtimeClassName": settings.runtime_class,
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "tolerations": [
                { "key": "sandbox.gke.io/runtime", "operator": "Equal", "value": "gvisor", "effect": "NoSchedule" },
            ],
            "containers": [{
                "name": "bare",
                "image": settings.image,
                "command": ["python3", "-c", super::PROGRAM],
                "resources": {
                    "requests": { "cpu": "200m", "memory": "256Mi" },
                    "limits": { "cpu": "500m", "memory": "512Mi" },
                },
            }],
        },
    }))?)
}

fn terminated(pod: &Pod) -> Option<&ContainerStateTerminated> {
    pod.status.as_ref()?.container_statuses.as_ref()?.first()?.state.as_ref()?.terminated.as_ref()
}

/// Creates a Pod, waits for its end and deletes it.
pub(super) async fn run(pods: &Api<Pod>) -> Result<Duration, Failure> {
    let pod = pod(&Settings::default())?;
    let start = Instant::now();
    let created = pods.create(&PostParams::default(), &pod).await?;
    let name = created.name_any();
    let params = WatchParams::default().fields(&format!("metadata.name={name}"));
    let mut events = pin!(pods.watch(&params, &created.resource_version().unwrap_or_default()).await?);
    let mut time = None;
    while let Some(event) = events.next().await {
        match event? {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) if time.is_none() => {
                let Some(end) = terminated(&pod) else { continue };
                time = Some(start.elapsed());
                pods.delete(&name, &DeleteParams::default()).await?;
                if end.exit_code != 0 {
                    return Err(format!("a bare Pod: {end:?}").into());
                }
            }
            WatchEvent::Deleted(_) => break,
            _ => {}
        }
    }
    time.ok_or_else(|| format!("the watch ended before Pod {name}").into())
}
