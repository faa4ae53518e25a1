//! `cofferdam manifests`.

use super::{Failure, backend::BackendArgs, load, standard_output};
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
workload, service_account, networks, the limits and the ceilings. Nothing is asked of a cluster.";

/// Prints what a cluster needs for runs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManifestsArgs {
    /// The service account that the sidecar acts as, which gets the rights that runs need
    #[arg(long, value_name = "NAME", default_value = "cofferdam")]
    sidecar_service_account: String,
    /// The namespace of the sidecar, and of its service account [default: that of runs]
    #[arg(long, value_name = "NAME")]
    sidecar_namespace: Option<String>,
    /// Runs at once that the namespace has room for
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
    // They are for a cluster, whatever this machine would choose for its own executions.
    let policy = settings.policy_on(BackendKind::Kubernetes)?;
    let yaml = install::manifests(&settings.kubernetes(), &policy, &options).map_err(|error| error.to_string())?;
    standard_output::print(yaml.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
