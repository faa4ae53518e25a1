//! What an overlay may add and what not.

mod allowed;
mod properties;
mod refused;

use super::{
    invariants::{self, base},
    *,
};
use serde_json::json;

/// An overlay for the spec.
fn spec(spec: Value) -> Value {
    json!({ "spec": spec })
}

/// An overlay for the container.
fn runner(mut container: Value) -> Value {
    container["name"] = "runner".into();
    spec(json!({ "containers": [container] }))
}

/// An overlay that adds a volume.
fn volume(mut volume: Value) -> Value {
    volume["name"] = "more".into();
    spec(json!({ "volumes": [volume] }))
}

/// An overlay that adds a mount to the container.
fn mount(path: &str, more: Value) -> Value {
    let mut mount = json!({ "name": "more", "mountPath": path });
    for (name, value) in more.as_object().into_iter().flatten() {
        mount[name] = value.clone();
    }
    json!({ "volumeMounts": [mount] })
}

fn message(pod: &PodTemplateSpec, overlay: &Value) -> String {
    match apply(pod, overlay) {
        Ok(_) => panic!("{overlay} was not refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_message_names_the_field_and_the_reason() {
    let toleration = json!({ "key": "a", "tolerationSeconds": "soon" });
    for (overlay, expected) in [
        (
            spec(json!({ "hostNetwork": true })),
            "`spec.hostNetwork` may not be set: it would weaken the sandbox",
        ),
        (
            runner(json!({ "securityContext": { "runAsNonRoot": false } })),
            "`spec.containers[runner].securityContext.runAsNonRoot` is set by Cofferdam and may not be changed",
        ),
        (
            spec(json!({ "subdomain": "a" })),
            "`spec.subdomain` may not be set: an overlay may not add this field",
        ),
        (
            runner(mount("/home", json!({}))),
            "`spec.containers[runner].volumeMounts[/home].mountPath` may not be set: `/home/user` belongs to the sandbox",
        ),
        (spec(json!({ "tolerationz": [] })), "`spec.tolerationz` is not a field of a Pod"),
        (json!({ "kind": "Pod" }), "`kind` is not a field of a Pod"),
        (
            spec(json!({ "tolerations": [{ "key": "a", "operater": "Exists" }] })),
            "`spec.tolerations[1].operater` is not a field of a Pod",
        ),
        (
            runner(json!({ "volumeMounts": [{ "mountPath": "/data", "name": "more", "readonly": true }] })),
            "`spec.containers[runner].volumeMounts[/data].readonly` is not a field of a Pod",
        ),
        (
            volume(json!({ "persistentVolumeClaim": {} })),
            "`spec.volumes[more].persistentVolumeClaim.claimName` is missing",
        ),
        (spec(json!({ "volumes": [{ "emptyDir": {} }] })), "`spec.volumes[0].name` is missing"),
        (
            spec(json!({ "$patch": "replace" })),
            "`spec.$patch` is a directive of a patch, and directives are not supported: an overlay can only add",
        ),
        (
            spec(json!({ "tolerations": [{ "$patch": "delete" }] })),
            "`spec.tolerations[0].$patch` is a directive of a patch, and directives are not supported: an overlay can only add",
        ),
        (
            spec(json!({ "tolerations": [{ "key": "b" }, toleration], "nodeSelector": { "a": "b" } })),
            "`spec.tolerations[1].tolerationSeconds` has a value of the wrong type: \
             invalid type: string \"soon\", expected i64",
        ),
        (json!(["spec"]), "it is not a Pod template, a table with `metadata` and `spec`"),
    ] {
        assert_eq!(message(&base(), &overlay), expected);
    }
}

#[test]
fn the_first_value_of_a_wrong_type_is_named() {
    let volumes = json!([{ "name": "a", "emptyDir": 1 }, { "name": "b", "emptyDir": 2 }]);
    let overlay =
        json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "hostUsers": "no", "volumes": volumes } });
    assert!(
        message(&base(), &overlay).starts_with("`spec.hostUsers` has a value"),
        "{}",
        message(&base(), &overlay)
    );
    let overlay = spec(json!({ "volumes": volumes }));
    assert!(
        message(&base(), &overlay).starts_with("`spec.volumes[a].emptyDir` has a value"),
        "{}",
        message(&base(), &overlay)
    );
}

#[test]
fn the_invariants_hold_for_the_fuzz_corpus() {
    cofferdam_fuzz::check_corpus("overlay", invariants::overlay);
}
