//! The metadata of the manifests.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;

/// Name of each object that exists once.
pub(super) const NAME: &str = "cofferdam";
/// Label of every object. Objects with the label of executions would be deleted as garbage.
const PART_OF: (&str, &str) = ("app.kubernetes.io/part-of", "cofferdam");

pub(super) fn metadata(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(part_of()),
        ..ObjectMeta::default()
    }
}

pub(super) fn part_of() -> BTreeMap<String, String> {
    [(PART_OF.0.to_owned(), PART_OF.1.to_owned())].into()
}
