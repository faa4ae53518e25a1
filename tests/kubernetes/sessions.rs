//! Sessions in Pods.

use super::context::{Context, Test, block_on, expect};
use cofferdam_tests::{
    cluster::{Action, ApiRequest, Namespace, eventually},
    conformance::Failure,
    program::{TestDir, stderr, stdout},
    sidecar::{HttpResponse, Sidecar},
};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, LogParams},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

pub(super) const TESTS: &[Test] = tests![
    a_session_keeps_its_files_cold_and_from_the_pool,
    a_session_whose_connection_is_cut_goes_on,
    a_session_whose_pod_is_deleted_is_lost,
    gc_deletes_the_sessions_of_a_killed_sidecar_and_no_others,
];

const SESSIONS: &str = "/v1/sessions";
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// Sends a request with a JSON body.
fn send(sidecar: &Sidecar, method: &str, path: &str, body: &Value) -> HttpResponse {
    block_on(sidecar.client().send(method, path, JSON, body.to_string()))
}

/// Opens a session and returns its path.
fn open(sidecar: &Sidecar) -> Result<String, Failure> {
    let response = send(sidecar, "POST", SESSIONS, &json!({}));
    match (response.status, response.json["id"].as_str()) {
        (201, Some(id)) => Ok(format!("{SESSIONS}/{id}")),
        _ => Err(format!("{response:?}").into()),
    }
}

/// Executes a command line in a session, and fails unless it prints this.
fn expect_output(sidecar: &Sidecar, session: &str, shell: &str, output: &str) -> Result<(), Failure> {
    let response = send(sidecar, "POST", &format!("{session}/executions"), &json!({ "shell": shell }));
    expect(response.json["stdout"]["content"] == output, (shell, response.status, &response.text))
}

async fn session_pods(namespace: &Namespace) -> Result<Vec<Pod>, Failure> {
    let params = ListParams::default().labels("cofferdam.dev/session");
    Ok(namespace.objects::<Pod>().list(&params).await?.items)
}

/// The secret with which a relay proves itself to the runner.
fn secret_of_relay(pod: &Pod) -> Option<String> {
    let args = pod.spec.as_ref()?.containers.first()?.args.as_ref()?;
    args.iter().skip_while(|arg| *arg != "--session").nth(1).cloned()
}

/// A sidecar in a namespace of its own, with the folder that it needs.
fn sidecar(settings: &[(&str, &str)]) -> Result<(Sidecar, Context), Failure> {
    let namespace = Arc::new(block_on(Namespace::create())?);
    let context = Context { dir: TestDir::new(), namespace };
    Ok((context.sidecar(&context.namespace.kubeconfig(), settings), context))
}

fn a_session_keeps_its_files_cold_and_from_the_pool(_: &Context) -> Result<(), Failure> {
    let (mut sidecar, context) = sidecar(&[("COFFERDAM_POOL__MAXIMUM", "1")])?;
    for is_warm in [false, true] {
        let session = open(&sidecar)?;
        expect_output(&sidecar, &session, "echo kept >file; echo secret-output", "secret-output\n")?;
        expect_output(&sidecar, &session, "cat file", "kept\n")?;
        let pods = block_on(session_pods(&context.namespace))?;
        let [pod] = pods.as_slice() else { return Err(format!("{} Pods", pods.len()).into()) };
        let evict = pod.annotations().get("cluster-autoscaler.kubernetes.io/safe-to-evict");
        expect(evict.is_some_and(|evict| evict == "false"), pod.annotations())?;
        // The Pod's status may be later than its container.
        let log = async || -> Result<Option<String>, Failure> {
            let pods = context.namespace.objects::<Pod>();
            Ok(pods.logs(&pod.name_any(), &LogParams::default()).await.ok())
        };
        let log = block_on(eventually(log, Option::is_some))?.unwrap_or_default();
        expect(log.len() < 64 << 10 && !log.contains("secret-output"), log)?;
        let jobs = block_on(
            context.namespace.objects::<Job>().list(&ListParams::default().labels("cofferdam.dev/session")),
        )?;
        let deadline = jobs.items.first().and_then(|job| job.spec.as_ref()?.active_deadline_seconds);
        expect(deadline.is_some_and(|seconds| seconds > 86_400), deadline)?;
        let closed = send(&sidecar, "DELETE", &session, &json!({}));
        expect(closed.status < 300, closed)?;
        block_on(eventually(|| session_pods(&context.namespace), Vec::is_empty))?;
        if !is_warm {
            sidecar.wait_for("a sandbox waits");
        }
    }
    sidecar.signal(Signal::TERM);
    let (status, log) = sidecar.end();
    expect(status.success() && log.contains("warm=true"), log)?;
    block_on(eventually(|| context.namespace.remaining_objects(), Vec::is_empty))?;
    block_on(context.namespace.delete())
}

fn a_session_whose_connection_is_cut_goes_on(context: &Context) -> Result<(), Failure> {
    let cuts = Arc::new(AtomicUsize::new(0));
    let counted = cuts.clone();
    let proxy = context.proxy(move |asked: &ApiRequest, _| {
        if !asked.path.contains("/exec") {
            return Action::Forward;
        }
        match counted.fetch_add(1, Ordering::Relaxed) {
            number @ 0..3 => Action::Cut(300 + 20_000 * number),
            3 => Action::Stall(5000),
            _ => Action::Forward,
        }
    })?;
    let sidecar = context.sidecar(proxy.kubeconfig(), &[]);
    let session = open(&sidecar)?;
    let expected: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    expect_output(&sidecar, &session, "seq 20000; echo run >>runs", &expected)?;
    // Each command was executed once.
    expect_output(&sidecar, &session, "cat runs", "run\n")?;
    expect(cuts.load(Ordering::Relaxed) >= 4, cuts)?;
    let secrets: Vec<_> =
        block_on(session_pods(&context.namespace))?.iter().filter_map(secret_of_relay).collect();
    let asked = proxy.requests();
    let has_secret = |asked: &ApiRequest| secrets.iter().any(|secret| asked.path.contains(secret));
    expect(!secrets.is_empty() && !asked.iter().any(has_secret), asked)?;
    expect(send(&sidecar, "DELETE", &session, &json!({})).status < 300, "closed")?;
    // It ends once everything of the session is deleted.
    sidecar.signal(Signal::TERM);
    let (status, log) = sidecar.end();
    expect(status.success(), log)
}

fn a_session_whose_pod_is_deleted_is_lost(_: &Context) -> Result<(), Failure> {
    let (sidecar, context) = sidecar(&[])?;
    let session = open(&sidecar)?;
    let pods = block_on(session_pods(&context.namespace))?;
    let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    for pod in &pods {
        block_on(context.namespace.objects::<Pod>().delete(&pod.name_any(), &now))?;
    }
    let answer = async || -> Result<HttpResponse, Failure> {
        Ok(sidecar.client().send("GET", &session, &[], "").await)
    };
    let gone = block_on(eventually(answer, |response: &HttpResponse| response.status == 410))?;
    expect(gone.text.contains("evicted"), gone)?;
    block_on(eventually(|| context.namespace.remaining_objects(), Vec::is_empty))?;
    block_on(context.namespace.delete())
}

fn gc_deletes_the_sessions_of_a_killed_sidecar_and_no_others(_: &Context) -> Result<(), Failure> {
    let (killed, context) = sidecar(&[])?;
    open(&killed)?;
    let other = Context { dir: TestDir::new(), namespace: context.namespace.clone() };
    let living = other.sidecar(&context.namespace.kubeconfig(), &[]);
    let session = open(&living)?;
    expect_output(&living, &session, "echo 1 >file", "")?;
    killed.signal(Signal::KILL);
    killed.end();
    let output = other.command("gc", &[]).output()?;
    expect(output.status.success(), (stdout(&output), stderr(&output)))?;
    block_on(eventually(|| session_pods(&context.namespace), |pods: &Vec<Pod>| pods.len() == 1))?;
    expect_output(&living, &session, "cat file", "1\n")?;
    living.signal(Signal::TERM);
    living.end();
    block_on(eventually(|| context.namespace.remaining_objects(), Vec::is_empty))?;
    block_on(context.namespace.delete())
}
