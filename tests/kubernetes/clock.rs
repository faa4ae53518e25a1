//! A wall clock that is wrong or is changed.

use super::context::{Context, Test, block_on, expect, expect_error, json_result};
use cofferdam_tests::{
    clock::Clock,
    cluster::Action,
    conformance::Failure,
    program::{stderr, stdout},
    sidecar::Sidecar,
};
use serde_json::{Value, json};
use std::path::Path;

pub(super) const TESTS: &[Test] = tests![
    setting_the_clock_does_not_affect_executions,
    gc_with_a_clock_that_is_ahead_keeps_running_sandboxes,
    a_clock_behind_the_clusters_is_refused_before_anything_runs,
];

const DAY: i64 = 24 * 60 * 60;

/// A sidecar with this clock. It connects without certificates, whose validity depends on the time.
fn start(context: &Context, kubeconfig: &Path, clock: &Clock) -> Sidecar {
    let settings = clock.settings();
    context.sidecar(kubeconfig, &settings.each_ref().map(|(name, value)| (*name, value.as_str())))
}

fn setting_the_clock_does_not_affect_executions(context: &Context) -> Result<(), Failure> {
    let Some(clock) = Clock::new(&context.dir)? else { return Ok(()) };
    let proxy = context.proxy(|_, _| Action::Forward)?;
    clock.set(-DAY)?;
    let sidecar = start(context, proxy.kubeconfig(), &clock);
    let is_expected = |response: &Value| {
        response["stdout"]["content"] == "begun\n42\n" && response["status"] == json!({ "exited": 0 })
    };
    block_on(async {
        let client = sidecar.client();
        let ready = client.send("GET", "/readyz", &[], "").await;
        expect(ready.status == 200, ready)?;
        let request = json!({ "code": "import time\nprint('begun')\ntime.sleep(1)\nprint(42)" });
        let response = client.run(&request, &[]).await;
        expect(is_expected(&response.json), response)?;
        for ahead in [DAY, -DAY] {
            let mut stream = client.start(&request, &[("accept", "text/event-stream")]).await;
            let begun = stream.read_until("begun").await;
            clock.set(ahead)?;
            let all = begun + &stream.read_until("\"exited\":0").await;
            expect(all.contains("42"), all)?;
            let response = client.run(&request, &[]).await;
            expect(is_expected(&response.json), response)?;
        }
        Ok(())
    })
}

fn gc_with_a_clock_that_is_ahead_keeps_running_sandboxes(context: &Context) -> Result<(), Failure> {
    let Some(clock) = Clock::new(&context.dir)? else { return Ok(()) };
    let proxy = context.proxy(|_, _| Action::Forward)?;
    let sidecar = start(context, proxy.kubeconfig(), &clock);
    clock.set(DAY)?;
    block_on(async {
        let request = json!({ "code": "import time\nprint('begun')\ntime.sleep(3)\nprint(42)" });
        let mut stream = sidecar.client().start(&request, &[("accept", "text/event-stream")]).await;
        let begun = stream.read_until("begun").await;
        let gc =
            context.command_with_kubeconfig(proxy.kubeconfig(), "gc", &[]).envs(clock.settings()).output()?;
        expect(gc.status.success(), stderr(&gc))?;
        let all = begun + &stream.read_until("\"exited\":0").await;
        expect(all.contains("42"), (all, stdout(&gc)))
    })
}

fn a_clock_behind_the_clusters_is_refused_before_anything_runs(context: &Context) -> Result<(), Failure> {
    let Some(clock) = Clock::new(&context.dir)? else { return Ok(()) };
    let proxy = context.proxy(|_, _| Action::Forward)?;
    clock.set(-DAY)?;
    context.dir.write("p.py", "print(1)");
    let output = context
        .command_with_kubeconfig(proxy.kubeconfig(), "run", &["--json", "p.py"])
        .envs(clock.settings())
        .output()?;
    expect_error(&json_result(&output)?, "sandbox-unavailable", "behind the cluster's")?;
    // The program's ConfigMap was not created.
    expect(proxy.created().len() == 1, proxy.created())
}
