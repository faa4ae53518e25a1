//! What an operator applies once, so that runs can take place in a namespace: `cofferdam manifests`. Pure.

mod access;
mod bounds;
#[cfg(test)]
mod golden;
mod namespace;
mod network;

pub(super) use access::{Right, rights};
pub(super) use namespace::{ENFORCE, RESTRICTED};

use crate::config::KubernetesConfig;
use cofferdam_core::policy::Policy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use std::collections::BTreeMap;

/// Name of every object that there is only one of.
const NAME: &str = "cofferdam";
/// Label of every object. That of runs is another one: what has it is removed with them.
const PART_OF: (&str, &str) = ("app.kubernetes.io/part-of", "cofferdam");

/// What the settings do not say.
#[derive(Debug, Clone)]
pub struct Options {
    /// The service account that the sidecar acts as.
    pub sidecar_service_account: String,
    /// The namespace of the sidecar; none: that of runs.
    pub sidecar_namespace: Option<String>,
    /// Runs at once that there is to be room for.
    pub runs: u32,
}

/// Why there is nothing that could be applied.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// A network profile that no NetworkPolicy can have.
    #[error(
        "the setting `networks.{network}.egress` has {rule}, which is no egress rule of a NetworkPolicy: {problem}"
    )]
    Egress {
        /// The profile.
        network: String,
        /// The rule.
        rule: serde_json::Value,
        /// What is wrong with it.
        problem: String,
    },
    /// Programs would share the identity that may create them.
    #[error(
        "the setting `service_account` is {0:?}, which is the sidecar's own: name another one there, or with \
         --sidecar-service-account"
    )]
    SharedServiceAccount(String),
    /// It cannot be written down.
    #[error("the manifests cannot be written as YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// The manifests for these settings, as YAML documents.
///
/// # Errors
///
/// [`InstallationError`], naming the setting that is wrong.
pub fn manifests(settings: &KubernetesConfig, policy: &Policy, options: &Options) -> Result<String, InstallationError> {
    let sidecar = &options.sidecar_service_account;
    let place = settings.namespace.as_str();
    let elsewhere = options.sidecar_namespace.as_deref().filter(|namespace| *namespace != place);
    if elsewhere.is_none() && settings.service_account.as_ref() == Some(sidecar) {
        return Err(InstallationError::SharedServiceAccount(sidecar.clone()));
    }
    let mut yaml =
        format!("# What runs of Cofferdam need in the namespace `{place}`, as `cofferdam manifests` prints it.\n");
    match namespace::namespace(place) {
        Some(namespace) => yaml += &document("Refuses Pods that are not as restricted as those of runs.", &namespace)?,
        None => yaml += namespace::NO_NAMESPACE,
    }
    if let Some(namespace) = elsewhere.and_then(namespace::namespace) {
        yaml += &document("That of the sidecar, which is as restricted itself.", &namespace)?;
    }
    let sidecars_place = elsewhere.unwrap_or(place);
    yaml += &document("The sidecar.", &access::sidecar_account(sidecars_place, sidecar))?;
    if let Some(account) = settings.service_account.as_deref() {
        yaml += &document("Whom Pods belong to. It may do nothing.", &access::program_account(place, account))?;
    }
    let comment = "All that the sidecar does in the cluster, and in this namespace alone.";
    yaml += &document(comment, &access::role(place, sidecar, settings.workload))?;
    yaml += &document("", &access::role_binding(place, sidecars_place, sidecar))?;
    let comment =
        "Nobody reaches a Pod of a run, and it reaches nobody. A program without a network has none to begin with.";
    yaml += &document(comment, &network::default_deny(place))?;
    for (name, profile) in &settings.networks {
        let comment = format!("What runs in the network profile `{name}` reach beside the cluster's DNS.");
        yaml += &document(&comment, &network::of_profile(place, name, profile)?)?;
    }
    yaml += &document(&bounds::about_quota(options.runs), &bounds::quota(settings, policy, options.runs))?;
    let comment = "As much as one run may ask for, and what a container gets that says nothing. Runs say all.";
    yaml += &document(comment, &bounds::limit_range(settings, policy))?;
    Ok(yaml)
}

/// One document, below what is said about it.
fn document(comment: &str, object: &impl Serialize) -> Result<String, serde_saphyr::ser::Error> {
    let comment: String = comment.lines().map(|line| format!("# {line}\n")).collect();
    Ok(format!("---\n{comment}{}", serde_saphyr::to_string(object)?))
}

fn metadata(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(part_of()),
        ..ObjectMeta::default()
    }
}

fn part_of() -> BTreeMap<String, String> {
    [(PART_OF.0.to_owned(), PART_OF.1.to_owned())].into()
}
