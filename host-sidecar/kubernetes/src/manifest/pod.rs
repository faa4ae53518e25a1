//! The Pod of an execution: one container with the runner.

use super::{
    identity::{Identity, NETWORK_LABEL},
    overlay, program, runner,
};
use crate::{
    api::server_time::MAX_CLOCK_SKEW,
    config::{KubernetesConfig, Toleration as ToleratedTaint},
};
use cofferdam_core::{policy::Limits, spec::SandboxSpec};
use k8s_openapi::{
    api::core::v1::{
        Capabilities, Container, EmptyDirVolumeSource, LocalObjectReference, PodDNSConfig,
        PodSecurityContext, PodSpec, PodTemplateSpec, ProjectedVolumeSource, ResourceRequirements,
        SeccompProfile, SecurityContext, Toleration, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use std::collections::BTreeMap;

/// The program that a cluster executes in a container to connect with the runner of a session.
pub(crate) fn relay_command() -> [String; 2] {
    [format!("{FOLDER}/{RUNNER}"), "relay".to_owned()]
}

/// The name of the container.
pub(crate) const CONTAINER: &str = "runner";
/// User and group of the container.
const USER_ID: i64 = 1001;
/// The folder of the runner and the program, and their names in it.
const FOLDER: &str = "/cofferdam";
const RUNNER: &str = "cofferdam-runner";
const PROGRAM: &str = "program";
/// Folders that the runner mounts its own file system over. The image need not have them.
const SCRATCH_FOLDERS: [&str; 3] = ["/work", "/home/user", TMP];
/// Not read-only: container runtimes create the termination log in it.
const TMP: &str = "/tmp";
/// Memory of gVisor and the runner. A prewarmed sandbox uses about 20 MiB.
const OVERHEAD_BYTES: u64 = 96 << 20;
/// Ephemeral storage in addition to the log.
const SPARE_DISK_BYTES: u64 = 16 << 20;
/// Ephemeral storage that a node must have free.
const REQUESTED_DISK: &str = "16Mi";
/// Time for the runner to end the program and to report that. With 0, the cluster would forget a Pod that
/// still runs on its node.
const TERMINATION_GRACE_SECONDS: i64 = 3;
/// For how long the Pod stays on a node that does not answer.
const LOST_NODE_SECONDS: i64 = 5;

/// Where the runner of a Pod gets its program from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// A volume with a program of so many bytes.
    Volume(usize),
    /// A connection.
    Connection,
    /// A connection, or the relay of a session with this secret.
    ConnectionOrRelay(&'a str),
}

impl Source<'_> {
    fn program_size(self) -> usize {
        match self {
            Self::Volume(size) => size,
            Self::Connection | Self::ConnectionOrRelay(_) => 0,
        }
    }

    fn args(self) -> Vec<String> {
        match self {
            Self::Volume(_) => vec!["--program".to_owned(), format!("{FOLDER}/{PROGRAM}")],
            Self::Connection => vec!["--log".to_owned()],
            Self::ConnectionOrRelay(secret) => {
                vec!["--log".to_owned(), "--session".to_owned(), secret.to_owned()]
            }
        }
    }
}

/// The Pod of an execution or a session.
pub(crate) fn template(
    settings: &KubernetesConfig,
    sandbox: &SandboxSpec,
    source: Source<'_>,
    identity: &Identity,
) -> Result<PodTemplateSpec, overlay::OverlayError> {
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels(settings, sandbox, identity)),
            annotations: Some(identity.object_annotations()),
            ..ObjectMeta::default()
        }),
        spec: Some(spec(settings, sandbox, source, identity)),
    };
    match &settings.pod_overlay {
        Some(overlay) => overlay::apply(&template, overlay),
        None => Ok(template),
    }
}

fn labels(
    settings: &KubernetesConfig,
    sandbox: &SandboxSpec,
    identity: &Identity,
) -> BTreeMap<String, String> {
    let network = sandbox.network.as_deref().unwrap_or(cofferdam_types::validation::DEFAULT_NETWORK);
    let mut labels = settings.pod_labels.clone();
    labels.extend(identity.object_labels());
    labels.insert(NETWORK_LABEL.into(), network.into());
    labels
}

fn spec(
    settings: &KubernetesConfig,
    sandbox: &SandboxSpec,
    source: Source<'_>,
    identity: &Identity,
) -> PodSpec {
    let has_network = sandbox.network.is_some();
    let named = |name: &String| LocalObjectReference { name: name.clone() };
    PodSpec {
        runtime_class_name: Some(settings.runtime_class.clone()),
        restart_policy: Some("Never".into()),
        termination_grace_period_seconds: Some(TERMINATION_GRACE_SECONDS),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        service_account_name: settings.service_account.clone(),
        image_pull_secrets: some(settings.image_pull_secrets.iter().map(named).collect()),
        priority_class_name: settings.priority_class.clone(),
        node_selector: Some(settings.node_selector.clone()).filter(|labels| !labels.is_empty()),
        tolerations: Some(tolerations(&settings.tolerations)),
        hostname: Some("sandbox".into()),
        // Without a network, there is no DNS to use.
        dns_policy: Some(if has_network { "ClusterFirst" } else { "None" }.into()),
        dns_config: (!has_network)
            .then(|| PodDNSConfig { nameservers: Some(vec!["127.0.0.1".into()]), ..PodDNSConfig::default() }),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER_ID),
            run_as_group: Some(USER_ID),
            seccomp_profile: Some(seccomp_profile()),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(settings, sandbox, source, identity)],
        volumes: Some(volumes(source.program_size(), identity)),
        ..PodSpec::default()
    }
}

fn container(
    settings: &KubernetesConfig,
    sandbox: &SandboxSpec,
    source: Source<'_>,
    identity: &Identity,
) -> Container {
    let mut args = source.args();
    args.extend([
        "--expires".to_owned(),
        (identity.expires.as_second() + MAX_CLOCK_SKEW.as_secs()).to_string(),
    ]);
    args.extend(sandbox.network.is_some().then(|| "--sandbox-network".to_owned()));
    Container {
        name: CONTAINER.into(),
        image: Some(sandbox.image.as_ref().unwrap_or(&settings.image).clone()),
        command: Some(vec![format!("{FOLDER}/{RUNNER}")]),
        args: Some(args),
        working_dir: Some("/".into()),
        // The runner reads messages from it. The program has another stdin.
        stdin: Some(true),
        resources: Some(resources(settings, &sandbox.limits)),
        security_context: Some(SecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER_ID),
            run_as_group: Some(USER_ID),
            privileged: Some(false),
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            seccomp_profile: Some(seccomp_profile()),
            ..SecurityContext::default()
        }),
        // The runner mounts its file system over it, so that the program cannot write to it.
        termination_message_path: Some(format!("{TMP}/termination-log")),
        volume_mounts: Some(mounts()),
        ..Container::default()
    }
}

/// Memory limit of a Pod with these limits for its program, in bytes.
pub(crate) fn memory(limits: &Limits) -> u64 {
    limits.sandbox_memory(OVERHEAD_BYTES)
}

fn resources(settings: &KubernetesConfig, limits: &Limits) -> ResourceRequirements {
    let memory = memory(limits);
    let cpu_requested =
        limits.cpu_millis.map_or(settings.cpu_requested.0, |limit| limit.min(settings.cpu_requested.0));
    let cpu = |millis: u32| Quantity(format!("{millis}m"));
    let bytes = |bytes: u64| Quantity(cofferdam_core::quantity::Bytes(bytes).to_string());
    let quantities =
        |all: Vec<(&str, Quantity)>| Some(all.into_iter().map(|(key, q)| (key.to_owned(), q)).collect());
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

/// Size of the log on the node's disk: both streams with their tails, and the collected files, in base64.
fn log_bytes(limits: &Limits) -> u64 {
    let bytes = limits.output_bytes.saturating_mul(3).saturating_add(limits.collected_bytes);
    bytes.saturating_add(bytes / 2)
}

/// Each mount makes the start of a sandbox a little slower.
fn mounts() -> Vec<VolumeMount> {
    let own = ("cofferdam", FOLDER);
    // The runner mounts its own file system over the empty ones.
    let scratch = SCRATCH_FOLDERS.map(|path| ("scratch", path));
    let mount = |(name, path): (&str, &str)| VolumeMount {
        name: name.into(),
        mount_path: path.into(),
        read_only: Some(path != TMP),
        ..VolumeMount::default()
    };
    [own].into_iter().chain(scratch).map(mount).collect()
}

fn volumes(program_size: usize, identity: &Identity) -> Vec<Volume> {
    let sources =
        [runner::projection(RUNNER)].into_iter().chain(program::projections(identity, program_size, PROGRAM));
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

/// The taints of GKE's gVisor nodes, of a node that does not answer, for a short time, and of the settings.
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
