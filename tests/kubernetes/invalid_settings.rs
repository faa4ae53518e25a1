//! Invalid settings are reported by name before anything is created.

use super::context::{Context, Test, expect, expect_error};
use cofferdam_tests::{cluster::Action, conformance::Failure, program::stderr};

pub(super) const TESTS: &[Test] = tests![
    an_unreadable_kubeconfig_is_named,
    a_missing_context_is_named,
    a_missing_namespace_is_named,
    invalid_settings_are_named,
    a_context_alone_selects_the_cluster,
];

fn an_unreadable_kubeconfig_is_named(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", "print(1)");
    context.dir.write("broken", "clusters: {");
    for path in ["nowhere", "broken", "."] {
        let output = context.command_with_kubeconfig(path.as_ref(), "run", &["p.py"]).output()?;
        let message = stderr(&output);
        expect(
            output.status.code() == Some(125)
                && message.contains("kubeconfig_path")
                && message.contains(path),
            message,
        )?;
    }
    Ok(())
}

fn a_missing_context_is_named(context: &Context) -> Result<(), Failure> {
    let result = context.run("print(1)", &["--context", "nowhere"])?;
    expect_error(&result, "sandbox-unavailable", "`kubeconfig_context` names \"nowhere\"")
}

fn a_missing_namespace_is_named(context: &Context) -> Result<(), Failure> {
    // As a cluster administrator: other users only get a permission error.
    let admin = cofferdam_tests::cluster::kubeconfig().ok_or("KUBECONFIG")?;
    context.dir.write("p.py", "print(1)");
    let kubeconfig = admin.to_string_lossy().into_owned();
    let output = context
        .dir
        .cofferdam([
            "run",
            "--json",
            "--backend",
            "kubernetes",
            "--kubeconfig",
            &kubeconfig,
            "--namespace",
            "nowhere",
            "p.py",
        ])
        .output()?;
    let result = super::context::json_result(&output)?;
    expect_error(&result, "sandbox-unavailable", "`namespace`")
}

fn invalid_settings_are_named(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|_, _| Action::Forward)?;
    context.dir.write("p.py", "print(1)");
    for (setting, toml) in [
        ("image", "image = 'Not An Image'"),
        (
            "languages.python.image",
            "languages.python = { command = ['python3'], file = 'main.py', image = ':' }",
        ),
        ("mem_limit", "mem_limit = '12 apples'"),
        ("cpu_requested", "cpu_requested = 'half'"),
        ("namespace", "namespace = 'No_Name'"),
        ("runtime_class", "runtime_class = ''"),
        ("node_selector", "node_selector = { 'a b' = 'c' }"),
        ("pod_labels", "pod_labels = { 'cofferdam.dev/run' = 'mine' }"),
        ("tolerations", "tolerations = [{ kee = 'a' }]"),
        ("pod_overlay", "pod_overlay.spec.hostNetwork = true"),
        (
            "pod_overlay",
            "pod_overlay.spec.containers = [{ name = 'runner', securityContext = { privileged = true } }]",
        ),
        ("pod_overlay", "pod_overlay.spec.tolerationz = []"),
        ("networks", "networks.none.egress = []"),
    ] {
        context.dir.write("settings.toml", toml);
        // Without --namespace, which would override the setting.
        let kubeconfig = proxy.kubeconfig().to_string_lossy().into_owned();
        let args = ["run", "--kubeconfig", &kubeconfig, "--config", "settings.toml", "p.py"];
        let output = context.dir.cofferdam(args).output()?;
        let message = stderr(&output);
        let is_named = output.status.code() == Some(125) && message.contains(setting);
        expect(is_named, (setting, toml, message))?;
    }
    expect(proxy.requests().is_empty(), proxy.requests())
}

/// `auto` selects Kubernetes if a context of the user's kubeconfig is given.
fn a_context_alone_selects_the_cluster(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", "import os; print(os.path.exists('/cofferdam/program'))");
    let namespace = &context.namespace;
    let args = ["run", "--context", "test", "--namespace", &namespace.name, "p.py"];
    let mut command = context.dir.cofferdam(args);
    let output = command.env("KUBECONFIG", namespace.kubeconfig()).output()?;
    expect(output.stdout == b"True\n", stderr(&output))
}
