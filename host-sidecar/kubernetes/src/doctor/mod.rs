//! Whether a cluster can execute programs, and if not, what to do.

mod access;
mod admission;
mod advice;
mod connection;
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

/// The checks of a cluster, in their order.
const CHECKS: [&str; 6] =
    [connection::CHECK, namespace::CHECK, access::CHECK, runtime_class::CHECK, admission::CHECK, RUN];

/// Examines the cluster that the settings name. Checks that an earlier one makes impossible are skipped.
pub async fn examine(
    config: &KubernetesConfig,
    policy: &Policy,
    probing: ProbeOptions<'_>,
    findings: &mut Findings<'_>,
) {
    // Advice names the image of the probe, which is a program in the default language.
    let image = policy.languages.get(DEFAULT_LANGUAGE).and_then(|language| language.image.clone());
    let settings = &KubernetesConfig { image: image.unwrap_or_else(|| config.image.clone()), ..config.clone() };
    let backend = match KubernetesBackend::new(settings, policy) {
        Ok(backend) => backend,
        Err(error) => {
            findings.push(connection::broken(&error));
            return skip_from(namespace::CHECK, "there is no way to the cluster", findings);
        }
    };
    let Some(connection) = connection::check(&backend.source, settings, findings).await else {
        return skip_from(namespace::CHECK, "the cluster cannot be asked", findings);
    };
    if !namespace::check(&connection.client, settings, findings).await {
        return skip_from(access::CHECK, "runs have no namespace", findings);
    }
    let has_rights = access::check(&connection.client, settings, findings).await;
    let has_class = runtime_class::check(&connection.client, settings, findings).await;
    if !has_rights {
        return skip_from(admission::CHECK, "rights are missing", findings);
    }
    let is_admitted = admission::check(&connection.client, settings, policy, findings).await;
    let why_not = probing.refusal().or((!has_class || !is_admitted).then_some("no run can start"));
    if let Some(why_not) = why_not {
        return skip_from(RUN, why_not, findings);
    }
    let targets = targets::of_cluster(&connection, &settings.namespace).await;
    let found = match probe::run(&backend, policy, &targets, probing.cancelled).await {
        Ok(report) => probe_result::judge(&report, &targets::OF_CLUSTER, &targets),
        Err(error) => vec![advice::of_run(RUN, &error, settings)],
    };
    for finding in found {
        findings.push(finding);
    }
    backend.settle().await;
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
    async fn without_a_way_to_the_cluster_nothing_else_is_looked_at() {
        let settings =
            KubernetesConfig { kubeconfig_path: Some("/nowhere/kubeconfig".into()), ..KubernetesConfig::default() };
        let policy = Policy::default();
        let mut listener = |_: &Finding| {};
        let mut findings = Findings::new(&mut listener);
        let cancelled = CancellationToken::new();
        examine(&settings, &policy, ProbeOptions { is_wanted: true, cancelled: &cancelled }, &mut findings).await;
        let found = findings.into_all();
        let verdicts: Vec<_> = found.iter().map(|finding| (finding.check, finding.verdict)).collect();
        let skipped = CHECKS.into_iter().skip(1).map(|check| (check, Verdict::Skipped));
        let expected: Vec<_> = [(connection::CHECK, Verdict::Failed)].into_iter().chain(skipped).collect();
        assert_eq!(verdicts, expected);
        assert!(found[0].text.contains("/nowhere/kubeconfig"), "{}", found[0]);
    }
}
