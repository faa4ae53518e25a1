//! Whether a cluster can execute programs, and if not, what to do.

mod access;
mod admission;
mod advice;
mod api_server;
mod namespace;
mod runtime_class;
mod targets;

use crate::{KubernetesBackend, KubernetesConfig};
use cofferdam_core::{
    Backend,
    doctor::{Finding, Findings, ProbeOptions, RUN, probe, probe_result},
    policy::Policy,
};
use cofferdam_types::validation::DEFAULT_LANGUAGE;

/// The checks of a cluster, in order.
const CHECKS: [&str; 6] =
    [api_server::CHECK, namespace::CHECK, access::CHECK, runtime_class::CHECK, admission::CHECK, RUN];

/// Examines the cluster of the settings. A failed check skips those that depend on it.
pub async fn examine(
    config: &KubernetesConfig,
    policy: &Policy,
    probing: ProbeOptions<'_>,
    findings: &mut Findings<'_>,
) {
    // Advice names the image, and the probe is a program in the default language.
    let image = policy.languages.get(DEFAULT_LANGUAGE).and_then(|language| language.image.clone());
    let settings =
        &KubernetesConfig { image: image.unwrap_or_else(|| config.image.clone()), ..config.clone() };
    let backend = match KubernetesBackend::new(settings, policy) {
        Ok(backend) => backend,
        Err(error) => {
            findings.push(api_server::setup_failed(&error));
            return skip_from(namespace::CHECK, "there is no connection to a cluster", findings);
        }
    };
    let Some(connection) = api_server::check(backend.source(), settings, findings).await else {
        return skip_from(namespace::CHECK, "the API server does not answer", findings);
    };
    if !namespace::check(&connection.client, settings, findings).await {
        return skip_from(access::CHECK, "there is no namespace for executions", findings);
    }
    let has_rights = access::check(&connection.client, settings, findings).await;
    let has_class = runtime_class::check(&connection.client, settings, findings).await;
    if !has_rights {
        return skip_from(admission::CHECK, "rights are missing", findings);
    }
    let is_admitted = admission::check(&connection.client, settings, policy, findings).await;
    let why_not = probing.skip_reason().or((!has_class || !is_admitted).then_some("no execution can start"));
    if let Some(why_not) = why_not {
        return skip_from(RUN, why_not, findings);
    }
    let targets = targets::find(&connection, &settings.namespace).await;
    let results = match probe::run(&backend, policy, &targets, probing.cancelled).await {
        Ok(report) => probe_result::classify(&report, &targets::OUTSIDE, &targets),
        Err(error) => vec![advice::execution_failed(RUN, &error, settings)],
    };
    for finding in results {
        findings.push(finding);
    }
    backend.drain().await;
}

fn skip_from(first: &str, why: &str, findings: &mut Findings<'_>) {
    for check in CHECKS.into_iter().skip_while(|check| *check != first) {
        findings.push(Finding::skipped(check, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::doctor::Verdict;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn without_a_connection_all_other_checks_are_skipped() {
        let settings = KubernetesConfig {
            kubeconfig_path: Some("/nowhere/kubeconfig".into()),
            ..KubernetesConfig::default()
        };
        let policy = Policy::default();
        let mut listener = |_: &Finding| {};
        let mut findings = Findings::new(&mut listener);
        let cancelled = CancellationToken::new();
        examine(&settings, &policy, ProbeOptions { is_enabled: true, cancelled: &cancelled }, &mut findings)
            .await;
        let found = findings.into_all();
        let verdicts: Vec<_> = found.iter().map(|finding| (finding.check, finding.verdict)).collect();
        let skipped = CHECKS.into_iter().skip(1).map(|check| (check, Verdict::Skipped));
        let expected: Vec<_> = [(api_server::CHECK, Verdict::Failed)].into_iter().chain(skipped).collect();
        assert_eq!(verdicts, expected);
        assert!(found[0].text.contains("/nowhere/kubeconfig"), "{}", found[0]);
    }
}
