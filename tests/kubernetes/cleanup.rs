//! Nothing outlives an execution, however it ended.

use super::context::{Context, Test, block_on, expect, id_in, json_result, read_until};
use cofferdam_tests::{
    cluster::Action,
    conformance::Failure,
    program::{stderr, stdout},
};
use hyper::Method;
use k8s_openapi::api::batch::v1::Job;
use kube::{ResourceExt, api::ListParams};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufReader, Read},
    process::{Child, Output},
    thread,
};

pub(super) const TESTS: &[Test] = tests![
    gc_cleans_up_after_a_process_killed_at_any_step,
    an_interrupt_deletes_the_job_before_the_exit,
    gc_keeps_running_sandboxes,
    a_failed_deletion_is_retried,
    all_objects_have_an_owner_and_a_deadline,
];

/// Sends a signal once the log contains `event`.
fn signal_when(mut child: Child, event: &str, signal: Signal) -> Result<Output, Failure> {
    let mut log = BufReader::new(child.stderr.take().ok_or("a pipe")?);
    let mut text = read_until(&mut log, event)?;
    kill_process(Pid::from_child(&child), signal)?;
    let rest = thread::spawn(move || {
        let _ = log.read_to_string(&mut text);
        text
    });
    let mut output = child.wait_with_output()?;
    output.stderr = rest.join().map_err(|_| "a log")?.into_bytes();
    Ok(output)
}

/// Waits until nothing is left of an execution.
fn assert_nothing_left_of(context: &Context, id: &str) -> Result<(), Failure> {
    let left = || async {
        let left = context.namespace.remaining_objects().await?;
        Ok(left.into_iter().filter(|name| name.contains(id)).collect::<Vec<_>>())
    };
    block_on(cofferdam_tests::cluster::eventually(left, Vec::is_empty)).map(|_| ())
}

fn gc_cleans_up_after_a_process_killed_at_any_step(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", "while True: pass");
    let mut ids = Vec::new();
    for workload in ["job", "pod"] {
        for event in ["requested", "the sandbox is being started", "the sandbox is ready", "the program runs"]
        {
            let mut command = context.command("run", &["--workload", workload, "p.py"]);
            let child = command.env("COFFERDAM_LOG", "cofferdam=debug").spawn()?;
            ids.push(id_in(&stderr(&signal_when(child, event, Signal::KILL)?))?);
        }
    }
    let output = context.command("gc", &[]).output()?;
    expect(
        output.status.success() && stdout(&output).starts_with("deleted the leftovers"),
        (stdout(&output), stderr(&output)),
    )?;
    ids.iter().try_for_each(|id| assert_nothing_left_of(context, id))
}

fn an_interrupt_deletes_the_job_before_the_exit(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", "import time\nprint('begun', flush=True)\ntime.sleep(600)");
    for (event, status) in [("the sandbox is being started", None), ("the program runs", Some("cancelled"))] {
        let mut command = context.command("run", &["--json", "p.py"]);
        let output =
            signal_when(command.env("COFFERDAM_LOG", "cofferdam=debug").spawn()?, event, Signal::INT)?;
        let result = json_result(&output)?;
        match status {
            Some(status) => {
                expect(result["status"] == status && result["stdout"]["content"] == "begun\n", &result)?
            }
            None => expect(result["code"] == "cancelled", &result)?,
        }
        let id = id_in(&stderr(&output))?;
        let jobs = block_on(context.namespace.objects::<Job>().list_metadata(&ListParams::default()))?;
        let left: Vec<String> =
            jobs.items.iter().map(ResourceExt::name_any).filter(|name| *name == id).collect();
        expect(left.is_empty(), left)?;
        assert_nothing_left_of(context, &id)?;
    }
    Ok(())
}

fn gc_keeps_running_sandboxes(context: &Context) -> Result<(), Failure> {
    context.dir.write("p.py", "import time; time.sleep(4); print('alive')");
    let mut child = context.command("run", &["p.py"]).env("COFFERDAM_LOG", "cofferdam=debug").spawn()?;
    let mut log = BufReader::new(child.stderr.take().ok_or("a pipe")?);
    read_until(&mut log, "the program runs")?;
    let rest = thread::spawn(move || log.read_to_string(&mut String::new()));
    let gc = context.command("gc", &[]).output()?;
    let output = child.wait_with_output()?;
    let _ = rest.join();
    expect(gc.status.success(), stderr(&gc))?;
    expect(stdout(&output) == "alive\n", stdout(&output))
}

fn a_failed_deletion_is_retried(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| match asked.method {
        Method::DELETE if before == 0 => Action::DropRequest,
        Method::DELETE if before == 1 => Action::Respond(
            hyper::StatusCode::SERVICE_UNAVAILABLE,
            super::failures::status(503, "ServiceUnavailable", "busy"),
        ),
        _ => Action::Forward,
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print(1)", &[])?;
    expect(result["stdout"]["content"] == "1\n", &result)?;
    assert_nothing_left_of(context, result["id"].as_str().unwrap_or_default())
}

fn all_objects_have_an_owner_and_a_deadline(context: &Context) -> Result<(), Failure> {
    use k8s_openapi::api::core::v1::ConfigMap;
    context.dir.write("p.py", "while True: pass");
    let mut command = context.command("run", &["p.py"]);
    let child = command.env("COFFERDAM_LOG", "cofferdam=debug").spawn()?;
    let output = signal_when(child, "the program runs", Signal::KILL)?;
    let id = id_in(&stderr(&output))?;
    let job = block_on(context.namespace.objects::<Job>().get(&id))?;
    let spec = job.spec.clone().unwrap_or_default();
    expect(spec.active_deadline_seconds.is_some() && spec.ttl_seconds_after_finished.is_some(), &spec)?;
    expect(job.annotations().contains_key("cofferdam.dev/expires"), job.annotations())?;
    let program = block_on(context.namespace.objects::<ConfigMap>().get(&format!("{id}-0")))?;
    expect(
        program.owner_references().iter().any(|owner| Some(&owner.uid) == job.uid().as_ref()),
        &program.metadata,
    )?;
    context.command("gc", &[]).output()?;
    assert_nothing_left_of(context, &id)
}
