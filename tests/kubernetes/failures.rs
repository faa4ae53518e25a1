//! Each failure is reported by its cause as soon as the cluster knows it, long before the startup timeout of
//! a minute.

use super::context::{Context, Test, block_on, expect, expect_error, id_in, json_result, read_until};
use cofferdam_tests::{
    cluster::{Action, Namespace},
    conformance::Failure,
    program::stderr,
};
use hyper::{Method, StatusCode};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::DeleteParams};
use serde_json::{Value, json};
use std::{
    io::{BufReader, Read},
    process::Child,
    sync::Arc,
};

pub(super) const TESTS: &[Test] = tests![
    a_node_selector_without_a_match_is_unschedulable,
    resources_beyond_any_node_are_unschedulable,
    a_missing_image_is_unavailable,
    a_missing_runtime_class_is_named,
    a_runtime_missing_on_the_node_is_sandbox_unavailable,
    a_missing_service_account_is_named,
    a_sandbox_that_is_not_gvisor_runs_nothing,
    an_interpreter_missing_from_the_image_is_named,
    an_exhausted_quota_is_named,
    a_denial_by_admission_is_named,
    missing_permissions_are_named,
    a_refused_connection_to_the_cluster_is_unreachable,
    an_unresponsive_api_server_is_unreachable,
    a_deleted_pod_is_reported_as_evicted,
    an_evicted_pod_is_reported_as_evicted,
    a_lost_node_is_reported_as_evicted,
    an_oom_kill_is_reported_as_out_of_memory,
    error_details_are_logged_and_not_returned_to_the_caller,
];

/// The result of an execution with these settings.
fn run_with_settings(context: &Context, settings: &str) -> Result<Value, Failure> {
    context.dir.write("settings.toml", settings);
    context.run("print(1)", &["--config", "settings.toml"])
}

fn a_node_selector_without_a_match_is_unschedulable(context: &Context) -> Result<(), Failure> {
    let result = run_with_settings(context, "scale_up_seconds = 1\nnode_selector = { pool = 'nowhere' }")?;
    expect_error(&result, "unschedulable", "`node_selector`")?;
    expect(result["retryable"] == false, result)
}

fn resources_beyond_any_node_are_unschedulable(context: &Context) -> Result<(), Failure> {
    let result = run_with_settings(
        context,
        "scale_up_seconds = 1\nmem_requested = '900Gi'\nmem_limit = '1000Gi'\nceilings.mem_limit = '1000Gi'",
    )?;
    let is_expected = result["code"] == "unschedulable" || result["code"] == "denied";
    expect(is_expected, result)
}

fn a_missing_image_is_unavailable(context: &Context) -> Result<(), Failure> {
    let result = context.run("print(1)", &["--image", "registry.invalid/nothing:here"])?;
    expect_error(&result, "image-unavailable", "image")
}

fn a_missing_runtime_class_is_named(context: &Context) -> Result<(), Failure> {
    expect_error(
        &run_with_settings(context, "runtime_class = 'nowhere'")?,
        "sandbox-unavailable",
        "runtime_class",
    )
}

fn a_runtime_missing_on_the_node_is_sandbox_unavailable(context: &Context) -> Result<(), Failure> {
    let class = format!("{}-lacking", context.namespace.name);
    let yaml = format!(
        "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {{ name: {class} }}\nhandler: lacking"
    );
    block_on(context.namespace.apply(&yaml))?;
    let result = run_with_settings(context, &format!("runtime_class = '{class}'"));
    block_on(context.namespace.remove_runtime_class(&class))?;
    expect_error(&result?, "sandbox-unavailable", "")
}

fn a_missing_service_account_is_named(context: &Context) -> Result<(), Failure> {
    expect_error(
        &run_with_settings(context, "service_account = 'nowhere'")?,
        "sandbox-unavailable",
        "service_account",
    )
}

fn a_sandbox_that_is_not_gvisor_runs_nothing(context: &Context) -> Result<(), Failure> {
    let class = format!("{}-runc", context.namespace.name);
    let yaml = format!(
        "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {{ name: {class} }}\nhandler: runc"
    );
    block_on(context.namespace.apply(&yaml))?;
    let result = run_with_settings(context, &format!("runtime_class = '{class}'"));
    block_on(context.namespace.remove_runtime_class(&class))?;
    expect_error(&result?, "sandbox-unavailable", "not a gVisor sandbox")
}

fn an_interpreter_missing_from_the_image_is_named(context: &Context) -> Result<(), Failure> {
    let result =
        run_with_settings(context, "languages.python = { command = ['no-such-python'], file = 'main.py' }")?;
    expect_error(&result, "sandbox-unavailable", "no-such-python")
}

/// The result of an execution in a new namespace with one additional object.
fn run_in_new_namespace(yaml: &str) -> Result<Value, Failure> {
    let namespace = Arc::new(block_on(Namespace::create())?);
    block_on(namespace.apply(yaml))?;
    let result = Context::new(namespace.clone()).run("print(1)", &[]);
    block_on(async {
        namespace.wait_until_empty().await?;
        namespace.delete().await
    })?;
    result
}

fn an_exhausted_quota_is_named(_: &Context) -> Result<(), Failure> {
    let result = run_in_new_namespace(
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: { name: nothing }\nspec: { hard: { pods: \"0\" } }",
    )?;
    expect_error(&result, "quota", "quota")?;
    expect(result["retryable"] == true, result)
}

fn a_denial_by_admission_is_named(_: &Context) -> Result<(), Failure> {
    let result = run_in_new_namespace(
        "apiVersion: v1\nkind: LimitRange\nmetadata: { name: tiny }\nspec: { limits: [{ type: Container, max: { memory: 1Mi } }] }",
    )?;
    expect_error(&result, "denied", "admission")
}

fn missing_permissions_are_named(context: &Context) -> Result<(), Failure> {
    let kubeconfig = block_on(context.namespace.write_kubeconfig("default"))?;
    let result = context.run_with_kubeconfig(&kubeconfig, "print(1)", &[])?;
    expect_error(&result, "unauthorised", "cofferdam doctor")
}

fn a_refused_connection_to_the_cluster_is_unreachable(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|_, _| Action::Forward)?;
    let kubeconfig = proxy.kubeconfig().to_owned();
    drop(proxy);
    let result = context.run_with_kubeconfig(&kubeconfig, "print(1)", &["--startup-timeout", "3"])?;
    expect_error(&result, "unreachable", "cannot be reached")
}

fn an_unresponsive_api_server_is_unreachable(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|_, _| Action::Hang)?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print(1)", &["--startup-timeout", "3"])?;
    expect_error(&result, "unreachable", "does not answer")
}

/// Starts a program that waits, and returns when its log says that it runs.
fn start_waiting_program(context: &Context, args: &[&str]) -> Result<(Child, Pod), Failure> {
    context.dir.write("wait.py", "import time\nprint('here')\ntime.sleep(600)");
    let args = [&["--json"], args, &["wait.py"]].concat();
    let mut child = context.command("run", &args).env("COFFERDAM_LOG", "cofferdam=debug").spawn()?;
    let mut log = BufReader::new(child.stderr.take().ok_or("a pipe")?);
    let text = read_until(&mut log, "the program runs")?;
    std::thread::spawn(move || log.read_to_string(&mut String::new()));
    let id = id_in(&text)?;
    let params = kube::api::ListParams::default().labels(&format!("cofferdam.dev/run={id}"));
    let pods = block_on(context.namespace.objects::<Pod>().list(&params))?;
    Ok((child, pods.items.into_iter().next().ok_or("no Pod")?))
}

fn a_deleted_pod_is_reported_as_evicted(context: &Context) -> Result<(), Failure> {
    let (child, pod) = start_waiting_program(context, &[])?;
    let params = DeleteParams::default().grace_period(0);
    block_on(context.namespace.objects::<Pod>().delete(&pod.name_any(), &params))?;
    expect_error(&json_result(&child.wait_with_output()?)?, "evicted", "removed the sandbox")
}

fn an_evicted_pod_is_reported_as_evicted(context: &Context) -> Result<(), Failure> {
    let (child, pod) = start_waiting_program(context, &["--workload", "pod"])?;
    block_on(context.namespace.objects::<Pod>().evict(&pod.name_any(), &Default::default()))?;
    let result = json_result(&child.wait_with_output()?)?;
    expect_error(&result, "evicted", "removed the sandbox")?;
    expect(result["retryable"] == false, result)
}

/// Simulates the condition that the cluster sets when a node is lost, since the only node of a test cannot be
/// lost.
fn a_lost_node_is_reported_as_evicted(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, _| {
        if asked.path.contains("watch=true") {
            return Action::EditLines(|line| {
                let mut event: Value = serde_json::from_str(line).unwrap_or_default();
                if event["object"]["status"]["containerStatuses"][0]["state"]["running"].is_object() {
                    let lost =
                        json!({ "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager" });
                    event["object"]["status"]["conditions"] = json!([lost]);
                }
                event.to_string()
            });
        }
        Action::Forward
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "import time; time.sleep(600)", &[])?;
    expect_error(&result, "evicted", "its node was lost")
}

fn an_oom_kill_is_reported_as_out_of_memory(context: &Context) -> Result<(), Failure> {
    let result = context.run("x = bytearray(2 << 30)\nprint(len(x))", &[])?;
    let is_expected = result["status"] == "out-of-memory"
        || result["stderr"]["content"].as_str().is_some_and(|text| text.contains("MemoryError"));
    expect(is_expected, result)
}

fn error_details_are_logged_and_not_returned_to_the_caller(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", "print(1)");
    let output =
        context.command("run", &["--json", "--image", "registry.invalid/nothing:here", "p.py"]).output()?;
    let (client, operator) = (json_result(&output)?.to_string(), stderr(&output));
    expect(
        !client.contains("registry.invalid") && operator.contains("registry.invalid"),
        (client, operator),
    )?;
    let proxy = context.proxy(|asked, _| {
        if asked.matches(Method::POST, "/jobs") {
            Action::Respond(StatusCode::FORBIDDEN, status(403, "Forbidden", "exceeded quota: secret-name"))
        } else {
            Action::Forward
        }
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print(1)", &[])?;
    expect_error(&result, "quota", "")?;
    expect(!result.to_string().contains("secret-name"), result)
}

/// The body of a refusal by the API server.
pub(super) fn status(code: u16, reason: &str, message: &str) -> String {
    json!({ "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message })
        .to_string()
}
