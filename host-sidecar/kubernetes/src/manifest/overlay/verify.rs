//! What comes of a merge, held against the generated Pod.

use super::{
    OverlayError, element, field,
    merge::List,
    rules::{POD, RESERVED, Rule},
};
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec, VolumeMount};
use serde_json::Value;
use std::path::{Component, Path};

/// Everything of the base has to be in the result as it was.
pub(super) fn kept(base: &Value, result: &Value) -> Result<(), OverlayError> {
    kept_at(base, Some(result), "")
}

fn kept_at(base: &Value, result: Option<&Value>, path: &str) -> Result<(), OverlayError> {
    match (base, result) {
        (Value::Object(fields), Some(Value::Object(result))) => {
            fields.iter().try_for_each(|(name, value)| kept_at(value, result.get(name), &field(path, name)))
        }
        // Any other list is one value: a command with another word, or in another order, is another command.
        (Value::Array(elements), Some(Value::Array(result))) if List::at(path) != List::Whole => {
            elements.iter().enumerate().try_for_each(|(index, value)| {
                kept_at(value, List::at(path).same(result, value), &element(path, index, value))
            })
        }
        _ if result == Some(base) => Ok(()),
        _ => Err(OverlayError::Changed { path: path.to_owned() }),
    }
}

/// Everything in the result beside the base has to be on the list of what may be added.
pub(super) fn added(base: &Value, result: &Value) -> Result<(), OverlayError> {
    added_at(Some(base), result, POD, "")
}

fn added_at(base: Option<&Value>, result: &Value, rule: Rule, path: &str) -> Result<(), OverlayError> {
    match (rule, result) {
        _ if base == Some(result) => Ok(()),
        (Rule::Anything, _) => Ok(()),
        (Rule::Check(check), _) => check(result).map_or(Ok(()), |reason| refused(path, reason)),
        (Rule::Nothing(reason), _) if base.is_none() => refused(path, reason),
        (_, Value::Object(fields)) => fields.iter().try_for_each(|(name, value)| {
            let base = base.and_then(|base| base.get(name));
            added_at(base, value, rule.field(name), &field(path, name))
        }),
        (_, Value::Array(elements)) => elements.iter().enumerate().try_for_each(|(index, value)| {
            let base = base.and_then(Value::as_array).and_then(|base| List::at(path).same(base, value));
            added_at(base, value, rule.element(base.is_some()), &element(path, index, value))
        }),
        _ => Err(OverlayError::Changed { path: path.to_owned() }),
    }
}

/// What is mounted in addition has to stay away from what the sandbox mounts and from what the kernel supplies.
pub(super) fn mounts(base: &PodTemplateSpec, result: &PodTemplateSpec) -> Result<(), OverlayError> {
    let own: Vec<_> = containers(base).flat_map(|own| own.volume_mounts.iter().flatten()).collect();
    let own_volumes: Vec<_> = base.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).collect();
    for container in containers(result) {
        for mount in container.volume_mounts.iter().flatten().filter(|mount| !own.contains(mount)) {
            let path = format!("spec.containers[{}].volumeMounts[{}]", container.name, mount.mount_path);
            if own_volumes.iter().any(|volume| volume.name == mount.name) {
                return refused(&field(&path, "name"), "the volume is the sandbox's own");
            }
            place(mount, &own).or_else(|reason| refused(&field(&path, "mountPath"), &reason))?;
            if mount.read_only != Some(true) {
                return refused(&path, "it is not `readOnly`, and nothing that a program writes may outlive it");
            }
        }
    }
    Ok(())
}

fn containers(pod: &PodTemplateSpec) -> impl Iterator<Item = &Container> {
    pod.spec.iter().flat_map(|spec| &spec.containers)
}

fn place(mount: &VolumeMount, own: &[&VolumeMount]) -> Result<(), String> {
    let place = Path::new(&mount.mount_path);
    if !place.is_absolute() || place.components().any(|part| part == Component::ParentDir) {
        return Err("it is not an absolute path without `..`".to_owned());
    }
    let taken = own.iter().map(|mount| &*mount.mount_path).chain(RESERVED.iter().copied());
    match taken.into_iter().find(|taken| place.starts_with(taken) || Path::new(taken).starts_with(place)) {
        Some(taken) => Err(format!("`{taken}` is the sandbox's own")),
        None => Ok(()),
    }
}

fn refused(path: &str, reason: &str) -> Result<(), OverlayError> {
    Err(OverlayError::Refused { path: path.to_owned(), reason: reason.to_owned() })
}
