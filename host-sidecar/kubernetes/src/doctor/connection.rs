//! Whether the API server can be reached, and as whom.

use super::{
    super::{SetupError, cluster::bounded, connect::Source},
    advice,
};
use crate::config::KubernetesConfig;
use cofferdam_core::doctor::{Finding, Findings};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::Client;

pub(super) const CHECK: &str = "api-server";

/// A connection to the API server.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Its name or address, as it is reached from here.
    pub(super) host: String,
    pub(super) port: u16,
}

/// Asks the API server for its version.
pub(super) async fn check(
    source: &Source,
    settings: &KubernetesConfig,
    findings: &mut Findings<'_>,
) -> Option<Connection> {
    let (connection, url) = match connect(source).await {
        Ok(connection) => connection,
        Err(error) => {
            findings.push(advice::of_request(CHECK, "use the way to the cluster", &error.into(), settings));
            return None;
        }
    };
    let answer = bounded(connection.client.apiserver_version()).await;
    let finding = match answer {
        Ok(Info { git_version, .. }) => Finding::ok(CHECK, format!("API server reachable: {url} ({git_version})")),
        // It may keep its version to itself; that it knows us is enough.
        Err(error) if advice::status(&error) == Some(403) => Finding::ok(CHECK, format!("API server reachable: {url}")),
        Err(error) => advice::of_request(CHECK, &format!("reach {url}"), &error, settings),
    };
    findings.push(finding).then_some(connection)
}

async fn connect(source: &Source) -> Result<(Connection, String), kube::Error> {
    let config = source.config().await?;
    let url = &config.cluster_url;
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
    let url = url.to_string().trim_end_matches('/').to_owned();
    Ok((Connection { client: Client::try_from(config)?, host, port }, url))
}

/// There is no way to the cluster, or not with these settings.
pub(super) fn broken(error: &SetupError) -> Finding {
    let otherwise = match error {
        SetupError::KubeconfigPath { .. } => "name a kubeconfig that can be used with --kubeconfig",
        SetupError::NoKubeconfig { .. } => "`kubectl config view` shows the one that kubectl uses",
        SetupError::NoContext { .. } | SetupError::NoCurrentContext { .. } => "name one that is there with --context",
        SetupError::NoCredentialProgram { .. } => "install the program that the message names",
        SetupError::Overlay(_) => "change the setting `pod_overlay`, or leave it out",
    };
    Finding::failed_with_message(CHECK, &error.to_string(), otherwise)
}
