//! The manifests of `deploy/` on a real node, with an image of the program under test.

use super::context::{Context, Test, block_on, expect};
use cofferdam_tests::{
    cluster::{Namespace, eventually},
    conformance::Failure,
    program::{root, stderr, stdout},
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{Pod, Secret, Service},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, LogParams, PostParams},
};
use serde_json::json;
use std::{fs, process::Command};

pub(super) const TESTS: &[Test] = tests![
    an_agent_has_a_sidecar_in_its_pod,
    agents_share_a_sidecar_with_tokens_and_tls,
    a_service_named_cofferdam_does_not_break_pods_of_its_namespace,
];

/// The image and the namespaces that replace those in the manifests.
struct TestEnv {
    image: String,
    sandboxes: Namespace,
    agents: Namespace,
}

impl TestEnv {
    /// None if no image can be loaded into the cluster.
    fn create(context: &Context, label: &str) -> Result<Option<Self>, Failure> {
        let script = Command::new(root().join("tests/cluster/deployment.sh")).output()?;
        match script.status.code() {
            Some(0) => {}
            Some(3) => {
                println!("skipped: {}", stderr(&script));
                return Ok(None);
            }
            _ => return Err(stderr(&script).into()),
        }
        let name = |role: &str| format!("{}-{label}-{role}", context.namespace.name);
        let [sandboxes, agents] =
            [name("sandboxes"), name("agents")].map(|name| block_on(Namespace::named(name)));
        let env = Self { image: stdout(&script).trim().to_owned(), sandboxes: sandboxes?, agents: agents? };
        let namespaces = ["--namespace", &env.sandboxes.name, "--sidecar-namespace", &env.agents.name];
        let manifests = context.dir.cofferdam([&["manifests"], &namespaces[..]].concat()).output()?;
        expect(manifests.status.success(), stderr(&manifests))?;
        block_on(env.sandboxes.apply(&stdout(&manifests)))?;
        Ok(Some(env))
    }

    /// Applies a file of `deploy/` with the changes that a user has to make.
    async fn apply(&self, file: &str, more: &[(&str, &str)]) -> Result<(), Failure> {
        let (agents, sandboxes) =
            (format!("namespace: {}", self.agents.name), format!("={}", self.sandboxes.name));
        let replacements =
            [("namespace: agents", &*agents), ("=sandboxes", &*sandboxes), ("cofferdam:0.1.0", &*self.image)];
        let yaml = fs::read_to_string(root().join("deploy").join(file))?;
        let yaml = replacements.iter().chain(more).try_fold(yaml, |yaml, (placeholder, value)| {
            if yaml.contains(placeholder) {
                Ok(yaml.replace(placeholder, value))
            } else {
                Err(format!("{file} lacks {placeholder}"))
            }
        })?;
        self.agents.apply(&yaml).await
    }

    /// Waits until this number of Pods of a Deployment is ready.
    async fn await_ready(&self, deployment: &str, pods: i32) -> Result<(), Failure> {
        let state = || async { Ok(self.agents.objects::<Deployment>().get_status(deployment).await?.status) };
        let ready = |status: &Option<k8s_openapi::api::apps::v1::DeploymentStatus>| {
            status.as_ref().is_some_and(|status| {
                status.available_replicas == Some(pods)
                    && status.unavailable_replicas.unwrap_or_default() == 0
            })
        };
        eventually(state, ready).await.map(|_| ())
    }

    /// The Pods of a Deployment that are not being deleted.
    async fn pods(&self, name: &str) -> Result<Vec<String>, Failure> {
        let selector = ListParams::default().labels(&format!("app.kubernetes.io/name={name}"));
        let pods = self.agents.objects::<Pod>().list(&selector).await?.items;
        let active = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(active.map(ResourceExt::name_any).collect())
    }

    async fn delete(&self) -> Result<(), Failure> {
        self.agents.delete().await?;
        self.sandboxes.delete().await
    }
}

/// Runs a test in an environment that is deleted in any case.
fn with_env(
    context: &Context,
    label: &str,
    test: impl AsyncFnOnce(&TestEnv) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(env) = TestEnv::create(context, label)? else { return Ok(()) };
    block_on(async {
        let result = test(&env).await;
        env.delete().await?;
        result
    })
}

/// The program of the agent's container.
fn agent() -> Result<String, Failure> {
    let host = fs::read_to_string(root().join("examples/hosts/python/composed.py"))?;
    let host = host.split("\nif __name__").next().unwrap_or_default().to_owned();
    let more = fs::read_to_string(root().join("tests/kubernetes/agent.py"))?;
    Ok(format!("{host}\n{more}"))
}

fn an_agent_has_a_sidecar_in_its_pod(context: &Context) -> Result<(), Failure> {
    with_env(context, "pod", async |env| {
        let component = "/run/cofferdam/code-executor-http.wasm";
        let command = json!(["python3", "-c", agent()?, component, "print(6*7)"]);
        let image = format!("image: agent:local\n        command: {command}");
        env.apply("agent.yaml", &[("image: agent:yours", &image)]).await?;
        env.await_ready("agent", 1).await?;

        let pod = env.pods("agent").await?.pop().ok_or("there is no Pod")?;
        let log = || async {
            let of_agent = LogParams { container: Some("agent".into()), ..LogParams::default() };
            Ok(env.agents.objects::<Pod>().logs(&pod, &of_agent).await?)
        };
        eventually(log, |log| log == "42\nHTTP/1.1 200 OK\n").await?;

        // The Pod is deleted while the second program runs.
        let jobs = || async {
            let jobs: Api<Job> = env.sandboxes.objects();
            let jobs = jobs.list(&ListParams::default()).await?.items;
            let active =
                jobs.iter().filter(|job| job.status.as_ref().is_some_and(|status| status.active == Some(1)));
            Ok(active.map(ResourceExt::name_any).collect::<Vec<_>>())
        };
        let running = eventually(jobs, |jobs| jobs.len() == 1).await?;
        env.agents.objects::<Pod>().delete(&pod, &DeleteParams::default()).await?;
        let left = || async {
            let left = env.sandboxes.remaining_objects().await?;
            Ok(left
                .into_iter()
                .filter(|name| running.iter().any(|run| name.contains(run)))
                .collect::<Vec<_>>())
        };
        eventually(left, Vec::is_empty).await?;
        env.await_ready("agent", 1).await
    })
}

fn agents_share_a_sidecar_with_tokens_and_tls(context: &Context) -> Result<(), Failure> {
    with_env(context, "service", async |env| {
        let certificate = rcgen::generate_simple_self_signed(["cofferdam.agents.svc".to_owned()])?;
        let (cert, key) = (certificate.cert.pem(), certificate.signing_key.serialize_pem());
        let secrets = [
            ("cofferdam-tokens", json!({ "tokens": "research sixteen-or-more-characters\n" })),
            ("cofferdam-tls", json!({ "tls.crt": cert, "tls.key": key })),
        ];
        for (name, data) in secrets {
            let secret: Secret =
                serde_json::from_value(json!({ "metadata": { "name": name }, "stringData": data }))?;
            env.agents.objects::<Secret>().create(&PostParams::default(), &secret).await?;
        }
        env.apply("service.yaml", &[]).await?;
        // The kubelet probes /readyz with TLS.
        env.await_ready("cofferdam", 2).await
    })
}

fn a_service_named_cofferdam_does_not_break_pods_of_its_namespace(context: &Context) -> Result<(), Failure> {
    with_env(context, "links", async |env| {
        // The kubelet sets variables such as COFFERDAM_PORT in each Pod for the Services of the namespace.
        let service = json!({ "metadata": { "name": "cofferdam" }, "spec": { "ports": [{ "port": 80 }] } });
        let service: Service = serde_json::from_value(service)?;
        env.agents.objects::<Service>().create(&PostParams::default(), &service).await?;
        // Without stdin it ends as soon as it has started.
        let security = json!({
            "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "runAsNonRoot": true,
            "seccompProfile": { "type": "RuntimeDefault" },
        });
        let args = json!(["mcp", "--backend", "kubernetes"]);
        let container =
            json!({ "name": "neighbour", "image": env.image, "args": args, "securityContext": security });
        let pod = json!({
            "metadata": { "name": "neighbour" }, "spec": { "containers": [container], "restartPolicy": "Never" },
        });
        let pods = env.agents.objects::<Pod>();
        pods.create(&PostParams::default(), &serde_json::from_value::<Pod>(pod)?).await?;
        let phase = || async { Ok(pods.get("neighbour").await?.status.and_then(|status| status.phase)) };
        let has_ended = |phase: &Option<String>| phase.as_deref().is_some_and(|phase| phase.ends_with("ed"));
        let phase = eventually(phase, has_ended).await?;
        expect(phase.as_deref() == Some("Succeeded"), pods.logs("neighbour", &LogParams::default()).await?)
    })
}
