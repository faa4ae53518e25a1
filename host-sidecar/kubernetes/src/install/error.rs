//! Why the manifests cannot be printed.

/// Why the manifests cannot be printed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// A rule that a NetworkPolicy cannot have.
    #[error(
        "the setting `networks.{network}.egress` has {rule}, which is not an egress rule of a NetworkPolicy: {problem}"
    )]
    Egress {
        /// The name of the network.
        network: String,
        /// The rule.
        rule: serde_json::Value,
        /// Why not.
        problem: String,
    },
    /// Programs would have the identity of the sidecar, which may create Pods.
    #[error(
        "the setting `service_account` is {0:?}, which is the service account of the sidecar: name another one there, or with \
         --sidecar-service-account"
    )]
    SharedServiceAccount(String),
    /// An object cannot be written as YAML.
    #[error("the manifests cannot be written as YAML: {0}")]
    Yaml(Box<dyn std::error::Error + Send + Sync>),
}
