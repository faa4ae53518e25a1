//! How much a namespace of runs may take of the cluster. It must never refuse what policy allows.

use super::{NAME, metadata};
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

/// ConfigMaps of a run at the most: 8 MiB of input with its names, arguments and environment, 1 MB in each.
const CONFIG_MAPS_OF_RUN: u64 = 9;
/// ConfigMaps that belong to no run: the runners of several versions, and the cluster's own.
const OTHER_CONFIG_MAPS: u64 = 16;

/// What is said about the quota.
pub(super) fn about_quota(runs: u32) -> String {
    format!(
        "Room for {runs} runs at once, and a quarter more: for those that are about to be gone, and for what a\n\
         RuntimeClass may add to each Pod as its overhead. Another number of runs: --runs."
    )
}

pub(super) fn quota(settings: &KubernetesConfig, policy: &Policy, runs: u32) -> ResourceQuota {
    let runs = u64::from(runs);
    let pods = runs + runs.div_ceil(4);
    let most = pod_memory(&policy.ceilings);
    let requested = settings.mem_requested.0.min(most);
    let mut hard = vec![
        ("pods", count(pods)),
        ("requests.cpu", millis(pods.saturating_mul(settings.cpu_requested.0.into()))),
        ("requests.memory", bytes(pods.saturating_mul(requested))),
        ("limits.memory", bytes(pods.saturating_mul(most))),
        ("count/configmaps", count(pods * CONFIG_MAPS_OF_RUN + OTHER_CONFIG_MAPS)),
    ];
    // Without a ceiling there is no number that a run could not pass.
    hard.extend(most_cpu(policy).map(|cpu| ("limits.cpu", millis(pods.saturating_mul(cpu.0.into())))));
    if settings.workload == Workload::Job {
        // One that has ended, and that nobody deleted, stays for a minute.
        hard.push(("count/jobs.batch", count(2 * runs)));
    }
    ResourceQuota {
        metadata: metadata(&settings.namespace, NAME),
        spec: Some(ResourceQuotaSpec { hard: Some(quantities(hard)), ..ResourceQuotaSpec::default() }),
        status: None,
    }
}

pub(super) fn limit_range(settings: &KubernetesConfig, policy: &Policy) -> LimitRange {
    let usual = &policy.defaults;
    let memory = pod_memory(usual);
    let mut max = vec![("memory", bytes(pod_memory(&policy.ceilings)))];
    max.extend(most_cpu(policy).map(|cpu| ("cpu", millis(cpu.0.into()))));
    let mut limits = vec![("memory", bytes(memory))];
    limits.extend(usual.cpu_millis.map(|cpu| ("cpu", millis(cpu.into()))));
    let requested = settings.cpu_requested.0.min(usual.cpu_millis.unwrap_or(u32::MAX));
    let requests = vec![("cpu", millis(requested.into())), ("memory", bytes(settings.mem_requested.0.min(memory)))];
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

/// As much of processors as a run can get; none: any amount. A run that names none gets the default, ceiling or not.
fn most_cpu(policy: &Policy) -> Option<Cpu> {
    policy.ceilings.cpu_millis.map(|ceiling| Cpu(ceiling.max(policy.defaults.cpu_millis.unwrap_or_default())))
}

fn count(number: u64) -> Quantity {
    Quantity(number.to_string())
}

fn millis(number: u64) -> Quantity {
    Quantity(format!("{number}m"))
}

/// Kubernetes counts in 63 bits.
fn bytes(number: u64) -> Quantity {
    Quantity(Bytes(number.min(i64::MAX.unsigned_abs())).to_string())
}

fn quantities(all: Vec<(&str, Quantity)>) -> BTreeMap<String, Quantity> {
    all.into_iter().map(|(name, quantity)| (name.to_owned(), quantity)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{manifest, process::Process};
    use cofferdam_core::new_id;
    use cofferdam_types::{Request, RequestedLimits};
    use jiff::Timestamp;
    use k8s_openapi::api::core::v1::{Container, ResourceRequirements};

    /// The container of a run that asks for all that policy allows.
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
        let identity = manifest::Identity {
            id: new_id(),
            sidecar: String::new(),
            labels: Vec::new(),
            expires: Timestamp::now(),
            process: Process::current().clone(),
        };
        let template = manifest::template(settings, &plan, Some(1), &identity).expect("a Pod");
        template.spec.expect("a spec").containers.swap_remove(0)
    }

    fn number(quantity: &Quantity) -> u64 {
        match quantity.0.strip_suffix('m') {
            Some(millis) => millis.parse().expect("a number"),
            None => quantity.0.parse::<Bytes>().expect("an amount of bytes").0,
        }
    }

    fn settings() -> [(KubernetesConfig, Policy); 2] {
        let usual = KubernetesConfig::default();
        let mut small = usual.clone();
        // Requests above the limits, and a ceiling below the default that a cluster has.
        small.mem_requested = Bytes(1 << 40);
        small.cpu_requested = Cpu(9000);
        let policy = usual.policy(Policy::default());
        let mut small_policy = policy.clone();
        small_policy.ceilings.cpu_millis = Some(250);
        [(usual, policy), (small, small_policy)]
    }

    #[test]
    fn the_largest_run_fits_as_often_as_it_may() {
        const RUNS: u32 = 50;
        for (settings, policy) in settings() {
            let ResourceRequirements { limits, requests, .. } =
                largest(&settings, &policy).resources.expect("resources");
            let hard = quota(&settings, &policy, RUNS).spec.and_then(|spec| spec.hard).expect("a quota");
            let max =
                limit_range(&settings, &policy).spec.and_then(|spec| spec.limits[0].max.clone()).expect("a maximum");
            for (kind, quantities) in [("requests", requests), ("limits", limits)] {
                for (name, quantity) in quantities.unwrap_or_default() {
                    let of_one = number(&quantity);
                    if let Some(most) = hard.get(&format!("{kind}.{name}")) {
                        assert!(of_one * u64::from(RUNS) <= number(most), "{kind}.{name}: {quantity:?} {most:?}");
                    }
                    if let Some(most) = max.get(&name) {
                        assert!(of_one <= number(most), "{kind}.{name}: {quantity:?} {most:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_container_gets_by_default_is_below_what_it_may_have() {
        for (settings, policy) in settings() {
            let limits = limit_range(&settings, &policy).spec.expect("a spec").limits.swap_remove(0);
            let (usual, max) = (limits.default.expect("limits"), limits.max.expect("a maximum"));
            for (name, requested) in limits.default_request.expect("requests") {
                assert!(number(&requested) <= number(&usual[&name]), "{name}");
            }
            for (name, most) in max {
                assert!(number(&usual[&name]) <= number(&most), "{name}");
            }
        }
    }
}
