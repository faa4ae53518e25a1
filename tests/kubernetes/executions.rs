//! Executions, and the requests that they take.

use super::context::{Context, Test, block_on, expect, expect_error};
use cofferdam_tests::{
    cluster::Action,
    conformance::Failure,
    program::{stderr, stdout},
};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::ResourceExt;

pub(super) const TESTS: &[Test] = tests![
    output_bytes_and_exit_code_are_exact,
    an_execution_takes_five_requests,
    output_is_complete_after_a_late_attach,
    inputs_larger_than_one_config_map_arrive,
    inputs_larger_than_all_config_maps_arrive_over_the_connection,
    a_folder_arrives_with_its_modes_and_links,
    files_over_the_disk_limit_are_refused,
    a_bare_pod_gives_the_same_result,
    labels_of_a_request_become_annotations,
    the_first_execution_in_a_namespace_uploads_the_runner,
];

fn output_bytes_and_exit_code_are_exact(context: &Context) -> Result<(), Failure> {
    let program =
        "import sys\nsys.stdout.buffer.write(bytes(range(256)))\nsys.stderr.write('err\\n')\nsys.exit(3)";
    context.dir.write("p.py", program);
    let output = context.command("run", &["p.py"]).output()?;
    expect(output.stdout == (0..=255).collect::<Vec<u8>>(), &output.stdout)?;
    expect(stderr(&output) == "err\n" && output.status.code() == Some(3), stderr(&output))
}

fn an_execution_takes_five_requests(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|_, _| Action::Forward)?;
    context.run_with_kubeconfig(proxy.kubeconfig(), "print(1)", &[])?;
    // The first execution may also look up the runner.
    let before = proxy.requests().len();
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print(2)", &[])?;
    expect(result["stdout"]["content"] == "2\n", &result)?;
    let asked = proxy.requests().split_off(before);
    // A slow start takes more requests.
    let is_slow = result["timings_ms"]["started"].as_u64() > Some(4_000);
    expect(asked.len() <= if is_slow { 7 } else { 5 }, asked)
}

/// Output is written before and after the attach, and in some cases is more than the runner replays.
fn output_is_complete_after_a_late_attach(context: &Context) -> Result<(), Failure> {
    for (lines, pause) in [(100, 0.0), (10_000, 0.5), (100_000, 0.0), (300_000, 0.5)] {
        let program = format!(
            "import sys, time\nfor i in range(10):\n  for j in range({lines} // 10): sys.stdout.write('%06d\\n' % j)\n  \
             time.sleep({pause})\nsys.stderr.write('end')"
        );
        let result = context.run(&program, &[])?;
        let tenth: String = (0..lines / 10).map(|number| format!("{number:06}\n")).collect();
        let is_whole =
            result["stdout"]["content"] == tenth.repeat(10) && result["stderr"]["content"] == "end";
        expect(is_whole, (lines, &result["detail"], &result["stdout"]["length"]))?;
    }
    Ok(())
}

fn inputs_larger_than_one_config_map_arrive(context: &Context) -> Result<(), Failure> {
    let bytes: Vec<u8> =
        (0u32..2_000_000).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    context.dir.write("input.bin", &bytes);
    let program = "import hashlib\nd = open('input.bin', 'rb').read()\nprint(len(d), sum(d[::997]))";
    let result = context.run(program, &["--file", "input.bin"])?;
    let sum: u64 = bytes.iter().step_by(997).map(|byte| u64::from(*byte)).sum();
    expect(result["stdout"]["content"] == format!("{} {sum}\n", bytes.len()), &result["stdout"])
}

fn inputs_larger_than_all_config_maps_arrive_over_the_connection(context: &Context) -> Result<(), Failure> {
    let bytes: Vec<u8> =
        (0u32..16 << 20).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    context.dir.write("input.bin", &bytes);
    let program = "d = open('input.bin', 'rb').read()\nprint(len(d), sum(d[::997]))";
    let result = context.run(program, &["--file", "input.bin"])?;
    let sum: u64 = bytes.iter().step_by(997).map(|byte| u64::from(*byte)).sum();
    expect(result["stdout"]["content"] == format!("{} {sum}\n", bytes.len()), &result)
}

fn a_folder_arrives_with_its_modes_and_links(context: &Context) -> Result<(), Failure> {
    let folder = context.dir.path().join("d");
    std::fs::create_dir_all(folder.join("empty"))?;
    context.dir.write("d/run.sh", "#!/bin/sh\necho ran\n");
    std::fs::set_permissions(folder.join("run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    std::os::unix::fs::symlink("run.sh", folder.join("link"))?;
    let program = "import os, subprocess\nprint(sorted(os.listdir('d')), os.readlink('d/link'))\nprint(subprocess.run(['d/link'], capture_output=True).stdout)";
    let result = context.run(program, &["--file", "d"])?;
    let expected = "['empty', 'link', 'run.sh'] run.sh\nb'ran\\n'\n";
    expect(result["stdout"]["content"] == expected, &result)
}

fn files_over_the_disk_limit_are_refused(context: &Context) -> Result<(), Failure> {
    context.dir.write("large.bin", vec![1; 20 << 20]);
    let result = context.run("print(1)", &["--disk", "16Mi", "--file", "large.bin"])?;
    expect_error(&result, "too-large", "disk-bytes")
}

fn a_bare_pod_gives_the_same_result(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy_for_pods(|_, _| Action::Forward)?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print('pod')", &["--workload", "pod"])?;
    expect(result["stdout"]["content"] == "pod\n", &result)?;
    expect(!proxy.requests().iter().any(|asked| asked.path.contains("/jobs")), proxy.requests())
}

fn labels_of_a_request_become_annotations(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", "import time; time.sleep(600)");
    let args = ["--label", "session=a b", "--timeout", "100", "p.py"];
    let mut child = context.command("run", &args).env("COFFERDAM_LOG", "cofferdam=debug").spawn()?;
    let found = block_on(cofferdam_tests::cluster::eventually(
        || async { Ok(context.namespace.objects::<Job>().list(&Default::default()).await?.items) },
        |jobs| jobs.iter().any(|job| has_session(job.annotations())),
    ));
    let pods = block_on(cofferdam_tests::cluster::eventually(
        || async { Ok(context.namespace.objects::<Pod>().list(&Default::default()).await?.items) },
        |pods| pods.iter().any(|pod| has_session(pod.annotations())),
    ));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)?;
    child.wait()?;
    found?;
    pods.map(|_| ())
}

fn has_session(annotations: &std::collections::BTreeMap<String, String>) -> bool {
    annotations.get("request.cofferdam.dev/session").is_some_and(|value| value == "a b")
}

fn the_first_execution_in_a_namespace_uploads_the_runner(context: &Context) -> Result<(), Failure> {
    let runs = cofferdam_tests::cluster::Namespace::create();
    let namespace = std::sync::Arc::new(block_on(runs)?);
    let fresh = Context::new(namespace.clone());
    let result = fresh.run("print('first')", &[])?;
    expect(result["stdout"]["content"] == "first\n", &result)?;
    // The runner is deleted after it was used.
    let config_maps = namespace.objects::<k8s_openapi::api::core::v1::ConfigMap>();
    let all = block_on(config_maps.list(&Default::default()))?.items;
    let runner = all.iter().map(ResourceExt::name_any).find(|name| name.starts_with("cofferdam-runner"));
    block_on(config_maps.delete(&runner.ok_or("there is no runner")?, &Default::default()))?;
    let result = fresh.run("print('again')", &[])?;
    expect(result["stdout"]["content"] == "again\n", &result)?;
    let output = context.dir.run(["--version"]);
    expect(stdout(&output).starts_with("cofferdam"), stdout(&output))?;
    block_on(async {
        namespace.wait_until_empty().await?;
        namespace.delete().await
    })
}
