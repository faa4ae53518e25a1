//! The output of `cofferdam manifests`: `deploy/cofferdam.yaml`. If that file is deleted, the test writes it
//! again.

use super::{Options, manifests};
use crate::config::{KubernetesConfig, Network, Workload};
use cofferdam_core::policy::Policy;
use serde_json::json;
use std::{fs, path::Path};

fn settings() -> KubernetesConfig {
    KubernetesConfig { namespace: "cofferdam".into(), ..KubernetesConfig::default() }
}

fn options() -> Options {
    Options { sidecar_service_account: "cofferdam".into(), sidecar_namespace: None, runs: 50 }
}

fn print(settings: &KubernetesConfig) -> String {
    manifests(settings, &settings.policy(Policy::default()), &options()).expect("manifests")
}

#[test]
fn the_output_is_the_file_in_deploy() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/cofferdam.yaml");
    let printed = print(&settings());
    match fs::read_to_string(&path) {
        Ok(golden) => assert_eq!(printed, golden, "{} differs", path.display()),
        Err(_) => {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, printed).expect("a golden file");
            panic!("{} did not exist and has been written: review it", path.display());
        }
    }
}

#[test]
fn every_document_is_yaml_for_one_object() {
    let mut settings = settings();
    settings.service_account = Some("programs".into());
    // YAML would read this name as a boolean, and a quantity without quotes as a number.
    settings.networks =
        [("no".to_owned(), Network { egress: vec![json!({ "ports": [{ "port": 443 }] })] })].into();
    let printed = print(&settings);
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&printed).expect("YAML");
    let kinds: Vec<&str> = documents.iter().filter_map(|document| document["kind"].as_str()).collect();
    assert_eq!(
        kinds,
        [
            "Namespace",
            "ServiceAccount",
            "ServiceAccount",
            "Role",
            "RoleBinding",
            "NetworkPolicy",
            "NetworkPolicy",
            "ResourceQuota",
            "LimitRange",
        ]
    );
    let network_labels = &documents[6]["spec"]["podSelector"]["matchLabels"];
    assert_eq!(network_labels["cofferdam.dev/network"], "no");
    assert_eq!(documents[7]["spec"]["hard"]["pods"], "63");
    assert!(
        documents.iter().skip(1).all(|document| document["metadata"]["namespace"] == "cofferdam"),
        "{printed}"
    );
}

#[test]
fn the_namespace_default_is_not_created() {
    let printed =
        print(&KubernetesConfig { namespace: "default".into(), workload: Workload::Pod, ..settings() });
    assert!(!printed.contains("kind: Namespace"), "{printed}");
    assert!(printed.contains("# The namespace `default` exists already"), "{printed}");
    assert!(!printed.contains("count/jobs.batch"), "{printed}");
}

#[test]
fn programs_cannot_have_the_service_account_of_the_sidecar() {
    let settings = KubernetesConfig { service_account: Some("cofferdam".into()), ..settings() };
    let error = manifests(&settings, &Policy::default(), &options()).expect_err("an error").to_string();
    assert!(error.contains("service_account"), "{error}");
    // The same name in another namespace is another account.
    let options = Options { sidecar_namespace: Some("agents".into()), ..options() };
    assert!(manifests(&settings, &Policy::default(), &options).is_ok());
}

#[test]
fn a_sidecar_in_another_namespace_has_its_rights_in_that_of_executions() {
    let options = Options { sidecar_namespace: Some("agents".into()), ..options() };
    let printed = manifests(&settings(), &settings().policy(Policy::default()), &options).expect("manifests");
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&printed).expect("YAML");
    let of = |kind: &str| documents.iter().filter(|document| document["kind"] == kind).collect::<Vec<_>>();
    let namespaces: Vec<_> =
        of("Namespace").iter().map(|document| document["metadata"]["name"].clone()).collect();
    assert_eq!(namespaces, ["cofferdam", "agents"]);
    assert_eq!(of("ServiceAccount")[0]["metadata"]["namespace"], "agents");
    assert_eq!(of("Role")[0]["metadata"]["namespace"], "cofferdam");
    let binding = of("RoleBinding")[0];
    assert_eq!(
        (&binding["metadata"]["namespace"], &binding["subjects"][0]["namespace"]),
        (&json!("cofferdam"), &json!("agents"))
    );
}
