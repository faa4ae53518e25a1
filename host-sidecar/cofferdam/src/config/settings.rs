//! The settings and their defaults. Where google-adk's `GkeCodeExecutor` has a setting, it has the same name here.

use super::{SettingsError, TenantSettings};
use cofferdam_core::{
    InvalidSetting,
    policy::{Language, Limits, Policy, default_languages, is_language_name},
    pool::PoolConfig,
    quantity::{Bytes, Cpu, Seconds},
};
use cofferdam_kubernetes::{KubernetesConfig, Network, Toleration, Workload, config::is_in_cluster};
use cofferdam_local::LocalConfig;
use cofferdam_server::{McpConfig, ServeConfig, ServerConfig, TenantConfig};
use cofferdam_types::{quoted, validation::relative_path};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// What a guest can hold of each stream, twice and as text, beside the files.
const MAX_OUTPUT: Bytes = Bytes(64 << 20);
/// What a guest can hold of files beside the streams.
const MAX_COLLECTED: Bytes = Bytes(128 << 20);
/// More than any machine has.
const MAX_BYTES: Bytes = Bytes(1 << 50);
/// gVisor counts the tasks of a sandbox in 16 bits.
const MAX_PROCESSES: u32 = 60_000;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where sandboxes come from.
    pub backend: BackendChoice,
    /// Default time from a program's start to its end, in seconds.
    pub timeout_seconds: Seconds,
    /// Default time from a request to the program's start, in seconds.
    pub startup_timeout_seconds: Seconds,
    /// Default amount of processors. Default: 500m in a cluster, elsewhere as much as there is.
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
    /// Default number of files brought back.
    pub collected_files: u32,
    /// Default size of the files brought back, in all.
    pub collected_limit: Bytes,
    /// What a request may ask for at the most.
    pub ceilings: Ceilings,
    /// Languages beside, or instead of, `python` and `bash`.
    pub languages: BTreeMap<String, Language>,
    /// The gVisor program. Default: the one that set-up built, else `runsc` of PATH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runsc: Option<PathBuf>,
    /// An unpacked image for the sandbox's root. Default: the /usr of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rootfs: Option<PathBuf>,
    /// Where runs keep what they need while they last. Default: a folder of the user's that does not outlive a reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
    /// The namespace of the cluster that runs are made in.
    pub namespace: String,
    /// The image of sandboxes in a cluster; a language may name another.
    pub image: String,
    /// Processors that a node must have left for a run.
    pub cpu_requested: Cpu,
    /// Memory that a node must have left for a run.
    pub mem_requested: Bytes,
    /// The file that tells how to reach the cluster. Default: in a cluster that cluster, else the user's own file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig_path: Option<PathBuf>,
    /// The context of that file, or of the user's own. Default: its current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig_context: Option<String>,
    /// What a run becomes in the cluster.
    pub workload: Workload,
    /// The RuntimeClass that is gVisor.
    pub runtime_class: String,
    /// Taints that Pods tolerate beside that of GKE's gVisor nodes.
    pub tolerations: Vec<Toleration>,
    /// Labels of the nodes that Pods may be on.
    pub node_selector: BTreeMap<String, String>,
    /// Secrets that images are pulled with.
    pub image_pull_secrets: Vec<String>,
    /// The service account of Pods. None of its tokens is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// More labels of Pods.
    pub pod_labels: BTreeMap<String, String>,
    /// The PriorityClass of Pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class: Option<String>,
    /// Added to Pods, as a strategic merge patch of a Pod template. It can add, and weaken nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_overlay: Option<serde_json::Value>,
    /// Networks that requests may ask for.
    pub networks: BTreeMap<String, Network>,
    /// How long a Pod that no node can take is kept for the cluster to announce a new node.
    pub scale_up_seconds: Seconds,
    /// What calls through MCP get.
    pub mcp: McpConfig,
    /// Sandboxes that `cofferdam serve` starts before there are programs for them.
    pub pool: PoolConfig,
    /// How `cofferdam serve` listens, and its bounds.
    pub serve: ServeConfig,
    /// What single tenants of `cofferdam serve` may have, by their names.
    pub tenants: BTreeMap<String, TenantSettings>,
}

/// What a request may ask for at the most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ceilings {
    /// Time from a program's start to its end, in seconds.
    pub timeout_seconds: Seconds,
    /// Time from a request to the program's start, in seconds.
    pub startup_timeout_seconds: Seconds,
    /// Amount of processors; none: as much as there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_limit: Option<Cpu>,
    /// Amount of memory.
    pub mem_limit: Bytes,
    /// Size of all writable directories together.
    pub disk_limit: Bytes,
    /// Number of processes and threads alive at once.
    pub process_limit: u32,
    /// Number of bytes kept of each output stream.
    pub output_limit: Bytes,
    /// Number of files brought back.
    pub collected_files: u32,
    /// Size of the files brought back, in all.
    pub collected_limit: Bytes,
}

/// Where sandboxes come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// gVisor on this machine.
    Local,
    /// A cluster: a gVisor Pod for each run.
    Kubernetes,
    /// Kubernetes inside a cluster or where a kubeconfig or a context is named, else this machine.
    #[default]
    Auto,
}

/// A backend, when the choice has been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendKind {
    /// gVisor on this machine.
    Local,
    /// A cluster.
    Kubernetes,
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits::default();
        let kubernetes = KubernetesConfig::default();
        Self {
            backend: BackendChoice::default(),
            timeout_seconds: Seconds(limits.wall_time),
            startup_timeout_seconds: Seconds(limits.startup_time),
            cpu_limit: None,
            mem_limit: Bytes(limits.memory_bytes),
            disk_limit: Bytes(limits.disk_bytes),
            process_limit: limits.processes,
            output_limit: Bytes(limits.output_bytes),
            collected_files: limits.collected_files,
            collected_limit: Bytes(limits.collected_bytes),
            ceilings: Ceilings::default(),
            languages: BTreeMap::new(),
            runsc: None,
            rootfs: None,
            state_dir: None,
            namespace: kubernetes.namespace,
            image: kubernetes.image,
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
            serve: ServeConfig::default(),
            tenants: BTreeMap::new(),
        }
    }
}

impl Default for Ceilings {
    fn default() -> Self {
        let limits = Limits::default_ceilings();
        Self {
            timeout_seconds: Seconds(limits.wall_time),
            startup_timeout_seconds: Seconds(limits.startup_time),
            cpu_limit: None,
            mem_limit: Bytes(limits.memory_bytes),
            disk_limit: Bytes(limits.disk_bytes),
            process_limit: limits.processes,
            output_limit: Bytes(limits.output_bytes),
            collected_files: limits.collected_files,
            collected_limit: Bytes(limits.collected_bytes),
        }
    }
}

impl Settings {
    /// The operator's policy.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Invalid`] for a default above its ceiling, a zero, or a language without a name or a command.
    pub fn policy(&self) -> Result<Policy, SettingsError> {
        self.policy_on(self.backend_kind())
    }

    /// The operator's policy with this backend.
    pub(crate) fn policy_on(&self, backend: BackendKind) -> Result<Policy, SettingsError> {
        self.validate_zeros()?;
        self.validate_ceilings()?;
        self.validate_defaults()?;
        let languages = self.all_languages()?;
        let images = self.languages.iter().filter_map(|(name, language)| {
            language.image.as_ref().map(|image| (format!("languages.{name}.image"), image))
        });
        let kubernetes = self.kubernetes();
        kubernetes.validate(images)?;
        self.mcp.validate()?;
        self.serve.validate()?;
        for (name, tenant) in &self.tenants {
            tenant.ceilings(name, &self.ceilings)?;
        }
        self.pool.validate()?;
        // A sandbox on this machine has no network that could be shared.
        let networks = BTreeSet::new();
        let policy = Policy { defaults: self.defaults(), ceilings: self.ceilings.limits(), languages, networks };
        Ok(match backend {
            BackendKind::Kubernetes => kubernetes.policy(policy),
            BackendKind::Local => policy,
        })
    }

    fn validate_defaults(&self) -> Result<(), InvalidSetting> {
        let ceilings = &self.ceilings;
        for (setting, above) in [
            ("timeout_seconds", self.timeout_seconds > ceilings.timeout_seconds),
            ("startup_timeout_seconds", self.startup_timeout_seconds > ceilings.startup_timeout_seconds),
            ("cpu_limit", self.cpu_limit.zip(ceilings.cpu_limit).is_some_and(|(default, ceiling)| default > ceiling)),
            ("mem_limit", self.mem_limit > ceilings.mem_limit),
            ("disk_limit", self.disk_limit > ceilings.disk_limit),
            ("process_limit", self.process_limit > ceilings.process_limit),
            ("output_limit", self.output_limit > ceilings.output_limit),
            ("collected_files", self.collected_files > ceilings.collected_files),
            ("collected_limit", self.collected_limit > ceilings.collected_limit),
        ] {
            if above {
                return Err(InvalidSetting::new(setting, "is above its ceiling"));
            }
        }
        Ok(())
    }

    /// The languages of the settings, and those that exist without any.
    fn all_languages(&self) -> Result<BTreeMap<String, Language>, InvalidSetting> {
        let mut languages = default_languages();
        for (name, language) in &self.languages {
            if !is_language_name(name) {
                let problem = format!(
                    "has {}, which is no name of a language: 1 to 63 lower-case letters, digits and `-_.+#`, the first a \
                     letter or digit",
                    quoted(name)
                );
                return Err(InvalidSetting::new("languages", problem));
            }
            let is_file_name = relative_path(&language.file).is_ok() && !language.file.contains('/');
            if language.command.first().is_none_or(String::is_empty) || !is_file_name {
                let problem = "needs a command and the bare name of a file";
                return Err(InvalidSetting::new(format!("languages.{name}"), problem));
            }
            if !language.can_import_ahead() {
                let problem = "needs names of Python's modules, and `starts_ahead`";
                return Err(InvalidSetting::new(format!("languages.{name}.imports_ahead"), problem));
            }
            languages.insert(name.clone(), language.clone());
        }
        Ok(languages)
    }

    /// Ceilings that what carries an outcome could not hold.
    fn validate_ceilings(&self) -> Result<(), InvalidSetting> {
        let ceilings = &self.ceilings;
        for (setting, above, most) in [
            ("output_limit", ceilings.output_limit > MAX_OUTPUT, MAX_OUTPUT.to_string()),
            ("collected_limit", ceilings.collected_limit > MAX_COLLECTED, MAX_COLLECTED.to_string()),
            ("mem_limit", ceilings.mem_limit > MAX_BYTES, MAX_BYTES.to_string()),
            ("disk_limit", ceilings.disk_limit > MAX_BYTES, MAX_BYTES.to_string()),
            ("process_limit", ceilings.process_limit > MAX_PROCESSES, MAX_PROCESSES.to_string()),
        ] {
            if above {
                let problem = format!("is above {most}, the most there can be");
                return Err(InvalidSetting::new(format!("ceilings.{setting}"), problem));
            }
        }
        Ok(())
    }

    fn validate_zeros(&self) -> Result<(), InvalidSetting> {
        let ceilings = &self.ceilings;
        for (setting, value) in [
            ("process_limit", self.process_limit),
            ("collected_files", self.collected_files),
            ("ceilings.process_limit", ceilings.process_limit),
            ("ceilings.collected_files", ceilings.collected_files),
        ] {
            if value == 0 {
                return Err(InvalidSetting::new(setting, "is zero"));
            }
        }
        Ok(())
    }

    fn defaults(&self) -> Limits {
        Limits {
            wall_time: self.timeout_seconds.0,
            startup_time: self.startup_timeout_seconds.0,
            cpu_millis: self.cpu_limit.map(|cpu| cpu.0),
            memory_bytes: self.mem_limit.0,
            disk_bytes: self.disk_limit.0,
            processes: self.process_limit,
            output_bytes: self.output_limit.0,
            collected_files: self.collected_files,
            collected_bytes: self.collected_limit.0,
        }
    }

    /// The part of the local backend.
    #[must_use]
    pub fn local(&self) -> LocalConfig {
        LocalConfig { runsc: self.runsc.clone(), rootfs: self.rootfs.clone(), state_dir: self.state_dir.clone() }
    }

    /// The part of the Kubernetes backend.
    #[must_use]
    pub fn kubernetes(&self) -> KubernetesConfig {
        KubernetesConfig {
            namespace: self.namespace.clone(),
            image: self.image.clone(),
            cpu_requested: self.cpu_requested,
            mem_requested: self.mem_requested,
            kubeconfig_path: self.kubeconfig_path.clone(),
            kubeconfig_context: self.kubeconfig_context.clone(),
            workload: self.workload,
            runtime_class: self.runtime_class.clone(),
            tolerations: self.tolerations.clone(),
            node_selector: self.node_selector.clone(),
            image_pull_secrets: self.image_pull_secrets.clone(),
            service_account: self.service_account.clone(),
            pod_labels: self.pod_labels.clone(),
            priority_class: self.priority_class.clone(),
            pod_overlay: self.pod_overlay.clone(),
            networks: self.networks.clone(),
            scale_up_seconds: self.scale_up_seconds,
        }
    }

    /// The part of the server, with the policies of the tenants.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::policy`].
    pub fn server(&self) -> Result<ServerConfig, SettingsError> {
        let mut tenants = BTreeMap::new();
        for (name, tenant) in &self.tenants {
            let TenantSettings { max_runs, max_connections, .. } = *tenant;
            let policy = self.tenant_policy(name)?;
            tenants.insert(name.clone(), TenantConfig { max_runs, max_connections, policy });
        }
        Ok(ServerConfig { serve: self.serve.clone(), mcp: self.mcp.clone(), tenants })
    }

    /// The backend that these settings choose. A cluster is only chosen by one who is in it or names it.
    #[must_use]
    pub fn backend_kind(&self) -> BackendKind {
        let is_named = self.kubeconfig_path.is_some() || self.kubeconfig_context.is_some();
        match self.backend {
            BackendChoice::Local => BackendKind::Local,
            BackendChoice::Kubernetes => BackendKind::Kubernetes,
            BackendChoice::Auto if is_named || is_in_cluster() => BackendKind::Kubernetes,
            BackendChoice::Auto => BackendKind::Local,
        }
    }
}

impl Ceilings {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            wall_time: self.timeout_seconds.0,
            startup_time: self.startup_timeout_seconds.0,
            cpu_millis: self.cpu_limit.map(|cpu| cpu.0),
            memory_bytes: self.mem_limit.0,
            disk_bytes: self.disk_limit.0,
            processes: self.process_limit,
            output_bytes: self.output_limit.0,
            collected_files: self.collected_files,
            collected_bytes: self.collected_limit.0,
        }
    }
}
