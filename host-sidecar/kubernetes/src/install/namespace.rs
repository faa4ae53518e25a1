//! The namespace of runs, which admits nothing less restricted than they are.

use super::part_of;
use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};

/// Label of a namespace: the Pod Security Standard that its Pods have to meet.
pub(in super::super) const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
/// The strictest standard. Pods of runs meet it.
pub(in super::super) const RESTRICTED: &str = "restricted";
/// The namespace that every cluster has, and others use.
const DEFAULT: &str = "default";
/// Said instead of a document.
pub(super) const NO_NAMESPACE: &str = "\
# The namespace `default` is there already and is not made here, nor restricted. What bounds runs below bounds
# everything else in it too: give them a namespace of their own with --namespace.
";

/// The namespace; none for the one that belongs to everybody.
pub(super) fn namespace(name: &str) -> Option<Namespace> {
    let standards = [
        (ENFORCE, RESTRICTED),
        ("pod-security.kubernetes.io/enforce-version", "latest"),
        ("pod-security.kubernetes.io/audit", RESTRICTED),
        ("pod-security.kubernetes.io/warn", RESTRICTED),
    ];
    let standards = standards.map(|(key, value)| (key.to_owned(), value.to_owned()));
    (name != DEFAULT).then(|| Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(part_of().into_iter().chain(standards).collect()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    })
}
