//! Compares the result of a merge with the generated Pod.

use super::{
    error::OverlayError,
    path::{ListMerge, element, field},
    rules::{POD, RESERVED, Rule},
};
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec, VolumeMount};
use serde_json::Value;
use std::path::{Component, Path};

/// Everything in the base must be unchanged in the result.
pub(super) fn unchanged(base: &Value, result: &Value) -> Result<(), OverlayError> {
    unchanged_at(base, Some(result), "")
}

fn unchanged_at(base: &Value, result: Option<&Value>, path: &str) -> Result<(), OverlayError> {
    match (base, result) {
        (Value::Object(fields), Some(Value::Object(result))) => fields
            .iter()
            .try_for_each(|(name, value)| unchanged_at(value, result.get(name), &field(path, name))),
        // Any other list is one value: a command with another word, or in another order, is another command.
        (Value::Array(elements), Some(Value::Array(result))) if ListMerge::at(path) != ListMerge::Replace => {
            elements.iter().enumerate().try_for_each(|(index, value)| {
                unchanged_at(value, ListMerge::at(path).same(result, value), &element(path, index, value))
            })
        }
        _ if result == Some(base) => Ok(()),
        _ => Err(OverlayError::Changed { path: path.to_owned() }),
    }
}

/// Everything in the result that is not in the base must be allowed by the rules.
pub(super) fn added(base: &Value, result: &Value) -> Result<(), OverlayError> {
    added_at(Some(base), result, POD, "")
}

fn added_at(base: Option<&Value>, result: &Value, rule: Rule, path: &str) -> Result<(), OverlayError> {
    match (rule, result) {
        _ if base == Some(result) => Ok(()),
        (Rule::Anything, _) => Ok(()),
        (Rule::Check(check), _) => check(result).map_or(Ok(()), |reason| not_allowed(path, reason)),
        (Rule::Nothing(reason), _) if base.is_none() => not_allowed(path, reason),
        (_, Value::Object(fields)) => fields.iter().try_for_each(|(name, value)| {
            let base = base.and_then(|base| base.get(name));
            added_at(base, value, rule.field(name), &field(path, name))
        }),
        (_, Value::Array(elements)) => elements.iter().enumerate().try_for_each(|(index, value)| {
            let base = base.and_then(Value::as_array).and_then(|base| ListMerge::at(path).same(base, value));
            added_at(base, value, rule.element(base.is_some()), &element(path, index, value))
        }),
        _ => Err(OverlayError::Changed { path: path.to_owned() }),
    }
}

/// Added mounts must not overlap the mounts of the generated Pod or the folders of the container runtime.
pub(super) fn mounts(base: &PodTemplateSpec, result: &PodTemplateSpec) -> Result<(), OverlayError> {
    let own: Vec<_> = containers(base).flat_map(|own| own.volume_mounts.iter().flatten()).collect();
    let own_volumes: Vec<_> = base.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).collect();
    for container in containers(result) {
        for mount in container.volume_mounts.iter().flatten().filter(|mount| !own.contains(mount)) {
            let path = format!("spec.containers[{}].volumeMounts[{}]", container.name, mount.mount_path);
            if own_volumes.iter().any(|volume| volume.name == mount.name) {
                return not_allowed(&field(&path, "name"), "the volume belongs to the sandbox");
            }
            check_path(mount, &own).or_else(|reason| not_allowed(&field(&path, "mountPath"), &reason))?;
            if mount.read_only != Some(true) {
                return not_allowed(
                    &path,
                    "it is not `readOnly`, and a program could write data that outlives it",
                );
            }
        }
    }
    Ok(())
}

fn containers(pod: &PodTemplateSpec) -> impl Iterator<Item = &Container> {
    pod.spec.iter().flat_map(|spec| &spec.containers)
}

fn check_path(mount: &VolumeMount, own: &[&VolumeMount]) -> Result<(), String> {
    let path = Path::new(&mount.mount_path);
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err("it is not an absolute path without `..`".to_owned());
    }
    let taken = own.iter().map(|mount| &*mount.mount_path).chain(RESERVED.iter().copied());
    match taken.into_iter().find(|taken| path.starts_with(taken) || Path::new(taken).starts_with(path)) {
        Some(taken) => Err(format!("`{taken}` belongs to the sandbox")),
        None => Ok(()),
    }
}

fn not_allowed(path: &str, reason: &str) -> Result<(), OverlayError> {
    Err(OverlayError::NotAllowed { path: path.to_owned(), reason: reason.to_owned() })
}
