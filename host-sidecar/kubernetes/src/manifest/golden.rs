//! The objects that executions create: `tests/golden/manifests/`. If a file is deleted there, the test writes
//! it again.

use super::{Identity, Process, Source, config_maps, job, pod, runner, template};
use crate::config::KubernetesConfig;
use cofferdam_core::policy::{Plan, Policy};
use cofferdam_types::{File, Request};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::Serialize;
use std::{fs, path::Path, sync::Arc, time::Duration};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const DEADLINE: Duration = Duration::from_secs(400);

fn identity() -> Identity {
    Identity {
        id: "run-0123456789abcdef0123".into(),
        sidecar: "5idecar".into(),
        labels: vec![("session".into(), "s 1".into())],
        expires: "2030-01-02T03:04:05Z".parse().expect("a time"),
        process: "machine/1/2".parse::<Process>().expect("a process"),
    }
}

fn settings(toml: &str) -> KubernetesConfig {
    toml::from_str(toml).expect("settings")
}

fn plan(policy: &Policy, request: Request) -> Plan {
    policy.plan(Request { code: "print(1)".into(), ..request }).expect("a plan")
}

/// Compares with the golden file, except for the hash in the name of the runner.
fn compare(name: &str, object: &impl Serialize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/manifests").join(name);
    let text = serde_json::to_string_pretty(object).expect("JSON") + "\n";
    let text = text.replace(runner::name(), "cofferdam-runner-VERSION-HASH");
    match fs::read_to_string(&path) {
        Ok(golden) => assert_eq!(text, golden, "{} differs", path.display()),
        Err(_) => {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, text).expect("a golden file");
            panic!("{} did not exist and has been written: review it", path.display());
        }
    }
}

#[test]
fn an_execution_with_default_settings_is_this_job() {
    let settings = settings("");
    let plan = plan(&settings.policy(Policy::default()), Request::default());
    let template = template(&settings, &plan.sandbox, Source::Volume(10), &identity()).expect("a Pod");
    compare("job.json", &job(&identity(), template, DEADLINE));
}

#[test]
fn a_prewarmed_pod_has_no_program() {
    let settings = settings("");
    let plan = plan(&settings.policy(Policy::default()), Request::default());
    let template =
        template(&settings, &plan.sandbox, Source::ConnectionOrRelay(SECRET), &identity()).expect("a Pod");
    compare("prewarmed.json", &template);
}

#[test]
fn an_execution_with_every_setting_is_this_pod() {
    let settings = settings(
        r#"
        image = "registry.example.com/team/python@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        cpu_requested = "1"
        mem_requested = "1Gi"
        runtime_class = "runsc"
        service_account = "programs"
        priority_class = "low"
        image_pull_secrets = ["registry"]
        tolerations = [{ key = "spot", operator = "Exists", effect = "NoSchedule" }]
        node_selector = { pool = "sandboxes" }
        pod_labels = { team = "agents" }
        pod_overlay.spec.topologySpreadConstraints = [
            { maxSkew = 1, topologyKey = "kubernetes.io/hostname", whenUnsatisfiable = "ScheduleAnyway" },
        ]
        networks.mirror.egress = [{ to = [{ ipBlock = { cidr = "192.0.2.0/24" } }] }]
        "#,
    );
    let mut policy = settings.policy(Policy::default());
    policy.defaults.cpu_millis = Some(250);
    let python = policy.languages.get_mut("python").expect("a language");
    (python.command, python.image) = (vec!["python3".into()], Some("python:3.13".into()));
    let plan = plan(&policy, Request { network: Some("mirror".into()), ..Request::default() });
    let template = template(&settings, &plan.sandbox, Source::Volume(1_500_000), &identity()).expect("a Pod");
    compare("pod.json", &pod(&identity(), template, DEADLINE));
}

#[test]
fn a_pod_has_the_image_that_the_request_has_chosen() {
    let settings = settings("");
    let mut policy = settings.policy(Policy::default());
    policy.allowed_images = Arc::new(["team/*".parse().expect("a pattern")].into_iter().collect());
    let plan = plan(&policy, Request { image: Some("team/app:1".into()), ..Request::default() });
    let template = template(&settings, &plan.sandbox, Source::Volume(10), &identity()).expect("a Pod");
    let container = &template.spec.expect("a Pod").containers[0];
    assert_eq!(container.image.as_deref(), Some("docker.io/team/app:1"));
}

#[test]
fn a_large_program_is_split_into_config_maps() {
    let owner = OwnerReference {
        api_version: "batch/v1".into(),
        kind: "Job".into(),
        name: identity().id,
        uid: "0".into(),
        ..OwnerReference::default()
    };
    compare("config-map.json", &config_maps(&identity(), b"program", &owner));
    let program: Vec<u8> = (0..=255).cycle().take(2_500_000).collect();
    let parts = config_maps(&identity(), &program, &owner);
    assert_eq!(parts.len(), 3);
    let bytes = parts
        .iter()
        .flat_map(|part| part.binary_data.iter().flatten().flat_map(|(_, bytes)| bytes.0.clone()));
    assert_eq!(bytes.collect::<Vec<u8>>(), program);
}

#[test]
fn files_do_not_change_the_size_of_the_pod() {
    let settings = settings("");
    let size = |files| {
        let plan = plan(&settings.policy(Policy::default()), Request { files, ..Request::default() });
        let template = template(&settings, &plan.sandbox, Source::Volume(10), &identity()).expect("a Pod");
        serde_json::to_string(&template).expect("JSON").len()
    };
    assert_eq!(size(vec![]), size(vec![File::new("a", vec![0; 100_000])]));
}
