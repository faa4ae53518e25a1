//! What an overlay can do and what it cannot.

mod benign;
mod dangerous;
mod properties;

use super::{
    hardened::{self, base},
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

/// An overlay with one volume more.
fn volume(mut volume: Value) -> Value {
    volume["name"] = "more".into();
    spec(json!({ "volumes": [volume] }))
}

/// An overlay for the container with one mount more.
fn mount(path: &str, more: Value) -> Value {
    let mut mount = json!({ "name": "more", "mountPath": path });
    for (name, value) in more.as_object().into_iter().flatten() {
        mount[name] = value.clone();
    }
    json!({ "volumeMounts": [mount] })
}

fn message(pod: &PodTemplateSpec, overlay: &Value) -> String {
    match apply(pod, overlay) {
        Ok(_) => panic!("{overlay} was let through"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_messages_say_what_is_wrong() {
    let toleration = json!({ "key": "a", "tolerationSeconds": "soon" });
    for (overlay, expected) in [
        (spec(json!({ "hostNetwork": true })), "`spec.hostNetwork` may not be set: it would weaken the sandbox"),
        (
            runner(json!({ "securityContext": { "runAsNonRoot": false } })),
            "`spec.containers[runner].securityContext.runAsNonRoot` is the sandbox's own and may not be changed",
        ),
        (spec(json!({ "subdomain": "a" })), "`spec.subdomain` may not be set: it is not among what an overlay may add"),
        (
            runner(mount("/home", json!({}))),
            "`spec.containers[runner].volumeMounts[/home].mountPath` may not be set: `/home/user` is the sandbox's own",
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
            "`spec.$patch` is a directive of a patch, and there are none here: an overlay can only add",
        ),
        (
            spec(json!({ "tolerations": [{ "$patch": "delete" }] })),
            "`spec.tolerations[0].$patch` is a directive of a patch, and there are none here: an overlay can only add",
        ),
        (
            spec(json!({ "tolerations": [{ "key": "b" }, toleration], "nodeSelector": { "a": "b" } })),
            "`spec.tolerations[1].tolerationSeconds` has a value that does not fit there: \
             invalid type: string \"soon\", expected i64",
        ),
        (json!(["spec"]), "it is not a table in the shape of a Pod template, with `metadata` and `spec`"),
    ] {
        assert_eq!(message(&base(), &overlay), expected);
    }
}

#[test]
fn of_several_values_that_do_not_fit_the_first_is_named() {
    let volumes = json!([{ "name": "a", "emptyDir": 1 }, { "name": "b", "emptyDir": 2 }]);
    let overlay = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "hostUsers": "no", "volumes": volumes } });
    assert!(message(&base(), &overlay).starts_with("`spec.hostUsers` has a value"), "{}", message(&base(), &overlay));
    let overlay = spec(json!({ "volumes": volumes }));
    assert!(
        message(&base(), &overlay).starts_with("`spec.volumes[a].emptyDir` has a value"),
        "{}",
        message(&base(), &overlay)
    );
}
