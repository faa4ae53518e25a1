//! `cofferdam session create`.

use super::{SidecarArgs, pairs};
use crate::cli::{
    Failure,
    options::{LimitArgs, describe_exceeded},
    sidecar, standard_output, variables,
};
use cofferdam_core::quantity::Seconds;
use cofferdam_http_api::session::SessionRequest;
use cofferdam_types::milliseconds;
use serde_json::json;
use std::process::ExitCode;

/// Creates a session.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// Your own name for the session; if there is one with this name, its id is printed
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Language whose image the sandbox has [default: python]
    #[arg(long, value_name = "NAME")]
    language: Option<String>,
    /// Image of the sandbox, one of those that the sidecar allows
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Network profile [default: none]
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// End the session after this time in seconds [default: the sidecar's]
    #[arg(long, value_name = "SECONDS")]
    expires: Option<Seconds>,
    /// End it after this time in any case; --expires can be moved up to that [default: the sidecar's]
    #[arg(long, value_name = "SECONDS")]
    max_lifetime: Option<Seconds>,
    /// End it after this time without an execution and without a request [default: the sidecar's]
    #[arg(long, value_name = "SECONDS")]
    idle_timeout: Option<Seconds>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Environment variable of all commands; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Working directory of all commands, which is made [default: /work]
    #[arg(long, value_name = "DIR")]
    workdir: Option<String>,
    /// Your own data, by which sessions can be listed; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    metadata: Vec<String>,
    /// Print the whole session as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sidecar: SidecarArgs,
}

pub(super) async fn create(args: CreateArgs) -> Result<ExitCode, Failure> {
    let in_milliseconds = |time: Seconds| milliseconds(time.0);
    let env =
        args.env.iter().map(|variable| variables::of_option(variable)).collect::<Result<Vec<_>, _>>()?;
    let request = SessionRequest {
        name: args.name,
        language: args.language,
        image: args.image,
        network: args.network,
        limits: args.limits.requested(),
        env: env.into_iter().map(|variable| (variable.name, variable.value)).collect(),
        working_dir: args.workdir,
        metadata: pairs("--metadata", &args.metadata)?,
        timeout_ms: args.expires.map(in_milliseconds),
        max_lifetime_ms: args.max_lifetime.map(in_milliseconds),
        idle_timeout_ms: args.idle_timeout.map(in_milliseconds),
    };
    let created = args.sidecar.client()?.create_session(&request).await;
    let (session, _) =
        created.map_err(|error| match error.exceeded.as_ref().and_then(describe_exceeded) {
            Some(text) => text.into(),
            None => sidecar::failure(error),
        })?;
    let line = if args.json { json!(session).to_string() } else { session.id };
    standard_output::print_line(&line)?;
    Ok(ExitCode::SUCCESS)
}
