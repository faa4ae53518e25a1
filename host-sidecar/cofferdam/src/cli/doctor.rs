//! `cofferdam doctor`.

use super::{Failure, load, options::SandboxArgs, signals::EndSignals, standard_output};
use crate::config::{BackendKind, Settings};
use cofferdam_core::doctor::{Finding, Findings, ProbeOptions, Verdict};
use std::{
    io::{self, Write},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;

const ABOUT: &str = "\
In a cluster this checks the connection to the API server, the namespace, each permission that
executions need, the RuntimeClass, and admission and quotas. Then it executes a program, which checks
the image, gVisor, and that no API server, metadata address, DNS or other Pod can be reached. On this
machine it checks gVisor and executes such a program. The image of the program needs python3.

Each line says ok, warning, FAILED or skipped, then the finding, and after a semicolon what to do.

Exit codes: 0 executions will work; 1 a check failed; 125 the settings are invalid, nothing was checked.";

/// Checks whether a cluster or this machine can run sandboxes.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT)]
pub(super) struct DoctorArgs {
    /// Execute no program: nothing is created in the cluster
    #[arg(long)]
    no_probe: bool,
    /// Print an array of {check, verdict, text, advice} as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SandboxArgs,
}

pub(super) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let settings = settings(args)?;
    let policy = settings.policy()?;
    let signals = EndSignals::install()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let findings = runtime.block_on(async {
        let cancelled = CancellationToken::new();
        tokio::spawn(signals.cancel_on_first(cancelled.clone())?);
        // Each line is printed as soon as it is known, since an execution takes a while.
        let mut show = |finding: &Finding| {
            if !args.json {
                let _ = writeln!(io::stdout(), "{finding}");
            }
        };
        let mut findings = Findings::new(&mut show);
        let probing = ProbeOptions { is_enabled: !args.no_probe, cancelled: &cancelled };
        match settings.backend_kind() {
            BackendKind::Kubernetes => {
                cofferdam_kubernetes::doctor::examine(&settings.kubernetes(), &policy, probing, &mut findings)
                    .await
            }
            BackendKind::Local => {
                let images = settings.local_images(&policy)?;
                cofferdam_local::doctor::examine(&settings.local(), images, &policy, probing, &mut findings)
                    .await
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
    // The probe uses the image of the command line, even if its language has another one.
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
