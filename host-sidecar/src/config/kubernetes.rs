//! What only the Kubernetes backend needs to know.

use super::{
    SettingsError,
    image::is_image,
    settings::{Settings, senseless},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, env, path::Path};

/// What a run becomes in the cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// A Job, which the cluster deletes itself if all else fails.
    #[default]
    Job,
    /// A bare Pod: less for the control plane to do.
    Pod,
}

/// A taint that Pods tolerate, as Kubernetes writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's key; none: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Exists` or `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The taint's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; none: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// For how long, with `NoExecute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// A network that programs may ask for by its name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Rules of a NetworkPolicy for what may be reached, as Kubernetes writes them; `cofferdam manifests` prints the policy.
    pub egress: Vec<Value>,
}

/// Whether this process runs in a Pod that may talk to its cluster.
pub(crate) fn is_in_cluster() -> bool {
    env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
}

impl Settings {
    /// Makes sure that the cluster's part of the settings can be what it says, before anything is created.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Senseless`], naming the setting.
    pub(super) fn check_kubernetes(&self) -> Result<(), SettingsError> {
        let images = self.languages.iter().filter_map(|(name, language)| {
            language.image.as_ref().map(|image| (format!("languages.{name}.image"), image))
        });
        for (setting, image) in std::iter::once(("image".to_owned(), &self.image)).chain(images) {
            if !is_image(image) {
                return Err(senseless(&setting, &format!("is {image:?}, which cannot be the name of an image")));
            }
        }
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
                return Err(senseless(
                    &setting,
                    &format!("has {name:?}, which is no name of an object: lower-case letters, digits, `-` and `.`"),
                ));
            }
        }
        if self.networks.contains_key(cofferdam_types::DEFAULT_NETWORK) {
            return Err(senseless("networks.none", "cannot be set: `none` is no network"));
        }
        for (setting, labels) in [("pod_labels", &self.pod_labels), ("node_selector", &self.node_selector)] {
            check_labels(setting, labels)?;
        }
        Ok(())
    }
}

fn check_labels(setting: &str, labels: &BTreeMap<String, String>) -> Result<(), SettingsError> {
    for (key, value) in labels {
        let (prefix, name) = key.split_once('/').map_or((None, key.as_str()), |(prefix, name)| (Some(prefix), name));
        if !prefix.is_none_or(is_dns_name) || name.is_empty() || !is_label_value(name) || !is_label_value(value) {
            return Err(senseless(setting, &format!("has {key:?} = {value:?}, which cannot be a label")));
        }
        let is_ours = prefix == Some("cofferdam.dev") || key == "app.kubernetes.io/managed-by";
        if setting == "pod_labels" && is_ours {
            return Err(senseless(setting, &format!("has {key:?}, which is Cofferdam's own")));
        }
    }
    Ok(())
}

/// A DNS subdomain as Kubernetes wants it, short enough for a label too.
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
