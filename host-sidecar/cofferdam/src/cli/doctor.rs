//! `cofferdam doctor`.

use super::{Failure, load, options::SandboxArgs, signals::EndSignals, standard_output};
use crate::{
    ImageStore,
    config::{BackendKind, Settings},
};
use cofferdam_core::{
    doctor::{Finding, Findings, ProbeOptions, Verdict},
    policy::{Language, Policy},
};
use cofferdam_images::{DEFAULT_IMAGE, ImageRecord};
use cofferdam_local::{Images, LocalConfig};
use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

const ABOUT: &str = "\
In a cluster this checks the connection to the API server, the namespace, each permission that
executions need, the RuntimeClass, and admission and quotas. Then it executes a program, which checks
the image, gVisor, and that no API server, metadata address, DNS or other Pod can be reached. On this
machine it checks gVisor and executes such a program. The image of the program needs python3.

Each line says ok, warning, FAILED or skipped, then the finding, and after a semicolon what to do.

Exit codes: 0 executions will work; 1 a check failed; 125 the settings are invalid, nothing was checked.";

/// The check of what programs have as their root file system.
const ROOT: &str = "root";

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
                let (config, images) = settings.local_with_images(&policy)?;
                for finding in root_findings(&settings, &config, images.as_ref(), &policy)? {
                    findings.push(finding);
                }
                let images = images.map(|images| Arc::new(images) as Arc<dyn Images>);
                cofferdam_local::doctor::examine(&config, images, &policy, probing, &mut findings).await
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

/// The root file system of programs on this machine, and of the languages that have another one.
fn root_findings(
    settings: &Settings,
    config: &LocalConfig,
    images: Option<&ImageStore>,
    policy: &Policy,
) -> Result<Vec<Finding>, Failure> {
    let stored = images.map(|images| images.store.images()).transpose()?.unwrap_or_default();
    let find = |image: &str| stored.find(&image.parse().ok()?).map(|(_, record)| record);
    let of_language = |(name, language): (&String, &Language)| {
        let image = language.image.as_ref().filter(|image| config.image.as_ref() != Some(*image))?;
        Some(image_finding(&format!("programs of the language {name} have the image"), image, find(image)))
    };
    let root = match &config.image {
        Some(image) if image == DEFAULT_IMAGE => {
            image_finding("programs have the default image,", image, find(image))
        }
        Some(image) => image_finding("programs have the image", image, find(image)),
        None => machine_finding(settings, config),
    };
    Ok([root].into_iter().chain(policy.languages.iter().filter_map(of_language)).collect())
}

fn image_finding(subject: &str, image: &str, found: Option<&ImageRecord>) -> Finding {
    let Some(record) = found else {
        let text = format!("{subject} {image}, which is not in the store");
        return Finding::warning(ROOT, text, "`cofferdam image pull` or `cofferdam image load` adds it");
    };
    if image != DEFAULT_IMAGE {
        return Finding::ok(ROOT, format!("{subject} {image}"));
    }
    // The day of a time.
    let built = record.created.as_deref().and_then(|time| time.split('T').next()).unwrap_or_default();
    Finding::ok(ROOT, format!("{subject} {image} ({built})"))
        .with_advice("`--image NAME` chooses another one, `--image ''` this machine's /usr")
}

fn machine_finding(settings: &Settings, config: &LocalConfig) -> Finding {
    let advice = match settings.image {
        None => {
            "for pandas, Node and more run `make sandbox-image`, and `cofferdam image load` with the file that it names"
        }
        Some(_) => "remove the setting `image` to use the default image where it is loaded",
    };
    match &config.rootfs {
        Some(rootfs) => Finding::ok(ROOT, format!("programs have the files in {}", rootfs.display())),
        None => Finding::ok(ROOT, "programs have this machine's /usr, and see what is installed in it")
            .with_advice(advice),
    }
}

fn settings(args: &DoctorArgs) -> Result<Settings, Failure> {
    let mut settings = load(&args.settings)?;
    // The probe uses the image of the command line, even if its language has another one.
    let language = settings.languages.get_mut(cofferdam_types::validation::DEFAULT_LANGUAGE);
    if let (Some(image), Some(language)) = (&args.settings.image, language) {
        language.image = Some(image.clone()).filter(|image| !image.is_empty());
    }
    Ok(settings)
}

fn code(findings: &[Finding]) -> ExitCode {
    let has_failed = findings.iter().any(|finding| finding.verdict == Verdict::Failed);
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
