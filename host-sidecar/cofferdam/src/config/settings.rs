//! The settings and their defaults. Where google-adk's `GkeCodeExecutor` has a setting, it has the same name
//! here.

use super::{ImageSettings, LimitSettings, TenantSettings};
use cofferdam_core::{
    policy::{AllowedImages, Language, Limits},
    pool::PoolConfig,
    quantity::{Bytes, Cpu, Seconds},
    session::SessionConfig,
};
use cofferdam_kubernetes::{KubernetesConfig, Network, Toleration, Workload};
use cofferdam_server::{McpConfig, ServeConfig};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The backend that creates sandboxes.
    pub backend: BackendChoice,
    /// Default time from a program's start to its end, in seconds.
    pub timeout_seconds: Seconds,
    /// Default time from a request to the program's start, in seconds.
    pub startup_timeout_seconds: Seconds,
    /// Default number of processors. Default: 500m in a cluster, elsewhere all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_limit: Option<Cpu>,
    /// Default amount of memory.
    pub mem_limit: Bytes,
    /// Default size of all writable directories together.
    pub disk_limit: Bytes,
    /// Default number of processes and threads alive at once.
    pub process_limit: u32,
    /// Default number of bytes kept of each output stream.
    pub output_limit: Bytes,
    /// Default number of files that are returned.
    pub collected_files: u32,
    /// Default size of all files that are returned.
    pub collected_limit: Bytes,
    /// The highest limits that a request may ask for.
    pub ceilings: LimitSettings,
    /// Languages, in addition to or instead of `python` and `bash`.
    pub languages: BTreeMap<String, Language>,
    /// The gVisor program. Default: the one that set-up built, else `runsc` in PATH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runsc: Option<PathBuf>,
    /// An unpacked image as the sandbox's root file system. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rootfs: Option<PathBuf>,
    /// The folder for temporary data of executions. Default: a folder of the user that a reboot empties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
    /// The namespace of the sandboxes in a cluster.
    pub namespace: String,
    /// The image of sandboxes; a language may name another. Default: python:3.11-slim in a cluster, elsewhere
    /// [`DEFAULT_IMAGE`](cofferdam_images::DEFAULT_IMAGE) if the store has it and `rootfs` is not set. Where there is
    /// none, and if the name is empty, the root is this machine's /usr.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The images that requests may choose. Default: none.
    pub allowed_images: AllowedImages,
    /// The store of images on this machine.
    pub images: ImageSettings,
    /// Processors that a sandbox requests from its node.
    pub cpu_requested: Cpu,
    /// Memory that a sandbox requests from its node.
    pub mem_requested: Bytes,
    /// The kubeconfig. Default: inside a cluster that cluster, else the user's kubeconfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig_path: Option<PathBuf>,
    /// The context of the kubeconfig. Default: its current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig_context: Option<String>,
    /// The kind of object that a sandbox is in a cluster.
    pub workload: Workload,
    /// The RuntimeClass that is gVisor.
    pub runtime_class: String,
    /// Taints that Pods tolerate, in addition to that of GKE's gVisor nodes.
    pub tolerations: Vec<Toleration>,
    /// Labels of the nodes that Pods may be scheduled to.
    pub node_selector: BTreeMap<String, String>,
    /// Secrets that images are pulled with.
    pub image_pull_secrets: Vec<String>,
    /// The service account of Pods. None of its tokens is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// Additional labels of Pods.
    pub pod_labels: BTreeMap<String, String>,
    /// The PriorityClass of Pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class: Option<String>,
    /// A strategic merge patch of the Pod template. It can add fields, and cannot weaken the sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_overlay: Option<serde_json::Value>,
    /// Networks that requests may ask for.
    pub networks: BTreeMap<String, Network>,
    /// How long an unschedulable Pod is kept for the cluster to announce a new node.
    pub scale_up_seconds: Seconds,
    /// Limits of calls over MCP.
    pub mcp: McpConfig,
    /// The prewarmed sandboxes of `cofferdam serve` and `cofferdam mcp`.
    pub pool: PoolConfig,
    /// The number, the time and the memory of sessions of `cofferdam serve` and `cofferdam mcp`.
    pub sessions: SessionConfig,
    /// The sockets and limits of `cofferdam serve`.
    pub serve: ServeConfig,
    /// The shares and ceilings of tenants of `cofferdam serve`, by their names.
    pub tenants: BTreeMap<String, TenantSettings>,
}

/// The choice of a backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// gVisor on this machine.
    Local,
    /// A cluster: a gVisor Pod for each execution.
    Kubernetes,
    /// Kubernetes inside a cluster or if a kubeconfig or a context is named, else this machine.
    #[default]
    Auto,
}

/// A chosen backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendKind {
    /// gVisor on this machine.
    Local,
    /// A cluster.
    Kubernetes,
}

impl Default for Settings {
    fn default() -> Self {
        let limits = LimitSettings::from(Limits::DEFAULT);
        let kubernetes = KubernetesConfig::default();
        Self {
            backend: BackendChoice::default(),
            timeout_seconds: limits.timeout_seconds,
            startup_timeout_seconds: limits.startup_timeout_seconds,
            cpu_limit: limits.cpu_limit,
            mem_limit: limits.mem_limit,
            disk_limit: limits.disk_limit,
            process_limit: limits.process_limit,
            output_limit: limits.output_limit,
            collected_files: limits.collected_files,
            collected_limit: limits.collected_limit,
            ceilings: LimitSettings::default(),
            languages: BTreeMap::new(),
            runsc: None,
            rootfs: None,
            state_dir: None,
            namespace: kubernetes.namespace,
            image: None,
            allowed_images: AllowedImages::default(),
            images: ImageSettings::default(),
            cpu_requested: kubernetes.cpu_requested,
            mem_requested: kubernetes.mem_requested,
            kubeconfig_path: kubernetes.kubeconfig_path,
            kubeconfig_context: kubernetes.kubeconfig_context,
            workload: kubernetes.workload,
            runtime_class: kubernetes.runtime_class,
            tolerations: kubernetes.tolerations,
            node_selector: kubernetes.node_selector,
            image_pull_secrets: kubernetes.image_pull_secrets,
            service_account: kubernetes.service_account,
            pod_labels: kubernetes.pod_labels,
            priority_class: kubernetes.priority_class,
            pod_overlay: kubernetes.pod_overlay,
            networks: kubernetes.networks,
            scale_up_seconds: kubernetes.scale_up_seconds,
            mcp: McpConfig::default(),
            pool: PoolConfig::default(),
            sessions: SessionConfig::default(),
            serve: ServeConfig::default(),
            tenants: BTreeMap::new(),
        }
    }
}
