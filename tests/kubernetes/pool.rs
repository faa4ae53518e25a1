//! Prewarmed Pods.

use super::context::{Context, Test, block_on, expect};
use cofferdam_tests::{
    cluster::{Namespace, eventually},
    conformance::Failure,
    program::{stderr, stdout},
    sidecar::{HttpResponse, Sidecar},
};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams},
};
use rustix::process::Signal;
use serde_json::json;
use std::sync::Arc;

pub(super) const TESTS: &[Test] = tests![
    the_second_execution_with_the_same_spec_uses_a_warm_pod,
    a_deleted_warm_pod_is_not_used,
    warm_pods_are_evicted_for_an_unschedulable_execution,
    gc_deletes_the_warm_pods_of_a_killed_sidecar,
];

const SANDBOX_WAITS: &str = "a sandbox waits";

/// A sidecar with a pool, and an otherwise empty namespace.
struct TestEnv {
    sidecar: Sidecar,
    namespace: Arc<Namespace>,
}

impl TestEnv {
    fn create(context: &Context, settings: &[(&str, &str)]) -> Result<Self, Failure> {
        let namespace = Arc::new(block_on(Namespace::create())?);
        let kubeconfig = namespace.kubeconfig();
        let kubeconfig = kubeconfig.to_string_lossy();
        let options =
            ["--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", &namespace.name];
        let settings = [settings, &[("COFFERDAM_POOL__MAXIMUM", "1")]].concat();
        Ok(Self { sidecar: Sidecar::start(&context.dir, &options, &settings), namespace })
    }

    fn run(&self, code: &str) -> HttpResponse {
        block_on(self.sidecar.client().run(&json!({ "code": code }), &[]))
    }

    fn delete(self) -> Result<(), Failure> {
        block_on(self.namespace.delete())
    }
}

fn the_second_execution_with_the_same_spec_uses_a_warm_pod(context: &Context) -> Result<(), Failure> {
    let mut env = TestEnv::create(context, &[("COFFERDAM_LANGUAGES__PYTHON__PRELOAD_MODULES", "[decimal]")])?;
    let has_decimal = "import sys\nprint('decimal' in sys.modules)";
    for (is_warm, output) in [(false, "False\n"), (true, "True\n")] {
        let response = env.run(has_decimal);
        expect(response.json["warm"] == is_warm && response.json["stdout"]["content"] == output, response)?;
        env.sidecar.wait_for(SANDBOX_WAITS);
    }
    // More than the API server forwards at once, in each direction.
    let files = json!([{ "path": "in", "content": "x".repeat(3 << 20) }]);
    let request = json!({ "code": "print(open('in').read())", "files": files });
    let third = block_on(env.sidecar.client().run(&request, &[]));
    let output = third.json["stdout"]["content"].as_str().unwrap_or_default();
    expect(third.json["warm"] == true && output.len() == (3 << 20) + 1, &third.json["status"])?;
    env.sidecar.wait_for(SANDBOX_WAITS);
    env.sidecar.signal(Signal::TERM);
    let TestEnv { sidecar, namespace } = env;
    let (status, log) = sidecar.end();
    expect(status.success(), log)?;
    block_on(eventually(|| namespace.remaining_objects(), Vec::is_empty))?;
    block_on(namespace.delete())
}

fn a_deleted_warm_pod_is_not_used(context: &Context) -> Result<(), Failure> {
    let mut env = TestEnv::create(context, &[])?;
    env.run("print(1)");
    env.sidecar.wait_for(SANDBOX_WAITS);
    let pods = env.namespace.objects::<Pod>();
    let waiting =
        |pods: Vec<Pod>| pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
    let list =
        async || -> Result<Vec<Pod>, Failure> { Ok(waiting(pods.list(&Default::default()).await?.items)) };
    let found = block_on(eventually(list, |pods: &Vec<Pod>| pods.len() == 1))?;
    let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    block_on(pods.delete(&found[0].name_any(), &now))?;
    let response = env.run("print(2)");
    expect(response.json["stdout"]["content"] == "2\n" && response.json["status"]["exited"] == 0, response)?;
    env.delete()
}

fn warm_pods_are_evicted_for_an_unschedulable_execution(context: &Context) -> Result<(), Failure> {
    // More CPU than any node has left beside one warm Pod.
    let cpu = block_on(max_millicores(&context.namespace.admin))?;
    let half = format!("{}m", cpu / 2 + 100);
    let settings = [
        ("COFFERDAM_CPU_REQUESTED", half.as_str()),
        ("COFFERDAM_CPU_LIMIT", &half),
        ("COFFERDAM_POOL__MINIMUM", "1"),
        ("COFFERDAM_STARTUP_TIMEOUT_SECONDS", "60"),
    ];
    let mut env = TestEnv::create(context, &settings)?;
    let ready = block_on(env.sidecar.client().send("GET", "/readyz", &[], ""));
    expect(ready.status == 200, ready)?;
    env.sidecar.wait_for(SANDBOX_WAITS);
    // In another language, so that it cannot use the warm Pod.
    let response =
        block_on(env.sidecar.client().run(&json!({ "code": "echo hello", "language": "bash" }), &[]));
    expect(response.json["stdout"]["content"] == "hello\n" && response.json["warm"] == false, response)?;
    let log = env.sidecar.wait_for("an idle sandbox is evicted");
    expect(!log.contains("kubeconfig"), log)?;
    env.delete()
}

/// The CPU of the largest node, in millicores.
async fn max_millicores(admin: &Client) -> Result<u32, Failure> {
    let nodes = Api::<Node>::all(admin.clone()).list(&ListParams::default()).await?;
    let millicores = |node: &Node| {
        let quantity = node.status.as_ref()?.allocatable.as_ref()?.get("cpu")?.0.clone();
        match quantity.strip_suffix('m') {
            Some(millicores) => millicores.parse().ok(),
            None => quantity.parse::<u32>().ok().map(|cores| cores * 1000),
        }
    };
    nodes.iter().filter_map(millicores).max().ok_or_else(|| "no node has processors".into())
}

fn gc_deletes_the_warm_pods_of_a_killed_sidecar(context: &Context) -> Result<(), Failure> {
    let mut env = TestEnv::create(context, &[])?;
    env.run("print(1)");
    env.sidecar.wait_for(SANDBOX_WAITS);
    env.sidecar.signal(Signal::KILL);
    let TestEnv { sidecar, namespace } = env;
    sidecar.end();
    let kubeconfig = namespace.kubeconfig();
    let kubeconfig = kubeconfig.to_string_lossy();
    let options =
        ["gc", "--backend", "kubernetes", "--kubeconfig", &kubeconfig, "--namespace", &namespace.name];
    let output = context.dir.cofferdam(options).env_remove("KUBECONFIG").output()?;
    expect(
        output.status.success() && stdout(&output).starts_with("deleted the leftovers"),
        (stdout(&output), stderr(&output)),
    )?;
    block_on(eventually(|| namespace.remaining_objects(), Vec::is_empty))?;
    block_on(namespace.delete())
}
