//! Overlays that are allowed.

use super::{apply, base, mount, runner, spec, volume};
use serde_json::{Value, json};

/// Each with a value of the result and its JSON pointer.
pub(super) fn overlays() -> Vec<(Value, String, Value)> {
    let mut overlays: Vec<_> =
        of_pod().into_iter().map(|(overlay, pointer, value)| (overlay, pointer.into(), value)).collect();
    overlays.extend(of_runner().into_iter().map(|(container, pointer, value)| {
        let overlay = runner(container);
        (overlay, format!("/spec/containers/0/{pointer}"), value)
    }));
    overlays
}

fn of_pod() -> Vec<(Value, &'static str, Value)> {
    let affinity = json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [
        { "matchExpressions": [{ "key": "disk", "operator": "In", "values": ["ssd"] }] },
    ] } } });
    let toleration = json!({ "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" });
    let spread = json!({ "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway" });
    let claim = json!({ "claimName": "data", "readOnly": true });
    let sources = json!([{ "configMap": { "name": "a" } }, { "secret": { "name": "b" } }]);
    let groups = json!({ "fsGroup": 2000, "fsGroupChangePolicy": "Always", "supplementalGroups": [3000] });
    // The list must not lose its duplicate.
    let aliases = json!([{ "ip": "10.0.0.1", "hostnames": ["a", "a"] }]);
    vec![
        (json!({}), "/spec/hostname", json!("sandbox")),
        (json!({ "metadata": { "labels": { "team": "a" } } }), "/metadata/labels/team", json!("a")),
        (
            json!({ "metadata": { "labels": { "notcofferdam.dev/a": "b" } } }),
            "/metadata/labels/notcofferdam.dev~1a",
            json!("b"),
        ),
        (
            json!({ "metadata": { "annotations": { "a.io/b": "c" } } }),
            "/metadata/annotations/a.io~1b",
            json!("c"),
        ),
        (spec(json!({ "nodeSelector": { "pool": "gpu" } })), "/spec/nodeSelector/pool", json!("gpu")),
        (spec(json!({ "affinity": affinity })), "/spec/affinity", affinity),
        (spec(json!({ "tolerations": [toleration] })), "/spec/tolerations/1", toleration),
        (spec(json!({ "topologySpreadConstraints": [spread] })), "/spec/topologySpreadConstraints/0", spread),
        (spec(json!({ "priorityClassName": "low" })), "/spec/priorityClassName", json!("low")),
        (spec(json!({ "preemptionPolicy": "Never" })), "/spec/preemptionPolicy", json!("Never")),
        (spec(json!({ "schedulerName": "mine" })), "/spec/schedulerName", json!("mine")),
        (spec(json!({ "imagePullSecrets": [{ "name": "a" }] })), "/spec/imagePullSecrets/0/name", json!("a")),
        (spec(json!({ "hostAliases": aliases })), "/spec/hostAliases", aliases),
        (spec(json!({ "resourceClaims": [{ "name": "gpu" }] })), "/spec/resourceClaims/0/name", json!("gpu")),
        (spec(json!({ "hostNetwork": false, "hostPID": false })), "/spec/hostNetwork", json!(false)),
        (spec(json!({ "hostIPC": false, "shareProcessNamespace": false })), "/spec/hostIPC", json!(false)),
        (spec(json!({ "securityContext": groups })), "/spec/securityContext/fsGroup", json!(2000)),
        (volume(json!({ "persistentVolumeClaim": claim })), "/spec/volumes/3/persistentVolumeClaim", claim),
        (
            volume(json!({ "emptyDir": { "sizeLimit": "1Gi" } })),
            "/spec/volumes/3/emptyDir/sizeLimit",
            json!("1Gi"),
        ),
        (volume(json!({ "csi": { "driver": "a" } })), "/spec/volumes/3/csi/driver", json!("a")),
        (
            volume(json!({ "projected": { "sources": sources } })),
            "/spec/volumes/3/projected/sources",
            sources,
        ),
        // To repeat a value of the sandbox, or to delete a missing one, changes nothing.
        (spec(json!({ "runtimeClassName": "gvisor" })), "/spec/runtimeClassName", json!("gvisor")),
        (spec(json!({ "nodeName": null, "nodeSelector": { "a": null } })), "/spec/nodeSelector", json!({})),
    ]
}

fn of_runner() -> Vec<(Value, &'static str, Value)> {
    let resources = json!({ "limits": { "nvidia.com/gpu": 1 }, "requests": { "ephemeral-storage": "1Gi" } });
    let from = json!([{ "prefix": "MY_", "configMapRef": { "name": "a" } }]);
    let more = json!({ "name": "more", "mountPath": "/data", "readOnly": true, "mountPropagation": "None" });
    vec![
        (json!({ "volumeMounts": [more] }), "volumeMounts/5", more),
        (mount("/workshop", json!({ "readOnly": true })), "volumeMounts/5/mountPath", json!("/workshop")),
        (json!({ "resources": resources }), "resources/limits/nvidia.com~1gpu", json!("1")),
        (json!({ "resources": resources }), "resources/requests/ephemeral-storage", json!("1Gi")),
        (json!({ "resources": { "claims": [{ "name": "gpu" }] } }), "resources/claims/0/name", json!("gpu")),
        (json!({ "env": [{ "name": "TZ", "value": "UTC" }] }), "env/1/value", json!("UTC")),
        (json!({ "envFrom": from }), "envFrom", from),
        (json!({ "ports": [{ "containerPort": 80 }] }), "ports/0/containerPort", json!(80)),
        (json!({ "imagePullPolicy": "Always" }), "imagePullPolicy", json!("Always")),
        (json!({ "terminationMessagePolicy": "File" }), "terminationMessagePolicy", json!("File")),
        (json!({ "command": ["/cofferdam/runner/cofferdam-runner"] }), "name", json!("runner")),
    ]
}

#[test]
fn allowed_additions_are_in_the_result() {
    for (overlay, pointer, value) in overlays() {
        let result = apply(&base(), &overlay).unwrap_or_else(|error| panic!("{overlay}: {error}"));
        let result = serde_json::to_value(result).expect("a template");
        assert_eq!(result.pointer(&pointer), Some(&value), "{overlay}");
    }
}

#[test]
fn an_overlay_with_many_parts_is_applied_completely() {
    let overlay = json!({
        "metadata": { "labels": { "team": "a" }, "annotations": { "example.com/owner": "b" } },
        "spec": {
            "nodeSelector": { "pool": "gpu" },
            "priorityClassName": "low",
            "tolerations": [{ "key": "nvidia.com/gpu", "operator": "Exists" }],
            "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }],
            "containers": [{
                "name": "runner",
                "resources": { "limits": { "nvidia.com/gpu": "1" } },
                "volumeMounts": [{ "name": "data", "mountPath": "/data", "readOnly": true }],
            }],
        },
    });
    let result = apply(&base(), &overlay).expect("a template");
    let spec = result.spec.clone().expect("a spec");
    let runner = spec.containers.first().expect("a container");
    assert_eq!(spec.containers.len(), 1);
    assert_eq!(spec.tolerations.map(|tolerations| tolerations.len()), Some(2));
    assert_eq!(spec.volumes.map(|volumes| volumes.len()), Some(4));
    assert_eq!(runner.volume_mounts.as_ref().map(Vec::len), Some(6));
    assert_eq!(runner.image.as_deref(), Some("python:3.11-slim"));
    assert_eq!(apply(&result, &overlay), Ok(result), "a second time it changes nothing");
}
