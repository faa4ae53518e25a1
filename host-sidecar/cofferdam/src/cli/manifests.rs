//! `cofferdam manifests`.

use super::{Failure, load, options::BackendArgs, standard_output};
use crate::config::BackendKind;
use clap::value_parser;
use cofferdam_kubernetes::install::{self, Options};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  cofferdam manifests --namespace sandboxes | kubectl apply -f -
  cofferdam manifests --namespace sandboxes --sidecar-namespace agents | kubectl apply -f -
  cofferdam manifests --config cofferdam.toml --runs 200 > sandboxes.yaml

It is YAML: the namespace with its Pod Security labels, the service accounts, the rights of the
sidecar, the NetworkPolicies, the quota and the limit range. It follows the settings: namespace,
workload, service_account, networks, the limits and the ceilings. It needs no cluster.";

/// Prints the manifests that a cluster needs for executions.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManifestsArgs {
    /// The sidecar's service account, which gets the permissions for executions
    #[arg(long, value_name = "NAME", default_value = "cofferdam")]
    sidecar_service_account: String,
    /// The namespace of the sidecar and its service account [default: that of the sandboxes]
    #[arg(long, value_name = "NAME")]
    sidecar_namespace: Option<String>,
    /// Concurrent executions that the quota of the namespace allows
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = value_parser!(u32).range(1..=100_000))]
    runs: u32,
    #[command(flatten)]
    settings: BackendArgs,
}

pub(super) fn manifests(args: &ManifestsArgs) -> Result<ExitCode, Failure> {
    let settings = load(&args.settings)?;
    let options = Options {
        sidecar_service_account: args.sidecar_service_account.clone(),
        sidecar_namespace: args.sidecar_namespace.clone(),
        runs: args.runs,
    };
    // The manifests are for a cluster, even if the settings choose the local backend.
    let policy = settings.policy_on(BackendKind::Kubernetes)?;
    let yaml =
        install::manifests(&settings.kubernetes(), &policy, &options).map_err(|error| error.to_string())?;
    standard_output::print(yaml.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
