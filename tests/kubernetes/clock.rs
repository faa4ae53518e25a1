//! A wall clock that is wrong, or that somebody sets.

use super::context::{Context, Test, answer, block_on, expect, expect_error};
use cofferdam_tests::{
    clock::Clock,
    cluster::Action,
    conformance::Failure,
    program::{stderr, stdout},
    sidecar::Sidecar,
};
use serde_json::{Value, json};
use std::path::Path;

pub(super) const TESTS: &[Test] = &[
    ("a_clock_that_is_set_in_the_middle_of_runs_changes_none", a_clock_that_is_set_changes_no_run),
    ("gc_by_a_clock_that_is_ahead_leaves_the_living_alone", gc_by_a_clock_that_is_ahead_leaves_the_living_alone),
    ("a_clock_that_is_too_late_is_told_before_anything_runs", a_clock_that_is_too_late_is_told),
];

const DAY: i64 = 24 * 60 * 60;

/// A sidecar that goes by this clock. Its way to the cluster is one without certificates, which have times of their own.
fn start(context: &Context, kubeconfig: &Path, clock: &Clock) -> Sidecar {
    let settings = clock.settings();
    context.sidecar(kubeconfig, &settings.each_ref().map(|(name, value)| (*name, value.as_str())))
}

fn a_clock_that_is_set_changes_no_run(context: &Context) -> Result<(), Failure> {
    let Some(clock) = Clock::new(&context.place)? else { return Ok(()) };
    let proxy = context.proxy(|_, _| Action::Forward)?;
    clock.set(-DAY)?;
    let sidecar = start(context, proxy.kubeconfig(), &clock);
    let is_right =
        |answer: &Value| answer["stdout"]["content"] == "begun\n42\n" && answer["status"] == json!({ "exited": 0 });
    block_on(async {
        let caller = sidecar.caller();
        let ready = caller.send("GET", "/readyz", &[], "").await;
        expect(ready.status == 200, ready)?;
        let request = json!({ "code": "import time\nprint('begun')\ntime.sleep(1)\nprint(42)" });
        let answer = caller.run(&request, &[]).await;
        expect(is_right(&answer.json), answer)?;
        for ahead in [DAY, -DAY] {
            let mut stream = caller.start(&request, &[("accept", "text/event-stream")]).await;
            let begun = stream.read_until("begun").await;
            clock.set(ahead)?;
            let all = begun + &stream.read_until("\"exited\":0").await;
            expect(all.contains("42"), all)?;
            let answer = caller.run(&request, &[]).await;
            expect(is_right(&answer.json), answer)?;
        }
        Ok(())
    })
}

fn gc_by_a_clock_that_is_ahead_leaves_the_living_alone(context: &Context) -> Result<(), Failure> {
    let Some(clock) = Clock::new(&context.place)? else { return Ok(()) };
    let proxy = context.proxy(|_, _| Action::Forward)?;
    let sidecar = start(context, proxy.kubeconfig(), &clock);
    clock.set(DAY)?;
    block_on(async {
        let request = json!({ "code": "import time\nprint('begun')\ntime.sleep(3)\nprint(42)" });
        let mut stream = sidecar.caller().start(&request, &[("accept", "text/event-stream")]).await;
        let begun = stream.read_until("begun").await;
        let gc = context.command_by(proxy.kubeconfig(), "gc", &[]).envs(clock.settings()).output()?;
        expect(gc.status.success(), stderr(&gc))?;
        let all = begun + &stream.read_until("\"exited\":0").await;
        expect(all.contains("42"), (all, stdout(&gc)))
    })
}

fn a_clock_that_is_too_late_is_told(context: &Context) -> Result<(), Failure> {
    let Some(clock) = Clock::new(&context.place)? else { return Ok(()) };
    let proxy = context.proxy(|_, _| Action::Forward)?;
    clock.set(-DAY)?;
    context.place.write("p.py", "print(1)");
    let output = context.command_by(proxy.kubeconfig(), "run", &["--json", "p.py"]).envs(clock.settings()).output()?;
    expect_error(&answer(&output)?, "sandbox-unavailable", "behind the cluster's")?;
    // The program would have come in a ConfigMap of its own.
    expect(proxy.created().len() == 1, proxy.created())
}
