//! The settings of each part of the program: the policy, the backends and the server.

use super::{BackendChoice, BackendKind, Settings, SettingsError, TenantSettings};
use cofferdam_core::policy::{Policy, default_languages};
use cofferdam_kubernetes::{KubernetesConfig, config::is_in_cluster};
use cofferdam_local::LocalConfig;
use cofferdam_server::{ServerConfig, TenantConfig};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Settings {
    /// The operator's policy.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Setting`] for an invalid setting, such as a default above its ceiling.
    pub fn policy(&self) -> Result<Policy, SettingsError> {
        self.policy_on(self.backend_kind())
    }

    /// The operator's policy with this backend.
    pub(crate) fn policy_on(&self, backend: BackendKind) -> Result<Policy, SettingsError> {
        self.validate()?;
        let mut languages = default_languages();
        languages.extend(self.languages.clone());
        // Sandboxes of the local backend have no network.
        let networks = BTreeSet::new();
        let (defaults, ceilings) = (self.default_limits().limits(), self.ceilings.limits());
        let allowed_images = Arc::new(self.allowed_images.clone());
        let policy = Policy { defaults, ceilings, languages, networks, allowed_images };
        Ok(match backend {
            BackendKind::Kubernetes => self.kubernetes().policy(policy),
            BackendKind::Local => policy,
        })
    }

    /// The settings of the local backend.
    #[must_use]
    pub fn local(&self) -> LocalConfig {
        LocalConfig {
            runsc: self.runsc.clone(),
            rootfs: self.rootfs.clone(),
            image: self.named_image().map(ToOwned::to_owned),
            state_dir: self.state_dir.clone(),
        }
    }

    /// The settings of the Kubernetes backend.
    #[must_use]
    pub fn kubernetes(&self) -> KubernetesConfig {
        let default = KubernetesConfig::default();
        KubernetesConfig {
            namespace: self.namespace.clone(),
            image: self.named_image().map_or(default.image, ToOwned::to_owned),
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

    /// The image that the setting names. An empty name stands for none, not even the default image of this machine.
    pub(crate) fn named_image(&self) -> Option<&str> {
        self.image.as_deref().filter(|name| !name.is_empty())
    }

    /// The settings of the server, with the policies of the tenants.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::policy`].
    pub fn server(&self) -> Result<ServerConfig, SettingsError> {
        let mut tenants = BTreeMap::new();
        for (name, tenant) in &self.tenants {
            let TenantSettings { max_runs, max_connections, max_sessions, .. } = *tenant;
            let policy = self.tenant_policy(name)?;
            tenants.insert(name.clone(), TenantConfig { max_runs, max_connections, max_sessions, policy });
        }
        Ok(ServerConfig { serve: self.serve.clone(), mcp: self.mcp.clone(), tenants })
    }

    /// The backend that these settings choose. `auto` chooses a cluster only inside one, or if the settings
    /// name a kubeconfig or a context.
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
