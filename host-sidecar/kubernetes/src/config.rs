//! The settings of the Kubernetes backend.

use cofferdam_core::{
    ImageName, InvalidSetting,
    policy::Policy,
    quantity::{Bytes, Cpu, Seconds},
};
use cofferdam_types::validation::DEFAULT_NETWORK;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    time::Duration,
};

/// How executions become objects of a cluster, and how the cluster is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesConfig {
    /// The namespace of the objects.
    pub namespace: String,
    /// The image of sandboxes; a language may name another.
    pub image: String,
    /// CPU request of an execution.
    pub cpu_requested: Cpu,
    /// Memory request of an execution.
    pub mem_requested: Bytes,
    /// The kubeconfig. Default: in a cluster that cluster, else the user's own file.
    pub kubeconfig_path: Option<PathBuf>,
    /// The context of the kubeconfig. Default: its current one.
    pub kubeconfig_context: Option<String>,
    /// The kind of object that creates the Pod.
    pub workload: Workload,
    /// The RuntimeClass of gVisor.
    pub runtime_class: String,
    /// Taints that Pods tolerate, in addition to that of GKE's gVisor nodes.
    pub tolerations: Vec<Toleration>,
    /// Labels of the nodes for Pods.
    pub node_selector: BTreeMap<String, String>,
    /// Secrets for pulling images.
    pub image_pull_secrets: Vec<String>,
    /// The service account of Pods. Its token is not mounted.
    pub service_account: Option<String>,
    /// Additional labels of Pods.
    pub pod_labels: BTreeMap<String, String>,
    /// The PriorityClass of Pods.
    pub priority_class: Option<String>,
    /// A strategic merge patch of the Pod template. It can add to the sandbox and cannot weaken it.
    pub pod_overlay: Option<Value>,
    /// Networks that requests may name.
    pub networks: BTreeMap<String, Network>,
    /// How long a Pod that no node can take is kept for the cluster to announce a new node.
    pub scale_up_seconds: Seconds,
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        Self {
            namespace: "default".into(),
            image: "python:3.11-slim".into(),
            cpu_requested: Cpu(200),
            mem_requested: Bytes(256 << 20),
            kubeconfig_path: None,
            kubeconfig_context: None,
            workload: Workload::default(),
            runtime_class: "gvisor".into(),
            tolerations: Vec::new(),
            node_selector: BTreeMap::new(),
            image_pull_secrets: Vec::new(),
            service_account: None,
            pod_labels: BTreeMap::new(),
            priority_class: None,
            pod_overlay: None,
            networks: BTreeMap::new(),
            scale_up_seconds: Seconds(Duration::from_secs(10)),
        }
    }
}

/// Default CPU limit of an execution, in thousandths: that of google-adk's `GkeCodeExecutor`.
const DEFAULT_CPU_MILLIS: u32 = 500;

/// The kind of object that creates the Pod of an execution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// A Job, which the cluster deletes itself if the sidecar does not.
    #[default]
    Job,
    /// A bare Pod, which is less work for the control plane.
    Pod,
}

/// A taint that Pods tolerate, as Kubernetes writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's key. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Exists` or `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The taint's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// For how long, in seconds, with `NoExecute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// A network that requests may name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Egress rules of a NetworkPolicy, as Kubernetes writes them; `cofferdam manifests` prints the policy.
    pub egress: Vec<Value>,
}

/// Whether this process runs in a Pod with a service account token.
#[must_use]
pub fn is_in_cluster() -> bool {
    env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
}

impl KubernetesConfig {
    /// Checks the values. `images` are those of the languages, with the names of their settings.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`], naming the setting.
    pub fn validate<'a>(
        &'a self,
        images: impl Iterator<Item = (String, &'a String)>,
    ) -> Result<(), InvalidSetting> {
        for (setting, image) in std::iter::once(("image".to_owned(), &self.image)).chain(images) {
            if image.parse::<ImageName>().is_err() {
                return Err(InvalidSetting::new(
                    setting,
                    format!("is {image:?}, which is not a valid image name"),
                ));
            }
        }
        self.validate_names()?;
        if self.networks.contains_key(DEFAULT_NETWORK) {
            return Err(InvalidSetting::new(
                "networks.none",
                "cannot be set: `none` is the name for no network",
            ));
        }
        for (setting, labels) in [("pod_labels", &self.pod_labels), ("node_selector", &self.node_selector)] {
            validate_labels(setting, labels)?;
        }
        Ok(())
    }

    /// Adds the networks of this cluster, and a default CPU limit, to a policy.
    #[must_use]
    pub fn policy(&self, mut policy: Policy) -> Policy {
        policy.defaults.cpu_millis.get_or_insert(DEFAULT_CPU_MILLIS);
        policy.networks = self.networks.keys().cloned().collect();
        policy
    }

    fn validate_names(&self) -> Result<(), InvalidSetting> {
        let names = [
            ("namespace", Some(&self.namespace)),
            ("runtime_class", Some(&self.runtime_class)),
            ("service_account", self.service_account.as_ref()),
            ("priority_class", self.priority_class.as_ref()),
        ];
        let named = names.into_iter().filter_map(|(setting, name)| Some((setting.to_owned(), name?)));
        let secrets = self.image_pull_secrets.iter().map(|name| ("image_pull_secrets".to_owned(), name));
        let networks = self.networks.keys().map(|name| (format!("networks.{name}"), name));
        for (setting, name) in named.chain(secrets).chain(networks) {
            if !is_dns_name(name) {
                let problem = format!(
                    "has {name:?}, which is not a valid object name: use lower-case letters, digits, `-` and `.`"
                );
                return Err(InvalidSetting::new(setting, problem));
            }
        }
        Ok(())
    }
}

fn validate_labels(setting: &str, labels: &BTreeMap<String, String>) -> Result<(), InvalidSetting> {
    for (key, value) in labels {
        let (prefix, name) =
            key.split_once('/').map_or((None, key.as_str()), |(prefix, name)| (Some(prefix), name));
        if !prefix.is_none_or(is_dns_name)
            || name.is_empty()
            || !is_label_value(name)
            || !is_label_value(value)
        {
            return Err(InvalidSetting::new(
                setting,
                format!("has {key:?} = {value:?}, which is not a valid label"),
            ));
        }
        let is_reserved = prefix == Some("cofferdam.dev") || key == "app.kubernetes.io/managed-by";
        if setting == "pod_labels" && is_reserved {
            return Err(InvalidSetting::new(
                setting,
                format!("has {key:?}, which is reserved for Cofferdam"),
            ));
        }
    }
    Ok(())
}

/// A DNS subdomain of at most 63 characters, so that it is a valid label too.
fn is_dns_name(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 63
        && text.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
        })
}

fn is_label_value(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    text.is_empty()
        || text.len() <= 63
            && text.starts_with(ends)
            && text.ends_with(ends)
            && text.chars().all(|c| ends(c) || "-_.".contains(c))
}
