//! The Pod: one container, which holds nothing that the runner does not need.

use super::{super::cluster_clock::SKEW, Identity, identity::NETWORK, overlay, program, runner};
use crate::config::{KubernetesConfig, Toleration as ToleratedTaint};
use cofferdam_core::policy::{Limits, Plan};
use k8s_openapi::{
    api::core::v1::{
        Capabilities, Container, EmptyDirVolumeSource, LocalObjectReference, PodDNSConfig, PodSecurityContext, PodSpec,
        PodTemplateSpec, ProjectedVolumeSource, ResourceRequirements, SeccompProfile, SecurityContext, Toleration,
        Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use std::collections::BTreeMap;

/// The one container.
pub(in super::super) const CONTAINER: &str = "runner";
/// User and group of every program; not root.
const USER: i64 = 1001;
/// Where the runner and the program are, and their names there.
const FOLDER: &str = "/cofferdam";
const RUNNER: &str = "cofferdam-runner";
const PROGRAM: &str = "program";
/// What the runner mounts its own bounded file system over; the image need not have them.
const SCRATCH: [&str; 3] = ["/work", "/home/user", TMP];
/// Runtimes lay the termination log into it, so that it cannot be read-only.
const TMP: &str = "/tmp";
/// What gVisor itself and the runner hold beside the program. A sandbox that waits holds some 20 MiB.
const OVERHEAD_BYTES: u64 = 96 << 20;
/// Disk of a node beside the log.
const SPARE_DISK_BYTES: u64 = 16 << 20;
/// Disk that a node must have left.
const REQUESTED_DISK: &str = "16Mi";
/// How long the runner may take to end the program and to tell of it. A Pod without this would be gone for the cluster
/// before it is gone from its node.
const GRACE_SECONDS: i64 = 3;
/// How long a run waits for a node that is not heard of.
const LOST_NODE_SECONDS: i64 = 5;

/// The Pod of one run, whose program comes in a volume and has this size, or comes when the Pod is up.
pub(in super::super) fn template(
    settings: &KubernetesConfig,
    plan: &Plan,
    program_size: Option<usize>,
    identity: &Identity,
) -> Result<PodTemplateSpec, overlay::OverlayError> {
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels(settings, plan, identity)),
            annotations: Some(identity.object_annotations()),
            ..ObjectMeta::default()
        }),
        spec: Some(spec(settings, plan, program_size, identity)),
    };
    match &settings.pod_overlay {
        Some(overlay) => overlay::apply(&template, overlay),
        None => Ok(template),
    }
}

fn labels(settings: &KubernetesConfig, plan: &Plan, identity: &Identity) -> BTreeMap<String, String> {
    let network = plan.network.as_deref().unwrap_or(cofferdam_types::validation::DEFAULT_NETWORK);
    let mut labels = settings.pod_labels.clone();
    labels.extend(identity.object_labels());
    labels.insert(NETWORK.into(), network.into());
    labels
}

fn spec(settings: &KubernetesConfig, plan: &Plan, program_size: Option<usize>, identity: &Identity) -> PodSpec {
    let has_network = plan.network.is_some();
    let named = |name: &String| LocalObjectReference { name: name.clone() };
    PodSpec {
        runtime_class_name: Some(settings.runtime_class.clone()),
        restart_policy: Some("Never".into()),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        service_account_name: settings.service_account.clone(),
        image_pull_secrets: some(settings.image_pull_secrets.iter().map(named).collect()),
        priority_class_name: settings.priority_class.clone(),
        node_selector: Some(settings.node_selector.clone()).filter(|labels| !labels.is_empty()),
        tolerations: Some(tolerations(&settings.tolerations)),
        hostname: Some("sandbox".into()),
        // A program without a network has no use for the cluster's names.
        dns_policy: Some(if has_network { "ClusterFirst" } else { "None" }.into()),
        dns_config: (!has_network)
            .then(|| PodDNSConfig { nameservers: Some(vec!["127.0.0.1".into()]), ..PodDNSConfig::default() }),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            seccomp_profile: Some(seccomp_profile()),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(settings, plan, program_size.is_some(), identity)],
        volumes: Some(volumes(program_size.unwrap_or_default(), identity)),
        ..PodSpec::default()
    }
}

fn container(settings: &KubernetesConfig, plan: &Plan, has_program: bool, identity: &Identity) -> Container {
    let mut args = if has_program {
        vec!["--program".to_owned(), format!("{FOLDER}/{PROGRAM}")]
    } else {
        vec!["--log".to_owned()]
    };
    args.extend(["--expires".to_owned(), (identity.expires.as_second() + SKEW.as_secs()).to_string()]);
    args.extend(plan.network.is_some().then(|| "--sandbox-network".to_owned()));
    Container {
        name: CONTAINER.into(),
        image: Some(plan.image.as_ref().unwrap_or(&settings.image).clone()),
        command: Some(vec![format!("{FOLDER}/{RUNNER}")]),
        args: Some(args),
        working_dir: Some("/".into()),
        // What brings messages, and asks the runner for its output from the beginning; the program never has it.
        stdin: Some(true),
        resources: Some(resources(settings, &plan.limits)),
        security_context: Some(SecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            privileged: Some(false),
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            seccomp_profile: Some(seccomp_profile()),
            ..SecurityContext::default()
        }),
        // Below what the runner lays over /tmp, so that no program can write to it.
        termination_message_path: Some(format!("{TMP}/termination-log")),
        volume_mounts: Some(mounts()),
        ..Container::default()
    }
}

/// Bytes of memory that the Pod of a run with these limits may hold.
pub(in super::super) fn memory(limits: &Limits) -> u64 {
    limits.sandbox_memory(OVERHEAD_BYTES)
}

fn resources(settings: &KubernetesConfig, limits: &Limits) -> ResourceRequirements {
    let memory = memory(limits);
    let cpu_requested = limits.cpu_millis.map_or(settings.cpu_requested.0, |limit| limit.min(settings.cpu_requested.0));
    let cpu = |millis: u32| Quantity(format!("{millis}m"));
    let bytes = |bytes: u64| Quantity(cofferdam_core::quantity::Bytes(bytes).to_string());
    let quantities = |all: Vec<(&str, Quantity)>| Some(all.into_iter().map(|(key, q)| (key.to_owned(), q)).collect());
    let mut bounds =
        vec![("memory", bytes(memory)), ("ephemeral-storage", bytes(log_bytes(limits) + SPARE_DISK_BYTES))];
    bounds.extend(limits.cpu_millis.map(|millis| ("cpu", cpu(millis))));
    ResourceRequirements {
        requests: quantities(vec![
            ("cpu", cpu(cpu_requested)),
            ("memory", bytes(settings.mem_requested.0.min(memory))),
            ("ephemeral-storage", Quantity(REQUESTED_DISK.into())),
        ]),
        limits: quantities(bounds),
        ..ResourceRequirements::default()
    }
}

/// What the log of a run may take of a node's disk: both streams with their tails, and the files, as text.
fn log_bytes(limits: &Limits) -> u64 {
    let bytes = limits.output_bytes.saturating_mul(3).saturating_add(limits.collected_bytes);
    bytes.saturating_add(bytes / 2)
}

/// Few, since each takes a sandbox's start a little longer.
fn mounts() -> Vec<VolumeMount> {
    let own = ("cofferdam", FOLDER);
    // The runner's own file system goes over the empty ones, for good.
    let scratch = SCRATCH.map(|path| ("scratch", path));
    let mount = |(name, path): (&str, &str)| VolumeMount {
        name: name.into(),
        mount_path: path.into(),
        read_only: Some(path != TMP),
        ..VolumeMount::default()
    };
    [own].into_iter().chain(scratch).map(mount).collect()
}

fn volumes(program_size: usize, identity: &Identity) -> Vec<Volume> {
    let sources = [runner::projection(RUNNER)].into_iter().chain(program::projections(identity, program_size, PROGRAM));
    let cofferdam = Volume {
        name: "cofferdam".into(),
        projected: Some(ProjectedVolumeSource { sources: Some(sources.collect()), default_mode: None }),
        ..Volume::default()
    };
    let scratch = Volume {
        name: "scratch".into(),
        empty_dir: Some(EmptyDirVolumeSource { size_limit: Some(Quantity("1Mi".into())), medium: None }),
        ..Volume::default()
    };
    vec![cofferdam, scratch]
}

/// GKE's own taint, those of a node that is not heard of, for a short time, and the operator's.
fn tolerations(more: &[ToleratedTaint]) -> Vec<Toleration> {
    let gke = Toleration {
        key: Some("sandbox.gke.io/runtime".into()),
        operator: Some("Equal".into()),
        value: Some("gvisor".into()),
        effect: Some("NoSchedule".into()),
        ..Toleration::default()
    };
    let lost = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map(|key| Toleration {
        key: Some(key.into()),
        operator: Some("Exists".into()),
        effect: Some("NoExecute".into()),
        toleration_seconds: Some(LOST_NODE_SECONDS),
        ..Toleration::default()
    });
    let more = more.iter().cloned().map(|taint| Toleration {
        key: taint.key,
        operator: taint.operator,
        value: taint.value,
        effect: taint.effect,
        toleration_seconds: taint.toleration_seconds,
    });
    [gke].into_iter().chain(lost).chain(more).collect()
}

fn seccomp_profile() -> SeccompProfile {
    SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}
