//! Any overlay gives an error, or a Pod that contains all of the base and is no weaker.

use super::{allowed, apply, base, invariants, json, refused};
use proptest::{
    prelude::*,
    sample::select,
    strategy::{Union, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Map, Value};

/// Names of fields, valid and invalid ones.
const NAMES: &[&str] = &[
    "$patch",
    "add",
    "affinity",
    "annotations",
    "args",
    "capabilities",
    "command",
    "configMap",
    "containerPort",
    "containers",
    "cpu",
    "csi",
    "dnsConfig",
    "drop",
    "effect",
    "emptyDir",
    "env",
    "envFrom",
    "ephemeral",
    "fsGroup",
    "hostNetwork",
    "hostPID",
    "hostPath",
    "hostPort",
    "image",
    "initContainers",
    "key",
    "labels",
    "limits",
    "memory",
    "metadata",
    "mountPath",
    "mountPropagation",
    "name",
    "nameservers",
    "nodeName",
    "nodeSelector",
    "operator",
    "path",
    "persistentVolumeClaim",
    "ports",
    "privileged",
    "procMount",
    "projected",
    "readOnly",
    "requests",
    "resources",
    "runAsNonRoot",
    "runAsUser",
    "runtimeClassName",
    "secret",
    "securityContext",
    "serviceAccountName",
    "sources",
    "spec",
    "subPath",
    "supplementalGroups",
    "tolerations",
    "tolerationz",
    "type",
    "value",
    "volumeMounts",
    "volumes",
];

/// Values of fields, valid and invalid ones.
fn leaf() -> impl Strategy<Value = Value> {
    let words = select(&[
        "runner", "more", "scratch", "gvisor", "/", "/work", "/data", "None", "PATH", "ALL", "1Gi", "",
    ]);
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        select(&[-1_i64, 0, 1, 80, 1001]).prop_map(Value::from),
        words.prop_map(Value::from),
    ]
}

/// Any JSON of the names and values above.
fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            2 => prop::collection::vec((select(NAMES), inner.clone()), 0..4)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    })
}

/// For each path of the base, an overlay that sets it to this value, and one that adds this field.
fn overlays_for_each_path(base: &Value, new: &Value, name: &str) -> Vec<Value> {
    let mut overlays = vec![new.clone()];
    match base {
        Value::Object(fields) => {
            overlays.push(json!({ name: new }));
            for (name, value) in fields {
                overlays.extend(
                    overlays_for_each_path(value, new, name).into_iter().map(|inner| json!({ name: inner })),
                );
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                // An element with a key is addressed by it. Other lists are repeated in full.
                let key = ["mountPath", "name"].into_iter().find(|key| element.get(key).is_some());
                for inner in overlays_for_each_path(element, new, name) {
                    overlays.push(match (key, inner) {
                        (Some(key), Value::Object(mut inner)) => {
                            inner.entry(key).or_insert_with(|| element[key].clone());
                            json!([inner])
                        }
                        (_, inner) => {
                            let mut elements = elements.clone();
                            elements[index] = inner;
                            elements.into()
                        }
                    });
                }
            }
        }
        _ => {}
    }
    overlays
}

/// An overlay for one path of the base.
fn mutation() -> impl Strategy<Value = Value> {
    let base = serde_json::to_value(base()).expect("a template");
    let value = prop_oneof![4 => leaf(), 1 => tree()];
    (value, select(NAMES), any::<prop::sample::Index>()).prop_map(move |(new, name, index)| {
        let overlays = overlays_for_each_path(&base, &new, name);
        overlays[index.index(overlays.len())].clone()
    })
}

/// Joins two overlays, and concatenates their lists.
fn join(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (name, value) in other {
                let joined = match one.remove(&name) {
                    Some(existing) => join(existing, value),
                    None => value,
                };
                one.insert(name, joined);
            }
            one.into()
        }
        (Value::Array(one), Value::Array(other)) => one.into_iter().chain(other).collect(),
        (_, other) => other,
    }
}

fn overlay() -> impl Strategy<Value = Value> {
    let allowed: Vec<_> = allowed::overlays().into_iter().map(|(overlay, ..)| overlay).collect();
    let refused: Vec<_> = refused::overlays().into_iter().map(|(overlay, _)| overlay).collect();
    let part = Union::new_weighted(vec![
        (8, select(allowed).boxed()),
        (3, select(refused).boxed()),
        (4, mutation().boxed()),
        (1, tree().prop_map(|tree| json!({ "spec": tree })).boxed()),
    ]);
    prop::collection::vec(part, 1..4)
        .prop_map(|parts| parts.into_iter().fold(Value::Object(Map::new()), join))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_overlay_does_not_weaken_the_pod(overlay in overlay()) {
        if let Ok(result) = apply(&base(), &overlay) {
            invariants::check(&base(), &result);
            let (base, result) = (serde_json::to_value(base()), serde_json::to_value(result));
            prop_assert_eq!(invariants::lost(&base.expect("a template"), &result.expect("a template")), None);
        }
    }

    #[test]
    fn any_json_is_refused_or_does_not_weaken_the_pod(overlay in tree()) {
        if let Ok(result) = apply(&base(), &overlay) {
            invariants::check(&base(), &result);
        }
    }
}

/// The properties test something only if there are many overlays of both sorts.
#[test]
fn many_overlays_are_accepted_and_many_are_refused() {
    let mut runner = TestRunner::deterministic();
    let overlays = (0..1000).map(|_| overlay().new_tree(&mut runner).expect("an overlay").current());
    let accepted = overlays.filter(|overlay| apply(&base(), overlay).is_ok()).count();
    assert!((150..850).contains(&accepted), "{accepted} of 1000");
}
