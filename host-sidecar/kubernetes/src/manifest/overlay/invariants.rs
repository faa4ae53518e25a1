//! What makes a Pod a sandbox, written a second time and as simply as possible, to check `apply` with.
#![expect(clippy::expect_used, reason = "only tests and fuzzing use it")]

use super::apply;
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec, VolumeMount};
use serde_json::{Value, json};

/// Any overlay is refused, or its Pod contains all of the base and is no weaker.
///
/// # Panics
///
/// If that does not hold.
pub fn overlay(overlay: &[u8]) {
    let Ok(overlay) = serde_json::from_slice(overlay) else { return };
    let base = base();
    if let Ok(result) = apply(&base, &overlay) {
        check(&base, &result);
        let written = [&base, &result].map(|pod| serde_json::to_value(pod).expect("a template"));
        assert_eq!(lost(&written[0], &written[1]), None);
    }
}

/// A Pod like those that Cofferdam generates.
pub(super) fn base() -> PodTemplateSpec {
    serde_json::from_value(json!({
        "metadata": {
            "labels": { "app.kubernetes.io/managed-by": "cofferdam", "cofferdam.dev/run": "r1" },
            "annotations": { "cofferdam.dev/expires": "2026-01-01T00:00:00Z", "request.cofferdam.dev/user": "u" },
        },
        "spec": {
            "runtimeClassName": "gvisor",
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 0,
            "dnsPolicy": "None",
            "dnsConfig": { "nameservers": ["127.0.0.1"] },
            "hostname": "sandbox",
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 1001,
                "runAsGroup": 1001,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "tolerations": [
                { "key": "sandbox.gke.io/runtime", "operator": "Equal", "value": "gvisor", "effect": "NoSchedule" },
            ],
            "containers": [{
                "name": "runner",
                "image": "python:3.11-slim",
                "command": ["/cofferdam/runner/cofferdam-runner"],
                "args": ["--program", "/cofferdam/program/program"],
                "workingDir": "/",
                "terminationMessagePath": "/tmp/termination-log",
                "env": [{ "name": "COFFERDAM_RUN", "value": "r1" }],
                "resources": {
                    "requests": { "cpu": "250m", "memory": "256Mi" },
                    "limits": { "cpu": "1", "memory": "640Mi", "ephemeral-storage": "300Mi" },
                },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "privileged": false,
                    "capabilities": { "drop": ["ALL"] },
                    "readOnlyRootFilesystem": true,
                    "runAsNonRoot": true,
                    "runAsUser": 1001,
                    "seccompProfile": { "type": "RuntimeDefault" },
                },
                "volumeMounts": [
                    { "name": "runner", "mountPath": "/cofferdam/runner", "readOnly": true },
                    { "name": "program", "mountPath": "/cofferdam/program", "readOnly": true },
                    { "name": "scratch", "mountPath": "/work", "subPath": "work" },
                    { "name": "scratch", "mountPath": "/home/user", "subPath": "home" },
                    { "name": "scratch", "mountPath": "/tmp", "subPath": "tmp" },
                ],
            }],
            "volumes": [
                { "name": "runner", "configMap": { "name": "cofferdam-runner", "defaultMode": 0o555 } },
                { "name": "program", "projected": { "defaultMode": 0o444, "sources": [
                    { "configMap": { "name": "r1-0", "items": [{ "key": "program", "path": "000" }] } },
                ] } },
                { "name": "scratch", "emptyDir": { "sizeLimit": "256Mi" } },
            ],
        },
    }))
    .expect("a template")
}

/// What the result lacks of the base, or has in a changed form.
pub(super) fn lost(base: &Value, result: &Value) -> Option<String> {
    match (base, result) {
        (Value::Object(base), Value::Object(result)) => {
            base.iter().find_map(|(name, value)| match result.get(name) {
                Some(result) => lost(value, result).map(|lost| format!("{name} > {lost}")),
                None => Some(format!("{name} is missing")),
            })
        }
        (Value::Array(base), Value::Array(result)) if base.iter().all(Value::is_object) => base
            .iter()
            .find(|element| result.iter().all(|result| lost(element, result).is_some()))
            .map(|element| format!("{element} is missing")),
        _ => (base != result).then(|| format!("{base} is now {result}")),
    }
}

macro_rules! same {
    ($base:expr, $result:expr, $($field:ident),* $(,)?) => {
        $(assert_eq!($base.$field, $result.$field, "{}", stringify!($field));)*
    };
}

/// Fails if the result is weaker than the base.
pub(super) fn check(base: &PodTemplateSpec, result: &PodTemplateSpec) {
    metadata(base, result);
    let (base, result) = (base.spec.as_ref().expect("a spec"), result.spec.as_ref().expect("a spec"));
    pod(base, result);
    volumes(base, result);
    assert_eq!(result.containers.len(), 1);
    container(&base.containers[0], &result.containers[0]);
    mounts(base, &base.containers[0], &result.containers[0]);
}

fn metadata(base: &PodTemplateSpec, result: &PodTemplateSpec) {
    let (base, mut result) =
        (base.metadata.clone().expect("a value"), result.metadata.clone().expect("a value"));
    let own = |key: &str| {
        key.contains(".cofferdam.dev/")
            || key.starts_with("cofferdam.dev/")
            || key == "app.kubernetes.io/managed-by"
    };
    for key in result.labels.iter().flatten().map(|(key, _)| key) {
        assert!(!own(key) || base.labels.as_ref().is_some_and(|base| base.contains_key(key)), "{key}");
    }
    for key in result.annotations.iter().flatten().map(|(key, _)| key) {
        assert!(!own(key) || base.annotations.as_ref().is_some_and(|base| base.contains_key(key)), "{key}");
        for domain in ["gvisor", "apparmor", "seccomp", "kubernetes.cri", "cni"] {
            assert!(!key.contains(domain), "{key}");
        }
    }
    (result.labels, result.annotations) = (base.labels.clone(), base.annotations.clone());
    assert_eq!(base, result);
}

fn pod(base: &PodSpec, result: &PodSpec) {
    same!(
        base,
        result,
        active_deadline_seconds,
        automount_service_account_token,
        dns_config,
        dns_policy,
        enable_service_links,
        ephemeral_containers,
        host_users,
        hostname,
        hostname_override,
        init_containers,
        node_name,
        os,
        overhead,
        priority,
        readiness_gates,
        resources,
        restart_policy,
        runtime_class_name,
        scheduling_gates,
        service_account,
        service_account_name,
        set_hostname_as_fqdn,
        subdomain,
        termination_grace_period_seconds,
    );
    for shared in [result.host_network, result.host_pid, result.host_ipc, result.share_process_namespace] {
        assert_ne!(shared, Some(true));
    }
    let mut security = result.security_context.clone().expect("a value");
    assert_ne!(security.fs_group.take(), Some(0));
    assert!(!security.supplemental_groups.take().is_some_and(|groups| groups.contains(&0)));
    security.fs_group_change_policy = None;
    assert_eq!(base.security_context, Some(security));
}

fn volumes(base: &PodSpec, result: &PodSpec) {
    let own = base.volumes.as_deref().expect("a value");
    let all = result.volumes.as_deref().expect("a value");
    assert!(own.iter().all(|volume| all.iter().filter(|other| other.name == volume.name).eq([volume])));
    for volume in all {
        for source in volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten()) {
            assert_eq!((&source.service_account_token, &source.pod_certificate), (&None, &None));
        }
        let mut rest = volume.clone();
        rest.name = String::new();
        (rest.config_map, rest.csi, rest.downward_api, rest.empty_dir) = (None, None, None, None);
        (rest.ephemeral, rest.persistent_volume_claim, rest.projected, rest.secret) =
            (None, None, None, None);
        assert_eq!(rest, Default::default(), "a volume of another type");
    }
}

fn container(base: &Container, result: &Container) {
    same!(
        base,
        result,
        args,
        command,
        image,
        lifecycle,
        liveness_probe,
        name,
        readiness_probe,
        resize_policy,
        restart_policy,
        restart_policy_rules,
        security_context,
        startup_probe,
        stdin,
        stdin_once,
        termination_message_path,
        tty,
        volume_devices,
        working_dir,
    );
    for variable in result.env.iter().flatten() {
        assert!(variable.name != "PATH" && !variable.name.starts_with("LD_"), "{}", variable.name);
    }
    for source in result.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        for secret in ["PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"] {
            assert!(!secret.starts_with(prefix), "{prefix}");
        }
    }
    for port in result.ports.iter().flatten() {
        assert_eq!((port.host_port, &port.host_ip), (None, &None));
    }
    let limits = |container: &Container| {
        let limits = container.resources.clone().and_then(|resources| resources.limits).unwrap_or_default();
        ["cpu", "memory", "ephemeral-storage", "hugepages-2Mi"].map(|name| limits.get(name).cloned())
    };
    assert_eq!(limits(base), limits(result));
}

fn mounts(pod: &PodSpec, base: &Container, result: &Container) {
    let own = base.volume_mounts.as_deref().expect("a value");
    let all = result.volume_mounts.as_deref().expect("a value");
    assert!(own.iter().all(|mount| all.contains(mount)));
    let folder = |path: &str| format!("/{}/", path.trim_matches('/'));
    for VolumeMount { mount_path, mount_propagation, name, read_only, .. } in
        all.iter().filter(|mount| !own.contains(mount))
    {
        assert!(mount_path.starts_with('/') && !mount_path.contains(".."), "{mount_path}");
        assert_eq!(*read_only, Some(true));
        assert!(mount_propagation.as_ref().is_none_or(|propagation| propagation == "None"));
        assert!(pod.volumes.iter().flatten().all(|volume| volume.name != *name));
        let path = folder(mount_path);
        for taken in own
            .iter()
            .map(|own| folder(&own.mount_path))
            .chain(["/proc/", "/sys/", "/dev/", "/etc/"].map(folder))
        {
            assert!(!path.starts_with(&taken) && !taken.starts_with(&path), "{mount_path}");
        }
    }
}
