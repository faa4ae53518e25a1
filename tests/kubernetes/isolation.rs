//! The sandbox boundary of a program in the cluster.

use super::context::{Context, Test, block_on, expect};
use cofferdam_tests::{cluster, conformance::Failure, program::stdout};
use k8s_openapi::api::core::v1::Service;
use kube::Api;

pub(super) const TESTS: &[Test] = tests![
    a_program_has_no_network,
    a_program_sees_nothing_of_the_cluster,
    variables_of_an_image_apply_below_those_of_the_request,
    an_endless_loop_has_ended_when_the_call_returns,
    a_pod_overlay_is_applied_to_the_pod,
    a_network_profile_gives_the_pod_a_network,
    doctor_passes_in_a_working_cluster,
    doctor_reports_what_is_wrong,
];

/// The address of the API server for ordinary Pods of this cluster.
fn api_server(context: &Context) -> Result<String, Failure> {
    let services: Api<Service> = Api::namespaced(context.namespace.admin.clone(), "default");
    let service = block_on(services.get("kubernetes"))?;
    service
        .spec
        .and_then(|spec| spec.cluster_ip)
        .ok_or_else(|| "the Service `kubernetes` has no address".into())
}

const CONNECT: &str = "import socket, sys
for address in sys.argv[1:]:
    host, port = address.rsplit(':', 1)
    s = socket.socket()
    s.settimeout(3)
    try:
        s.connect((host, int(port)))
        print('reached', address)
    except OSError as e:
        print(type(e).__name__, e.errno)
";

fn a_program_has_no_network(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", CONNECT);
    let address = format!("{}:443", api_server(context)?);
    let output =
        context.command("run", &["p.py", "--", &address, "169.254.169.254:80", "10.88.0.1:6443"]).output()?;
    expect(stdout(&output) == "OSError 101\nOSError 101\nOSError 101\n", stdout(&output))
}

fn a_program_sees_nothing_of_the_cluster(context: &Context) -> Result<(), Failure> {
    let program = "import os
print(sorted(os.environ))
print(os.uname().nodename, os.path.exists('/var/run/secrets/kubernetes.io'))
for name in ('/etc/resolv.conf', '/etc/hosts'):
    try:
        text = open(name).read()
    except OSError:
        continue
    print(name, [word for word in ('cluster.local', 'svc', 'ubernetes', '10.', 'NAMESPACE') if word in text])
try:
    open('/dev/termination-log', 'w')
except OSError as e:
    print('termination-log', e.errno)
";
    let program = program.replace("NAMESPACE", &context.namespace.name);
    let result = context.run(&program, &[])?;
    let text = result["stdout"]["content"].as_str().unwrap_or_default();
    let seen: Vec<&str> =
        text.lines().filter(|line| line.starts_with('/') && !line.ends_with("[]")).collect();
    expect(seen.is_empty(), text)?;
    expect(
        text.starts_with("['HOME', 'LANG', 'PATH']\nsandbox False\n") && text.contains("termination-log"),
        text,
    )
}

/// As on one machine: `an_image_is_the_root_of_a_sandbox`.
fn variables_of_an_image_apply_below_those_of_the_request(context: &Context) -> Result<(), Failure> {
    // Python adds a variable where the locale is C.
    let program = "import os, sys
del os.environ['LC_CTYPE']
print(dict(sorted(os.environ.items())), sys.executable)";
    let options = ["--image", "variables:local"];
    let variables = "'HOME': '/home/user', 'LANG': 'C', 'PATH': '/opt/bin:/usr/bin:/bin'}";
    let result = context.run(program, &options)?;
    let expected = format!("{{'GREETING': 'hello', {variables} /opt/bin/python3\n");
    expect(result["stdout"]["content"] == expected, &result)?;
    let result = context.run(program, &[&options[..], &["--env", "GREETING=ours"]].concat())?;
    let expected = format!("{{'GREETING': 'ours', {variables} /opt/bin/python3\n");
    expect(result["stdout"]["content"] == expected, &result)
}

fn an_endless_loop_has_ended_when_the_call_returns(context: &Context) -> Result<(), Failure> {
    let result = context.run("while True: pass", &["--timeout", "2"])?;
    expect(result["status"] == "timed-out", &result)?;
    // The container ends before the call returns.
    let id = result["id"].as_str().unwrap_or_default().to_owned();
    let left = || async {
        Ok(context
            .namespace
            .remaining_objects()
            .await?
            .into_iter()
            .filter(|name| name.contains(&id))
            .collect())
    };
    block_on(cluster::eventually(left, Vec::is_empty)).map(|_: Vec<String>| ())
}

fn a_pod_overlay_is_applied_to_the_pod(context: &Context) -> Result<(), Failure> {
    context.dir.write(
        "settings.toml",
        "pod_overlay.spec.volumes = [{ name = 'data', configMap = { name = 'kube-root-ca.crt' } }]\n\
         pod_overlay.spec.containers = [{ name = 'runner', volumeMounts = [{ name = 'data', mountPath = '/data', readOnly = true }] }]\n",
    );
    let result =
        context.run("import os; print(os.path.exists('/data/ca.crt'))", &["--config", "settings.toml"])?;
    expect(result["stdout"]["content"] == "True\n", result)
}

fn a_network_profile_gives_the_pod_a_network(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", CONNECT);
    context.dir.write("settings.toml", "networks.open.egress = [{}]\n");
    let address = format!("{}:443", api_server(context)?);
    let args = ["--config", "settings.toml", "--network", "open", "p.py", "--", &address];
    let output = context.command("run", &args).output()?;
    // Whether the connection succeeds depends on the CNI; this only asserts that there is a network.
    let text = stdout(&output);
    expect(
        text.starts_with("reached")
            || text.starts_with("TimeoutError")
            || text.starts_with("ConnectionRefused"),
        text,
    )?;
    let closed = context.run("print(1)", &["--network", "open"])?;
    super::context::expect_error(&closed, "denied", "`open`")
}

fn doctor_passes_in_a_working_cluster(context: &Context) -> Result<(), Failure> {
    let output = context.command("doctor", &[]).output()?;
    let text = stdout(&output);
    expect(output.status.code() == Some(0) && text.contains("gvisor") && !text.contains("FAILED"), text)
}

fn doctor_reports_what_is_wrong(context: &Context) -> Result<(), Failure> {
    let kubeconfig = block_on(context.namespace.write_kubeconfig("default"))?;
    let output = context.command_with_kubeconfig(&kubeconfig, "doctor", &[]).output()?;
    let text = stdout(&output);
    expect(output.status.code() == Some(1) && text.contains("FAILED") && text.contains("jobs"), text)?;
    let output = context.command("doctor", &["--image", "registry.invalid/nothing:here"]).output()?;
    expect(output.status.code() == Some(1) && stdout(&output).contains("image"), stdout(&output))
}
