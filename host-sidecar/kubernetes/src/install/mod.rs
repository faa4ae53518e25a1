//! The manifests that an operator applies once, so that a sidecar can use a namespace: `cofferdam manifests`.
//! Pure.

mod access;
mod error;
#[cfg(test)]
mod golden;
mod metadata;
mod namespace;
mod network;
mod quota;

pub use error::InstallError;

pub(crate) use access::{Right, rights};
pub(crate) use namespace::{ENFORCE_LABEL, RESTRICTED};

use crate::config::KubernetesConfig;
use cofferdam_core::policy::Policy;
use serde::Serialize;

/// Options in addition to the settings.
#[derive(Debug, Clone)]
pub struct Options {
    /// The service account of the sidecar.
    pub sidecar_service_account: String,
    /// The namespace of the sidecar. Default: the one of executions.
    pub sidecar_namespace: Option<String>,
    /// Number of concurrent executions that the quota allows.
    pub runs: u32,
}

/// The manifests for these settings, as YAML documents.
///
/// # Errors
///
/// [`InstallError`], naming the setting that is wrong.
pub fn manifests(
    settings: &KubernetesConfig,
    policy: &Policy,
    options: &Options,
) -> Result<String, InstallError> {
    let sidecar = &options.sidecar_service_account;
    let namespace = settings.namespace.as_str();
    let other = options.sidecar_namespace.as_deref().filter(|other| *other != namespace);
    if other.is_none() && settings.service_account.as_ref() == Some(sidecar) {
        return Err(InstallError::SharedServiceAccount(sidecar.clone()));
    }
    let mut yaml = format!(
        "# What executions of Cofferdam need in the namespace `{namespace}`. Printed by `cofferdam manifests`.\n"
    );
    match namespace::namespace(namespace) {
        Some(object) => {
            yaml += &document("The namespace of executions. It refuses less restricted Pods.", &object)?
        }
        None => yaml += namespace::NO_NAMESPACE,
    }
    if let Some(object) = other.and_then(namespace::namespace) {
        yaml += &document("The namespace of the sidecar, which is restricted in the same way.", &object)?;
    }
    let sidecar_namespace = other.unwrap_or(namespace);
    yaml += &document(
        "The service account of the sidecar.",
        &access::sidecar_account(sidecar_namespace, sidecar),
    )?;
    if let Some(account) = settings.service_account.as_deref() {
        yaml += &document(
            "The service account of Pods. It has no rights.",
            &access::program_account(namespace, account),
        )?;
    }
    let comment = "All rights of the sidecar. It has them in this namespace only.";
    yaml += &document(comment, &access::role(namespace, sidecar, settings.workload))?;
    yaml += &document("", &access::role_binding(namespace, sidecar_namespace, sidecar))?;
    let comment = "Pods of executions can neither open nor accept connections. Programs without a network do not even\n\
                   have a network interface.";
    yaml += &document(comment, &network::default_deny(namespace))?;
    for (name, network) in &settings.networks {
        let comment = format!(
            "What executions in the network `{name}` can connect to, in addition to the cluster's DNS."
        );
        yaml += &document(&comment, &network::egress_policy(namespace, name, network)?)?;
    }
    yaml += &document(&quota::comment(options.runs), &quota::quota(settings, policy, options.runs))?;
    let comment = "The largest limits of one execution, and the defaults for other containers.";
    yaml += &document(comment, &quota::limit_range(settings, policy))?;
    Ok(yaml)
}

/// One YAML document with a comment above it.
fn document(comment: &str, object: &impl Serialize) -> Result<String, InstallError> {
    let comment: String = comment.lines().map(|line| format!("# {line}\n")).collect();
    let yaml = serde_saphyr::to_string(object).map_err(|error| InstallError::Yaml(Box::new(error)))?;
    Ok(format!("---\n{comment}{yaml}"))
}
