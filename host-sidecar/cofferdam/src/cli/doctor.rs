//! `cofferdam doctor`.

use super::{Failure, backend::BackendArgs, load, run, standard_output};
use crate::config::{BackendKind, Overrides, Settings};
use cofferdam_core::doctor::{Finding, Findings, ProbeOptions, Verdict};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;

const ABOUT: &str = "\
Of a cluster this looks at the way to its API server, the namespace of runs, each right that runs
need, the RuntimeClass, whether admission and quotas would take the objects of a run, and with a run
of its own, whether the image can be had, the sandbox is gVisor, and its program reaches no API
server, metadata address, DNS or other Pod. Of this machine it looks at gVisor and such a run.

Each line says ok, warning, FAILED or skipped, what is so, and after a semicolon what to do.

Exit codes: 0 runs will work; 1 something failed; 125 the settings are wrong, nothing was looked at.";

/// Says whether a cluster, or this machine, can do what runs need.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT)]
pub(super) struct DoctorArgs {
    /// Run no program: nothing is made in the cluster
    #[arg(long)]
    no_probe: bool,
    /// Print an array of {check, verdict, text, advice} as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Settings that have an option of their own.
#[derive(Debug, clap::Args, Serialize)]
struct SettingsArgs {
    #[command(flatten)]
    #[serde(flatten)]
    backend: BackendArgs,
    /// The image of the sandbox in a cluster; it has to have python3 [default: python:3.11-slim]
    #[arg(long, value_name = "IMAGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// The gVisor program of this machine [default: that of set-up or PATH]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    runsc: Option<PathBuf>,
    /// An unpacked image for the sandbox's root on this machine [default: its /usr]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rootfs: Option<PathBuf>,
}

impl Overrides for SettingsArgs {
    fn config(&self) -> Option<&Path> {
        self.backend.config()
    }
}

pub(super) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let settings = settings(args)?;
    let policy = settings.policy()?;
    let impatient = run::end_at_signals_once_set()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let findings = runtime.block_on(async {
        let cancelled = CancellationToken::new();
        tokio::spawn(run::cancel_on_signal(cancelled.clone(), impatient)?);
        // Each line is there as soon as it is known; a run takes its time.
        let mut show = |finding: &Finding| {
            if !args.json {
                let _ = writeln!(io::stdout(), "{finding}");
            }
        };
        let mut findings = Findings::new(&mut show);
        let probing = ProbeOptions { is_wanted: !args.no_probe, cancelled: &cancelled };
        match settings.backend_kind() {
            BackendKind::Kubernetes => {
                cofferdam_kubernetes::doctor::examine(&settings.kubernetes(), &policy, probing, &mut findings).await
            }
            BackendKind::Local => {
                cofferdam_local::doctor::examine(&settings.local(), &policy, probing, &mut findings).await
            }
        }
        Ok::<_, Failure>(findings.into_all())
    })?;
    if args.json {
        let json = serde_json::to_string_pretty(&findings).map_err(io::Error::from)?;
        standard_output::print_line(&json)?;
    }
    Ok(code(&findings))
}

fn settings(args: &DoctorArgs) -> Result<Settings, Failure> {
    let mut settings = load(&args.settings)?;
    // The image that is named is the one to look at, whatever the probe's language would be in.
    let language = settings.languages.get_mut(cofferdam_types::validation::DEFAULT_LANGUAGE);
    if let (Some(image), Some(language)) = (&args.settings.image, language) {
        language.image = Some(image.clone());
    }
    Ok(settings)
}

fn code(findings: &[Finding]) -> ExitCode {
    let has_failed = findings.iter().any(|finding| finding.verdict == Verdict::Failed);
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
