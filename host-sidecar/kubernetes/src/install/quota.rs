//! The quota and the limits of the namespace. They must not refuse what the policy allows.

use super::metadata::{NAME, metadata};
use crate::{
    config::{KubernetesConfig, Workload},
    manifest::pod_memory,
};
use cofferdam_core::{
    policy::Policy,
    quantity::{Bytes, Cpu},
};
use k8s_openapi::{
    api::core::v1::{LimitRange, LimitRangeItem, LimitRangeSpec, ResourceQuota, ResourceQuotaSpec},
    apimachinery::pkg::api::resource::Quantity,
};
use std::collections::BTreeMap;

/// Largest number of ConfigMaps of one execution: 8 MiB of input with its metadata, 1 MB in each.
const CONFIG_MAPS_PER_EXECUTION: u64 = 9;
/// Other ConfigMaps: the runners of several versions, and those of the cluster.
const OTHER_CONFIG_MAPS: u64 = 16;

/// The comment on the quota.
pub(super) fn comment(executions: u32) -> String {
    format!(
        "Enough for {executions} concurrent executions and a quarter more, for Pods that are being deleted and for the\n\
         overhead that a RuntimeClass may add to each Pod. --runs sets another number."
    )
}

pub(super) fn quota(settings: &KubernetesConfig, policy: &Policy, executions: u32) -> ResourceQuota {
    let executions = u64::from(executions);
    let pods = executions + executions.div_ceil(4);
    let max_memory = pod_memory(&policy.ceilings);
    let requested = settings.mem_requested.0.min(max_memory);
    let mut hard = vec![
        ("pods", count(pods)),
        ("requests.cpu", millis(pods.saturating_mul(settings.cpu_requested.0.into()))),
        ("requests.memory", bytes(pods.saturating_mul(requested))),
        ("limits.memory", bytes(pods.saturating_mul(max_memory))),
        ("count/configmaps", count(pods * CONFIG_MAPS_PER_EXECUTION + OTHER_CONFIG_MAPS)),
    ];
    // Without a ceiling, no number would be large enough.
    hard.extend(max_cpu(policy).map(|cpu| ("limits.cpu", millis(pods.saturating_mul(cpu.0.into())))));
    if settings.workload == Workload::Job {
        // A finished Job that was not deleted stays for a minute.
        hard.push(("count/jobs.batch", count(2 * executions)));
    }
    ResourceQuota {
        metadata: metadata(&settings.namespace, NAME),
        spec: Some(ResourceQuotaSpec { hard: Some(quantities(hard)), ..ResourceQuotaSpec::default() }),
        status: None,
    }
}

pub(super) fn limit_range(settings: &KubernetesConfig, policy: &Policy) -> LimitRange {
    let defaults = &policy.defaults;
    let memory = pod_memory(defaults);
    let mut max = vec![("memory", bytes(pod_memory(&policy.ceilings)))];
    max.extend(max_cpu(policy).map(|cpu| ("cpu", millis(cpu.0.into()))));
    let mut limits = vec![("memory", bytes(memory))];
    limits.extend(defaults.cpu_millis.map(|cpu| ("cpu", millis(cpu.into()))));
    let requested = settings.cpu_requested.0.min(defaults.cpu_millis.unwrap_or(u32::MAX));
    let requests =
        vec![("cpu", millis(requested.into())), ("memory", bytes(settings.mem_requested.0.min(memory)))];
    LimitRange {
        metadata: metadata(&settings.namespace, NAME),
        spec: Some(LimitRangeSpec {
            limits: vec![LimitRangeItem {
                type_: "Container".to_owned(),
                max: Some(quantities(max)),
                default: Some(quantities(limits)),
                default_request: Some(quantities(requests)),
                ..LimitRangeItem::default()
            }],
        }),
    }
}

/// Largest CPU limit of an execution; `None`: no limit. The default may be above the ceiling.
fn max_cpu(policy: &Policy) -> Option<Cpu> {
    policy.ceilings.cpu_millis.map(|ceiling| Cpu(ceiling.max(policy.defaults.cpu_millis.unwrap_or_default())))
}

fn count(number: u64) -> Quantity {
    Quantity(number.to_string())
}

fn millis(number: u64) -> Quantity {
    Quantity(format!("{number}m"))
}

/// Kubernetes uses signed 64-bit integers.
fn bytes(number: u64) -> Quantity {
    Quantity(Bytes(number.min(i64::MAX.unsigned_abs())).to_string())
}

fn quantities(all: Vec<(&str, Quantity)>) -> BTreeMap<String, Quantity> {
    all.into_iter().map(|(name, quantity)| (name.to_owned(), quantity)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;
    use cofferdam_types::{Request, RequestedLimits};
    use k8s_openapi::api::core::v1::{Container, ResourceRequirements};

    /// The container of an execution with the largest limits that the policy allows.
    fn largest(settings: &KubernetesConfig, policy: &Policy) -> Container {
        let ceilings = &policy.ceilings;
        let limits = RequestedLimits {
            memory_bytes: Some(ceilings.memory_bytes),
            disk_bytes: Some(ceilings.disk_bytes),
            output_bytes: Some(ceilings.output_bytes),
            collected_bytes: Some(ceilings.collected_bytes),
            cpu_millis: ceilings.cpu_millis,
            ..RequestedLimits::default()
        };
        let plan = policy.plan(Request { code: "#".into(), limits, ..Request::default() }).expect("a plan");
        let identity = manifest::Identity::placeholder();
        let source = manifest::Source::Volume(1);
        let template = manifest::template(settings, &plan.sandbox, source, &identity).expect("a Pod");
        template.spec.expect("a spec").containers.swap_remove(0)
    }

    fn number(quantity: &Quantity) -> u64 {
        match quantity.0.strip_suffix('m') {
            Some(millis) => millis.parse().expect("a number"),
            None => quantity.0.parse::<Bytes>().expect("an amount of bytes").0,
        }
    }

    fn settings() -> [(KubernetesConfig, Policy); 2] {
        let default = KubernetesConfig::default();
        let mut small = default.clone();
        // Requests above the limits, and a ceiling below the default of clusters.
        small.mem_requested = Bytes(1 << 40);
        small.cpu_requested = Cpu(9000);
        let policy = default.policy(Policy::default());
        let mut small_policy = policy.clone();
        small_policy.ceilings.cpu_millis = Some(250);
        [(default, policy), (small, small_policy)]
    }

    #[test]
    fn the_quota_allows_the_largest_execution_as_often_as_promised() {
        const EXECUTIONS: u32 = 50;
        for (settings, policy) in settings() {
            let ResourceRequirements { limits, requests, .. } =
                largest(&settings, &policy).resources.expect("resources");
            let hard =
                quota(&settings, &policy, EXECUTIONS).spec.and_then(|spec| spec.hard).expect("a quota");
            let max = limit_range(&settings, &policy)
                .spec
                .and_then(|spec| spec.limits[0].max.clone())
                .expect("a maximum");
            for (kind, quantities) in [("requests", requests), ("limits", limits)] {
                for (name, quantity) in quantities.unwrap_or_default() {
                    let one = number(&quantity);
                    if let Some(max) = hard.get(&format!("{kind}.{name}")) {
                        assert!(
                            one * u64::from(EXECUTIONS) <= number(max),
                            "{kind}.{name}: {quantity:?} {max:?}"
                        );
                    }
                    if let Some(max) = max.get(&name) {
                        assert!(one <= number(max), "{kind}.{name}: {quantity:?} {max:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_defaults_of_a_container_are_below_its_limits() {
        for (settings, policy) in settings() {
            let limits = limit_range(&settings, &policy).spec.expect("a spec").limits.swap_remove(0);
            let (default, max) = (limits.default.expect("limits"), limits.max.expect("a maximum"));
            for (name, requested) in limits.default_request.expect("requests") {
                assert!(number(&requested) <= number(&default[&name]), "{name}");
            }
            for (name, max) in max {
                assert!(number(&default[&name]) <= number(&max), "{name}");
            }
        }
    }
}
