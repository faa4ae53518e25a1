//! Whether this cluster, or this machine, can do what runs need, and if not, what to do: `cofferdam doctor`.

mod access;
mod admission;
mod advice;
mod answer;
mod finding;
mod local;
mod namespace;
mod outside;
mod probe;
mod runtime_class;
mod target;
mod way;

pub(crate) use finding::{Finding, Findings, Verdict};
pub(crate) use local::examine as examine_this_machine;

use super::Kubernetes;
use crate::{config::Settings, policy::Policy, sandbox::Backend};
use tokio_util::sync::CancellationToken;

/// The checks of a cluster, in their order.
const CHECKS: [&str; 6] = [way::CHECK, namespace::CHECK, access::CHECK, runtime_class::CHECK, admission::CHECK, RUN];
/// The check that runs a program.
const RUN: &str = "run";

/// Whether a program is run too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probing<'a> {
    /// The operator has nothing against it.
    pub(crate) is_wanted: bool,
    /// Set when the operator has had enough.
    pub(crate) cancelled: &'a CancellationToken,
}

impl Probing<'_> {
    /// Why there is to be no program, if so.
    fn refusal(&self) -> Option<&'static str> {
        if self.cancelled.is_cancelled() {
            return Some("you interrupted it");
        }
        (!self.is_wanted).then_some("--no-probe")
    }
}

/// Examines the cluster that the settings name. Checks that an earlier one makes impossible are skipped.
pub(crate) async fn examine(settings: &Settings, policy: &Policy, probing: Probing<'_>, findings: &mut Findings<'_>) {
    let backend = match Kubernetes::new(settings, policy) {
        Ok(backend) => backend,
        Err(error) => {
            findings.push(way::broken(&error));
            return skip_from(namespace::CHECK, "there is no way to the cluster", findings);
        }
    };
    let Some(way) = way::check(&backend.source, settings, findings).await else {
        return skip_from(namespace::CHECK, "the cluster cannot be asked", findings);
    };
    if !namespace::check(&way.client, settings, findings).await {
        return skip_from(access::CHECK, "runs have no namespace", findings);
    }
    let has_rights = access::check(&way.client, settings, findings).await;
    let has_class = runtime_class::check(&way.client, settings, findings).await;
    if !has_rights {
        return skip_from(admission::CHECK, "rights are missing", findings);
    }
    let is_admitted = admission::check(&way.client, settings, policy, findings).await;
    let why_not = probing.refusal().or((!has_class || !is_admitted).then_some("no run can start"));
    if let Some(why_not) = why_not {
        return skip_from(RUN, why_not, findings);
    }
    let targets = outside::of_cluster(&way, &settings.namespace).await;
    let found = match probe::run(&backend, policy, &targets, probing.cancelled).await {
        Ok(report) => answer::judge(&report, &outside::OF_CLUSTER, &targets),
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
    use crate::config::BackendChoice;

    #[tokio::test]
    async fn without_a_way_to_the_cluster_nothing_else_is_looked_at() {
        let settings = Settings {
            backend: BackendChoice::Kubernetes,
            kubeconfig_path: Some("/nowhere/kubeconfig".into()),
            ..Settings::default()
        };
        let policy = settings.policy().expect("a policy");
        let mut listener = |_: &Finding| {};
        let mut findings = Findings::new(&mut listener);
        let cancelled = CancellationToken::new();
        examine(&settings, &policy, Probing { is_wanted: true, cancelled: &cancelled }, &mut findings).await;
        let found = findings.into_all();
        let verdicts: Vec<_> = found.iter().map(|finding| (finding.check, finding.verdict)).collect();
        let skipped = CHECKS.into_iter().skip(1).map(|check| (check, Verdict::Skipped));
        let expected: Vec<_> = [(way::CHECK, Verdict::Failed)].into_iter().chain(skipped).collect();
        assert_eq!(verdicts, expected);
        assert!(found[0].text.contains("/nowhere/kubeconfig"), "{}", found[0]);
    }
}
