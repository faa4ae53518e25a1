//! What executes the program: this process or a sidecar.

use super::{RunArgs, request::request};
use crate::{
    cli::{Failure, load, output_printer::OutputPrinter, pull_progress::pull_images, sidecar},
    config::Settings,
};
use cofferdam_client::{Address, Client};
use cofferdam_core::{
    Runtime,
    inputs::{self, LocalInput},
};
use cofferdam_types::{Error, Report, Request, validation::DEFAULT_LANGUAGE};
use tokio_util::sync::CancellationToken;

/// What executes the program.
pub(super) enum Target {
    Local(Runtime),
    Remote { client: Client, has_token: bool },
}

/// What the target is to execute.
pub(super) struct Submission {
    request: Request,
    /// Files and folders that are not in the request.
    streamed: Vec<LocalInput>,
}

/// Chooses the target, and reads the request for it. A remote sidecar has its own settings; ours are then not
/// loaded.
pub(super) fn choose(args: &RunArgs) -> Result<(Target, Submission), Failure> {
    let Some(address) = sidecar_address(args)? else {
        let settings = load(&args.settings)?;
        let policy = settings.policy()?;
        let (request, streamed) = request(args, Some(&policy.languages), settings.startup_timeout_seconds.0)?;
        // Before its startup time begins.
        let language = request.language.as_deref().unwrap_or(DEFAULT_LANGUAGE);
        pull_images(&settings, policy.languages.get(language).into_iter())?;
        // `--image` is a setting: what requests may choose opens no store.
        let runtime = settings.without_choice_of_images().runtime_with(policy)?;
        return Ok((Target::Local(runtime), Submission { request, streamed }));
    };
    let (request, streamed) = request(args, None, Settings::default().startup_timeout_seconds.0)?;
    let token = sidecar::token()?;
    let has_token = token.is_some();
    let target = Target::Remote { client: Client::new(address, token), has_token };
    Ok((target, Submission { request, streamed }))
}

/// The sidecar of the command line, else of the environment, unless an option chooses where to run.
fn sidecar_address(args: &RunArgs) -> Result<Option<Address>, Failure> {
    match &args.sidecar {
        Some(address) => Ok(Some(address.clone())),
        None if args.settings.is_given() => Ok(None),
        None => sidecar::address(),
    }
}

impl Target {
    pub(super) async fn execute(
        &self,
        submission: Submission,
        cancelled: &CancellationToken,
        printer: &OutputPrinter,
    ) -> Result<Report, Error> {
        let Submission { request, streamed } = submission;
        let inputs =
            if streamed.is_empty() { None } else { Some(inputs::stream(streamed.into_iter().map(Ok))) };
        match self {
            Self::Local(runtime) => runtime.run_with_inputs(request, inputs, cancelled, printer).await,
            Self::Remote { client, .. } => client.run_with_inputs(request, inputs, cancelled, printer).await,
        }
    }

    /// Waits until nothing of the execution is left on this machine or in the cluster.
    pub(super) async fn clean_up(&self) {
        if let Self::Local(runtime) = self {
            runtime.drain().await;
        }
    }

    /// An error in the words of the command line: a sidecar's error about a token is in those of HTTP.
    pub(super) fn explain(&self, error: Error) -> Error {
        match self {
            Self::Remote { has_token, .. } => sidecar::explain(error, *has_token),
            Self::Local(_) => error,
        }
    }
}
