//! The namespace of executions, which admits restricted Pods only.

use super::metadata::part_of;
use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};

/// Label of a namespace: the Pod Security Standard that it enforces.
pub(crate) const ENFORCE_LABEL: &str = "pod-security.kubernetes.io/enforce";
/// The strictest standard. Pods of executions meet it.
pub(crate) const RESTRICTED: &str = "restricted";
/// The namespace that every cluster has, and that others use.
const DEFAULT: &str = "default";
/// Printed instead of a document.
pub(super) const NO_NAMESPACE: &str = "\
# The namespace `default` exists already, and is neither created nor restricted here. The quota and limits below apply
# to all its Pods: give executions another namespace with --namespace.
";

/// The namespace; `None` for `default`.
pub(super) fn namespace(name: &str) -> Option<Namespace> {
    let standards = [
        (ENFORCE_LABEL, RESTRICTED),
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
