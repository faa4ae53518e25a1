//! Whether the API server can be reached.

use super::advice;
use crate::{api::with_timeout, config::KubernetesConfig, connection::ClusterSource, error::SetupError};
use cofferdam_core::doctor::{Finding, Findings};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::Client;

pub(super) const CHECK: &str = "api-server";

/// A connection to the API server.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Its name or address in the kubeconfig.
    pub(super) host: String,
    pub(super) port: u16,
}

/// Requests the version of the API server.
pub(super) async fn check(
    source: &ClusterSource,
    settings: &KubernetesConfig,
    findings: &mut Findings<'_>,
) -> Option<Connection> {
    let (connection, url) = match connect(source).await {
        Ok(connection) => connection,
        Err(error) => {
            findings.push(advice::request_failed(CHECK, "connect to the cluster", &error.into(), settings));
            return None;
        }
    };
    let answer = with_timeout(connection.client.apiserver_version()).await;
    let finding = match answer {
        Ok(Info { git_version, .. }) => {
            Finding::ok(CHECK, format!("API server reachable: {url} ({git_version})"))
        }
        // The version may be forbidden. The answer shows that the API server can be reached.
        Err(error) if advice::status(&error) == Some(403) => {
            Finding::ok(CHECK, format!("API server reachable: {url}"))
        }
        Err(error) => advice::request_failed(CHECK, &format!("reach {url}"), &error, settings),
    };
    findings.push(finding).then_some(connection)
}

async fn connect(source: &ClusterSource) -> Result<(Connection, String), kube::Error> {
    let config = source.client_config().await?;
    let url = &config.cluster_url;
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
    let url = url.to_string().trim_end_matches('/').to_owned();
    Ok((Connection { client: Client::try_from(config)?, host, port }, url))
}

/// The finding for settings that lead to no cluster.
pub(super) fn setup_failed(error: &SetupError) -> Finding {
    let advice = match error {
        SetupError::KubeconfigPath { .. } => "name another kubeconfig with --kubeconfig",
        SetupError::NoKubeconfig { .. } => "`kubectl config view` shows the one that kubectl uses",
        SetupError::NoContext { .. } | SetupError::NoCurrentContext { .. } => {
            "name one of the contexts with --context"
        }
        SetupError::NoCredentialProgram { .. } => "install the program that the message names",
        SetupError::Overlay(_) => "correct the setting `pod_overlay`, or remove it",
    };
    Finding::failed_with_message(CHECK, &error.to_string(), advice)
}
