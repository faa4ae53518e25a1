//! Overlays that would change or weaken the sandbox.

use super::{base, message, mount, runner, spec, volume};
use serde_json::{Value, json};

/// Each with the field that the message names.
pub(super) fn overlays() -> Vec<(Value, String)> {
    let runners = changes_to_runner().into_iter().chain(additions_to_runner()).chain(mounts());
    let of_runner =
        runners.map(|(container, field)| (runner(container), format!("spec.containers[runner].{field}")));
    let pods = of_metadata().into_iter().chain(changes_to_pod()).chain(additions_to_pod()).chain(volumes());
    pods.map(|(overlay, field)| (overlay, field.to_owned())).chain(of_runner).collect()
}

type Table = Vec<(Value, &'static str)>;

fn of_metadata() -> Table {
    let label = |key: &str| json!({ "metadata": { "labels": { key: "a" } } });
    let annotation = |key: &str| json!({ "metadata": { "annotations": { key: "a" } } });
    let owners = json!([{ "apiVersion": "a", "kind": "b", "name": "c", "uid": "d" }]);
    let apparmor = "metadata.annotations[container.apparmor.security.beta.kubernetes.io/runner]";
    let seccomp = "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]";
    vec![
        (json!({ "metadata": { "labels": null } }), "metadata.labels"),
        (json!({ "metadata": { "name": "a" } }), "metadata.name"),
        (json!({ "metadata": { "generateName": "a" } }), "metadata.generateName"),
        (json!({ "metadata": { "namespace": "a" } }), "metadata.namespace"),
        (json!({ "metadata": { "finalizers": ["a"] } }), "metadata.finalizers"),
        (json!({ "metadata": { "ownerReferences": owners } }), "metadata.ownerReferences"),
        (label("cofferdam.dev/run"), "metadata.labels[cofferdam.dev/run]"),
        (label("cofferdam.dev/more"), "metadata.labels[cofferdam.dev/more]"),
        (label("app.kubernetes.io/managed-by"), "metadata.labels[app.kubernetes.io/managed-by]"),
        (annotation("cofferdam.dev/more"), "metadata.annotations[cofferdam.dev/more]"),
        (annotation("request.cofferdam.dev/a"), "metadata.annotations[request.cofferdam.dev/a]"),
        (annotation("app.kubernetes.io/managed-by"), "metadata.annotations[app.kubernetes.io/managed-by]"),
        (annotation("container.apparmor.security.beta.kubernetes.io/runner"), apparmor),
        (annotation("seccomp.security.alpha.kubernetes.io/pod"), seccomp),
        (annotation("dev.gvisor.flag.debug"), "metadata.annotations[dev.gvisor.flag.debug]"),
        (annotation("io.kubernetes.cri.a"), "metadata.annotations[io.kubernetes.cri.a]"),
        (annotation("k8s.v1.cni.cncf.io/networks"), "metadata.annotations[k8s.v1.cni.cncf.io/networks]"),
    ]
}

fn changes_to_pod() -> Table {
    let security = |value: Value| spec(json!({ "securityContext": value }));
    let seccomp = json!({ "type": "Unconfined" });
    let scratch = json!({ "name": "scratch", "emptyDir": { "sizeLimit": "1Ti" } });
    vec![
        (json!({ "spec": null }), "spec"),
        (spec(json!({ "runtimeClassName": "runc" })), "spec.runtimeClassName"),
        (spec(json!({ "runtimeClassName": null })), "spec.runtimeClassName"),
        (spec(json!({ "restartPolicy": "Always" })), "spec.restartPolicy"),
        (spec(json!({ "automountServiceAccountToken": true })), "spec.automountServiceAccountToken"),
        (spec(json!({ "dnsPolicy": "ClusterFirst" })), "spec.dnsPolicy"),
        (
            spec(json!({ "dnsConfig": { "nameservers": ["127.0.0.1", "8.8.8.8"] } })),
            "spec.dnsConfig.nameservers",
        ),
        (spec(json!({ "dnsConfig": { "searches": ["a"] } })), "spec.dnsConfig.searches"),
        (spec(json!({ "containers": null })), "spec.containers[runner]"),
        (spec(json!({ "tolerations": null })), "spec.tolerations"),
        (spec(json!({ "volumes": [scratch] })), "spec.volumes[scratch].emptyDir.sizeLimit"),
        (security(json!(null)), "spec.securityContext"),
        (security(json!({ "runAsUser": 0 })), "spec.securityContext.runAsUser"),
        (security(json!({ "runAsNonRoot": false })), "spec.securityContext.runAsNonRoot"),
        (security(json!({ "seccompProfile": seccomp })), "spec.securityContext.seccompProfile.type"),
        (security(json!({ "sysctls": [] })), "spec.securityContext.sysctls"),
        (
            security(json!({ "appArmorProfile": { "type": "Unconfined" } })),
            "spec.securityContext.appArmorProfile",
        ),
        (security(json!({ "seLinuxOptions": { "type": "a" } })), "spec.securityContext.seLinuxOptions"),
        (
            security(json!({ "windowsOptions": { "hostProcess": true } })),
            "spec.securityContext.windowsOptions",
        ),
        (security(json!({ "fsGroup": 0 })), "spec.securityContext.fsGroup"),
        (security(json!({ "supplementalGroups": [5, 0] })), "spec.securityContext.supplementalGroups[1]"),
    ]
}

fn additions_to_pod() -> Table {
    let container = json!([{ "name": "evil", "image": "a" }]);
    vec![
        (spec(json!({ "activeDeadlineSeconds": 1 })), "spec.activeDeadlineSeconds"),
        (spec(json!({ "containers": container })), "spec.containers[evil]"),
        (spec(json!({ "ephemeralContainers": container })), "spec.ephemeralContainers"),
        (spec(json!({ "hostIPC": true })), "spec.hostIPC"),
        (spec(json!({ "hostNetwork": true })), "spec.hostNetwork"),
        (spec(json!({ "hostPID": true })), "spec.hostPID"),
        (spec(json!({ "hostUsers": true })), "spec.hostUsers"),
        (spec(json!({ "hostnameOverride": "a" })), "spec.hostnameOverride"),
        (spec(json!({ "initContainers": container })), "spec.initContainers"),
        (spec(json!({ "nodeName": "a" })), "spec.nodeName"),
        (spec(json!({ "os": { "name": "windows" } })), "spec.os"),
        (spec(json!({ "overhead": { "cpu": "1" } })), "spec.overhead"),
        (spec(json!({ "priority": 1 })), "spec.priority"),
        (spec(json!({ "readinessGates": [{ "conditionType": "a" }] })), "spec.readinessGates"),
        (spec(json!({ "resources": { "limits": { "memory": "64Gi" } } })), "spec.resources"),
        (spec(json!({ "schedulingGates": [{ "name": "a" }] })), "spec.schedulingGates"),
        (spec(json!({ "serviceAccount": "a" })), "spec.serviceAccount"),
        (spec(json!({ "serviceAccountName": "a" })), "spec.serviceAccountName"),
        (spec(json!({ "setHostnameAsFQDN": true })), "spec.setHostnameAsFQDN"),
        (spec(json!({ "shareProcessNamespace": true })), "spec.shareProcessNamespace"),
        (spec(json!({ "subdomain": "a" })), "spec.subdomain"),
    ]
}

fn volumes() -> Table {
    let own = |volume: Value| spec(json!({ "volumes": [volume] }));
    let projected = |source: Value| volume(json!({ "projected": { "sources": [source] } }));
    let token = projected(json!({ "serviceAccountToken": { "path": "token" } }));
    let certificate = projected(json!({ "podCertificate": { "signerName": "a/b", "keyType": "ED25519" } }));
    let items = own(json!({ "name": "runner", "configMap": { "items": [{ "key": "a", "path": "b" }] } }));
    let host = json!({ "path": "/" });
    vec![
        (volume(json!({ "flexVolume": { "driver": "a" } })), "spec.volumes[more].flexVolume"),
        (volume(json!({ "hostPath": host })), "spec.volumes[more].hostPath"),
        (volume(json!({ "image": { "reference": "a" } })), "spec.volumes[more].image"),
        (volume(json!({ "nfs": { "server": "a", "path": "/" } })), "spec.volumes[more].nfs"),
        (certificate, "spec.volumes[more].projected.sources[0].podCertificate"),
        (token, "spec.volumes[more].projected.sources[0].serviceAccountToken"),
        (
            own(json!({ "name": "program", "projected": { "sources": [] } })),
            "spec.volumes[program].projected.sources",
        ),
        (items, "spec.volumes[runner].configMap.items"),
        (own(json!({ "name": "scratch", "hostPath": host })), "spec.volumes[scratch].hostPath"),
    ]
}

fn changes_to_runner() -> Table {
    let security = |value: Value| json!({ "securityContext": value });
    let limits = |value: Value| json!({ "resources": { "limits": value } });
    let seccomp = json!({ "localhostProfile": "a" });
    vec![
        (json!({ "args": ["--program", "/cofferdam/program/program", "-x"] }), "args"),
        (json!({ "command": ["sh"] }), "command"),
        (json!({ "command": null }), "command"),
        (json!({ "env": [{ "name": "COFFERDAM_RUN", "value": "a" }] }), "env[COFFERDAM_RUN].value"),
        (json!({ "image": "mine" }), "image"),
        (limits(json!({ "cpu": null })), "resources.limits.cpu"),
        (limits(json!({ "memory": "64Gi" })), "resources.limits.memory"),
        (limits(json!({ "hugepages-2Mi": "1Gi" })), "resources.limits.hugepages-2Mi"),
        (security(json!({ "allowPrivilegeEscalation": true })), "securityContext.allowPrivilegeEscalation"),
        (security(json!({ "appArmorProfile": { "type": "Unconfined" } })), "securityContext.appArmorProfile"),
        (security(json!({ "capabilities": { "add": ["SYS_ADMIN"] } })), "securityContext.capabilities.add"),
        (security(json!({ "capabilities": { "drop": [] } })), "securityContext.capabilities.drop"),
        (security(json!({ "privileged": true })), "securityContext.privileged"),
        (security(json!({ "procMount": "Unmasked" })), "securityContext.procMount"),
        (security(json!({ "readOnlyRootFilesystem": null })), "securityContext.readOnlyRootFilesystem"),
        (security(json!({ "runAsNonRoot": false })), "securityContext.runAsNonRoot"),
        (security(json!({ "runAsGroup": 1002 })), "securityContext.runAsGroup"),
        (security(json!({ "runAsUser": 1002 })), "securityContext.runAsUser"),
        (security(json!({ "seLinuxOptions": { "type": "a" } })), "securityContext.seLinuxOptions"),
        (security(json!({ "seccompProfile": seccomp })), "securityContext.seccompProfile.localhostProfile"),
        (security(json!({ "windowsOptions": { "hostProcess": true } })), "securityContext.windowsOptions"),
    ]
}

fn additions_to_runner() -> Table {
    let env = |name: &str| json!({ "env": [{ "name": name, "value": "a" }] });
    let from = |prefix: &str| json!({ "envFrom": [{ "prefix": prefix, "configMapRef": { "name": "a" } }] });
    let port = |name: &str, value: Value| json!({ "ports": [{ "containerPort": 80, name: value }] });
    let probe = json!({ "exec": { "command": ["id"] } });
    let resize = json!([{ "resourceName": "cpu", "restartPolicy": "RestartContainer" }]);
    vec![
        (env("LD_PRELOAD"), "env[LD_PRELOAD].name"),
        (env("PATH"), "env[PATH].name"),
        (from(""), "envFrom[0]"),
        (from("LD"), "envFrom[0]"),
        (from("LD_PRE"), "envFrom[0]"),
        (from("PA"), "envFrom[0]"),
        (json!({ "envFrom": [{ "secretRef": { "name": "a" } }] }), "envFrom[0]"),
        (json!({ "lifecycle": { "postStart": probe } }), "lifecycle"),
        (json!({ "livenessProbe": probe }), "livenessProbe"),
        (port("hostIP", json!("0.0.0.0")), "ports[80].hostIP"),
        (port("hostPort", json!(80)), "ports[80].hostPort"),
        (json!({ "readinessProbe": probe }), "readinessProbe"),
        (json!({ "resizePolicy": resize }), "resizePolicy"),
        (json!({ "restartPolicy": "Always" }), "restartPolicy"),
        (json!({ "startupProbe": probe }), "startupProbe"),
        (json!({ "stdin": true }), "stdin"),
        (json!({ "terminationMessagePath": "/work/a" }), "terminationMessagePath"),
        (json!({ "tty": true }), "tty"),
        (json!({ "volumeDevices": [{ "name": "more", "devicePath": "/x" }] }), "volumeDevices"),
        (json!({ "workingDir": "/work" }), "workingDir"),
    ]
}

fn mounts() -> Table {
    let none = json!({});
    let propagation = json!({ "mountPropagation": "HostToContainer" });
    let own = json!({ "volumeMounts": [{ "mountPath": "/work", "mountPropagation": "Bidirectional" }] });
    vec![
        (own, "volumeMounts[/work].mountPropagation"),
        (mount("/work", none.clone()), "volumeMounts[/work].name"),
        (mount("/data", json!({ "name": "scratch" })), "volumeMounts[/data].name"),
        (mount("/data", propagation), "volumeMounts[/data].mountPropagation"),
        (mount("/data", none.clone()), "volumeMounts[/data]"),
        (mount("/data", json!({ "readOnly": false })), "volumeMounts[/data]"),
        (mount("/", none.clone()), "volumeMounts[/].mountPath"),
        (mount("/cofferdam", none.clone()), "volumeMounts[/cofferdam].mountPath"),
        (mount("/data/../work", none.clone()), "volumeMounts[/data/../work].mountPath"),
        (mount("/dev/shm", none.clone()), "volumeMounts[/dev/shm].mountPath"),
        (mount("/etc/ssl", none.clone()), "volumeMounts[/etc/ssl].mountPath"),
        (mount("/home", none.clone()), "volumeMounts[/home].mountPath"),
        (mount("/proc/sys", none.clone()), "volumeMounts[/proc/sys].mountPath"),
        (mount("/sys", none.clone()), "volumeMounts[/sys].mountPath"),
        (mount("/work/", none.clone()), "volumeMounts[/work/].mountPath"),
        (mount("//work", none.clone()), "volumeMounts[//work].mountPath"),
        (mount("/work/./x", none.clone()), "volumeMounts[/work/./x].mountPath"),
        (mount("work", none), "volumeMounts[work].mountPath"),
    ]
}

#[test]
fn an_overlay_that_weakens_is_refused_with_the_field() {
    for (overlay, field) in overlays() {
        let message = message(&base(), &overlay);
        assert!(message.starts_with(&format!("`{field}` ")), "{overlay}: {message}");
        assert!(message.contains("may not be"), "{overlay}: {message}");
    }
}

#[test]
fn labels_of_cofferdam_are_refused_even_if_the_pod_has_none() {
    let mut bare = base();
    bare.metadata = None;
    for key in ["cofferdam.dev/run", "app.kubernetes.io/managed-by"] {
        let overlay = json!({ "metadata": { "labels": { key: "a" } } });
        let expected =
            format!("`metadata.labels[{key}]` may not be set: Cofferdam uses it to find its own objects");
        assert_eq!(message(&bare, &overlay), expected);
    }
}
