//! No connections, except for those that the networks in the settings allow.

use super::{
    error::InstallError,
    metadata::{NAME, metadata},
};
use crate::{
    config::Network,
    manifest::{MANAGED_BY_LABEL, NETWORK_LABEL},
};
use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use serde_json::Value;

const EGRESS: &str = "Egress";
const INGRESS: &str = "Ingress";
/// The labels of the cluster's DNS. Source: the add-on `dns` of Kubernetes; its implementations have the same
/// labels.
const DNS_NAMESPACE: (&str, &str) = ("kubernetes.io/metadata.name", "kube-system");
const DNS_POD: (&str, &str) = ("k8s-app", "kube-dns");
const DNS_PORT: i32 = 53;

pub(super) fn default_deny(namespace: &str) -> NetworkPolicy {
    NetworkPolicy {
        metadata: metadata(namespace, NAME),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labelled(&[MANAGED_BY_LABEL])),
            policy_types: Some(vec![INGRESS.to_owned(), EGRESS.to_owned()]),
            ..NetworkPolicySpec::default()
        }),
    }
}

/// The connections that a network allows, and those to the cluster's DNS.
pub(super) fn egress_policy(
    namespace: &str,
    name: &str,
    network: &Network,
) -> Result<NetworkPolicy, InstallError> {
    let rules = network.egress.iter().map(|rule| {
        let problem =
            |problem| InstallError::Egress { network: name.to_owned(), rule: rule.clone(), problem };
        egress(rule).map_err(problem)
    });
    let rules = std::iter::once(Ok(dns())).chain(rules).collect::<Result<_, _>>()?;
    Ok(NetworkPolicy {
        metadata: metadata(namespace, &format!("{NAME}-network-{name}")),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labelled(&[MANAGED_BY_LABEL, (NETWORK_LABEL, name)])),
            policy_types: Some(vec![EGRESS.to_owned()]),
            egress: Some(rules),
            ..NetworkPolicySpec::default()
        }),
    })
}

/// Deserialises a rule. An unknown field must not be ignored: a rule without its conditions allows
/// everything.
fn egress(rule: &Value) -> Result<NetworkPolicyEgressRule, String> {
    let parsed: NetworkPolicyEgressRule =
        serde_json::from_value(rule.clone()).map_err(|error| error.to_string())?;
    let known = serde_json::to_value(&parsed).map_err(|error| error.to_string())?;
    if known == *rule { Ok(parsed) } else { Err(format!("Kubernetes would read it as {known}")) }
}

fn dns() -> NetworkPolicyEgressRule {
    let port = |protocol: &str| NetworkPolicyPort {
        port: Some(IntOrString::Int(DNS_PORT)),
        protocol: Some(protocol.to_owned()),
        ..NetworkPolicyPort::default()
    };
    NetworkPolicyEgressRule {
        ports: Some(vec![port("UDP"), port("TCP")]),
        to: Some(vec![NetworkPolicyPeer {
            namespace_selector: Some(labelled(&[DNS_NAMESPACE])),
            pod_selector: Some(labelled(&[DNS_POD])),
            ..NetworkPolicyPeer::default()
        }]),
    }
}

fn labelled(labels: &[(&str, &str)]) -> LabelSelector {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    LabelSelector { match_labels: Some(labels.collect()), ..LabelSelector::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(rule: Value) -> Result<NetworkPolicy, InstallError> {
        egress_policy("here", "mirror", &Network { egress: vec![rule] })
    }

    #[test]
    fn a_network_selects_its_pods_and_allows_its_rules() {
        let rule = json!({ "ports": [{ "port": 443, "protocol": "TCP" }],
                           "to": [{ "ipBlock": { "cidr": "192.0.2.0/24", "except": ["192.0.2.1/32"] } }] });
        let policy = policy(rule.clone()).expect("a policy");
        let spec = serde_json::to_value(policy.spec).expect("JSON");
        assert_eq!(spec["podSelector"]["matchLabels"][NETWORK_LABEL], "mirror");
        assert_eq!(spec["policyTypes"], json!(["Egress"]));
        assert_eq!(spec["egress"].as_array().map(Vec::len), Some(2));
        assert_eq!(spec["egress"][1], rule);
    }

    #[test]
    fn a_rule_with_unknown_fields_is_refused() {
        for rule in [
            json!({ "too": [{ "ipBlock": { "cidr": "192.0.2.0/24" } }] }),
            json!({ "to": [{ "ipBlok": { "cidr": "192.0.2.0/24" } }] }),
            json!({ "to": [{ "ipBlock": { "cird": "192.0.2.0/24" } }] }),
            json!({ "to": "192.0.2.0/24" }),
            json!("192.0.2.0/24"),
        ] {
            let error = policy(rule.clone()).expect_err("an error").to_string();
            assert!(error.contains("networks.mirror.egress"), "{rule}: {error}");
        }
    }
}
