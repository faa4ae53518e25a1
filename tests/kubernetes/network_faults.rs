//! With any network fault, a program runs at most once and its result is complete.

use super::{
    context::{Context, Test, block_on, expect, expect_error},
    failures::status,
};
use cofferdam_tests::{
    cluster::{Action, Asked, Proxy, eventually},
    conformance::Failure,
};
use hyper::{Method, StatusCode};
use std::time::Duration;

pub(super) const TESTS: &[Test] = tests![
    a_lost_create_response_runs_the_program_once,
    a_lost_request_is_retried,
    a_busy_api_server_is_retried,
    an_interrupted_log_is_resumed,
    an_interrupted_attach_is_continued_from_the_log,
    a_silent_attach_is_continued_from_the_log,
    output_blocked_by_a_stalled_attach_is_continued_from_the_log,
    a_deletion_conflict_is_retried,
    objects_created_after_the_timeout_are_deleted,
    without_events_the_log_is_used,
    an_interrupted_watch_is_resumed,
    an_expired_watch_is_restarted,
    without_a_watch_the_cluster_is_polled,
    a_persistently_failing_api_server_is_unreachable,
];

fn a_lost_create_response_runs_the_program_once(context: &Context) -> Result<(), Failure> {
    for (workload, path) in [("job", "/jobs"), ("pod", "/pods")] {
        let script = move |asked: &Asked, before| match asked.method {
            Method::POST if before == 0 && (asked.path.contains(path) || asked.path.contains("/configmaps")) => {
                Action::LoseAnswer
            }
            _ => Action::Forward,
        };
        let proxy = if workload == "pod" { context.proxy_for_pods(script)? } else { context.proxy(script)? };
        let answer = context.run_by(proxy.kubeconfig(), "print('once')", &["--workload", workload])?;
        expect(answer["stdout"]["text"] == "once\n", &answer)?;
        let lookups = proxy.asked().iter().filter(|asked| asked.is(Method::GET, "/run-")).count();
        expect(lookups >= 2, proxy.asked())?;
    }
    Ok(())
}

fn a_lost_request_is_retried(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| match asked.method {
        Method::POST if before == 0 => Action::LoseRequest,
        _ => Action::Forward,
    })?;
    let answer = context.run_by(proxy.kubeconfig(), "print('sent')", &[])?;
    expect(answer["stdout"]["text"] == "sent\n", answer)
}

fn a_busy_api_server_is_retried(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| match asked.method {
        Method::POST if before == 0 => {
            Action::Answer(StatusCode::TOO_MANY_REQUESTS, status(429, "TooManyRequests", "busy"))
        }
        Method::POST if before == 1 => {
            Action::Answer(StatusCode::INTERNAL_SERVER_ERROR, status(500, "InternalError", "etcd"))
        }
        _ => Action::Forward,
    })?;
    let answer = context.run_by(proxy.kubeconfig(), "print('asked')", &[])?;
    expect(answer["stdout"]["text"] == "asked\n", answer)
}

fn an_interrupted_log_is_resumed(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| {
        // Without this the sidecar would attach to the container instead of reading its log.
        if asked.path.contains("/attach") {
            Action::LoseRequest
        } else if asked.path.contains("/log") && before < 3 {
            Action::Cut(1000 + 70_000 * before)
        } else {
            Action::Forward
        }
    })?;
    let program = "import sys\nfor i in range(40000): sys.stdout.write('%06d\\n' % i)\nsys.stderr.write('end')";
    let answer = context.run_by(proxy.kubeconfig(), program, &[])?;
    let text = answer["stdout"]["text"].as_str().unwrap_or_default();
    let expected: String = (0..40_000).map(|number| format!("{number:06}\n")).collect();
    expect(text == expected && answer["stderr"]["text"] == "end", (&answer["error"], text.len()))
}

fn an_interrupted_attach_is_continued_from_the_log(context: &Context) -> Result<(), Failure> {
    for cut in [0, 200, 20_000] {
        let proxy = context.proxy(
            move |asked, _| {
                if asked.path.contains("/attach") { Action::Cut(cut) } else { Action::Forward }
            },
        )?;
        let program =
            "import sys, time\nfor i in range(4000): sys.stdout.write('%06d\\n' % i)\ntime.sleep(1)\nsys.exit(3)";
        let answer = context.run_by(proxy.kubeconfig(), program, &[])?;
        let expected: String = (0..4000).map(|number| format!("{number:06}\n")).collect();
        expect(answer["stdout"]["text"] == expected && answer["status"]["exited"] == 3, (cut, &answer["error"]))?;
        expect(proxy.asked().iter().any(|asked| asked.path.contains("/log")), proxy.asked())?;
    }
    Ok(())
}

fn a_silent_attach_is_continued_from_the_log(context: &Context) -> Result<(), Failure> {
    let proxy =
        context.proxy(|asked, _| if asked.path.contains("/attach") { Action::Stall(200) } else { Action::Forward })?;
    let program = "import sys, time\nprint('before' * 100)\ntime.sleep(1)\nprint('after')\nsys.exit(3)";
    let answer = context.run_by(proxy.kubeconfig(), program, &[])?;
    let expected = "before".repeat(100) + "\nafter\n";
    expect(answer["stdout"]["text"] == expected && answer["status"]["exited"] == 3, &answer)?;
    expect(proxy.asked().iter().any(|asked| asked.path.contains("/log")), proxy.asked())
}

fn output_blocked_by_a_stalled_attach_is_continued_from_the_log(context: &Context) -> Result<(), Failure> {
    // containerd writes the output of a container to its log and to each attached client in turn: once all
    // buffers are full, a client that does not read blocks the others and the program. The program waits
    // until the output is certainly attached, and the connection stalls after the start of the program is
    // known.
    let proxy = context
        .proxy(|asked, _| if asked.path.contains("/attach") { Action::Stall(100_000) } else { Action::Forward })?;
    let program = "import sys, time\ntime.sleep(5)\nfor part in 'abcdefghijklmno':\n sys.stdout.write(part * 1_000_000)\n \
                   sys.stderr.write(part * 1_000_000)\nsys.exit(3)";
    let answer = context.run_by(proxy.kubeconfig(), program, &["--timeout", "60"])?;
    let lengths = ["stdout", "stderr"].map(|stream| {
        let text = answer[stream]["text"].as_str().unwrap_or_default();
        ('a'..='o').filter(|part| text.matches(*part).count() == 1_000_000).count()
    });
    let is_whole = lengths == [15, 15] && answer["status"]["exited"] == 3;
    expect(is_whole, (&answer["status"], &answer["error"], lengths))
}

fn a_deletion_conflict_is_retried(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| match asked.method {
        Method::DELETE if before < 2 => {
            let message = "Operation cannot be fulfilled on jobs.batch: the object has been modified";
            Action::Answer(StatusCode::CONFLICT, status(409, "Conflict", message))
        }
        _ => Action::Forward,
    })?;
    let answer = context.run_by(proxy.kubeconfig(), "print('removed')", &[])?;
    expect(answer["stdout"]["text"] == "removed\n", &answer)?;
    wait_until_deleted(context, &proxy)
}

fn objects_created_after_the_timeout_are_deleted(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| {
        if asked.is(Method::POST, "/jobs") && before == 0 {
            Action::Delay(Duration::from_secs(5), Box::new(Action::Forward))
        } else {
            Action::Forward
        }
    })?;
    let answer = context.run_by(proxy.kubeconfig(), "print(1)", &["--startup-timeout", "1"])?;
    expect(answer["error"]["retryable"] == true, &answer)?;
    block_on(eventually(async || Ok(proxy.created()), |created| !created.is_empty()))?;
    wait_until_deleted(context, &proxy)
}

fn wait_until_deleted(context: &Context, proxy: &Proxy) -> Result<(), Failure> {
    let is_created = |name: &String| proxy.created().iter().any(|run| name.contains(run));
    let left = async || Ok(context.namespace.left().await?.into_iter().filter(is_created).collect());
    block_on(eventually(left, Vec::is_empty)).map(|_| ())
}

fn without_events_the_log_is_used(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, _| {
        if asked.path.contains("/events") {
            Action::Answer(StatusCode::FORBIDDEN, status(403, "Forbidden", "no events for you"))
        } else {
            Action::Forward
        }
    })?;
    let answer = context.run_by(proxy.kubeconfig(), "print('all the same')", &[])?;
    expect(answer["stdout"]["text"] == "all the same\n", answer)?;
    expect(!proxy.asked().iter().any(|asked| asked.path.contains("/attach")), proxy.asked())
}

fn an_interrupted_watch_is_resumed(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| {
        if asked.path.contains("watch=true") && before < 2 { Action::Cut(200) } else { Action::Forward }
    })?;
    let answer = context.run_by(proxy.kubeconfig(), "print('on')", &[])?;
    expect(answer["stdout"]["text"] == "on\n", answer)
}

fn an_expired_watch_is_restarted(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| {
        if asked.path.contains("watch=true") && before == 0 {
            let gone = status(410, "Expired", "too old resource version");
            Action::Answer(StatusCode::OK, format!("{{\"type\":\"ERROR\",\"object\":{gone}}}\n"))
        } else {
            Action::Forward
        }
    })?;
    let answer = context.run_by(proxy.kubeconfig(), "print('anew')", &[])?;
    expect(answer["stdout"]["text"] == "anew\n", answer)
}

fn without_a_watch_the_cluster_is_polled(context: &Context) -> Result<(), Failure> {
    let proxy =
        context.proxy(|asked, _| if asked.path.contains("watch=true") { Action::Hang } else { Action::Forward })?;
    let answer = context.run_by(proxy.kubeconfig(), "print('asked for')", &[])?;
    expect(answer["stdout"]["text"] == "asked for\n", answer)
}

fn a_persistently_failing_api_server_is_unreachable(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, _| match asked.method {
        Method::POST => Action::Answer(StatusCode::INTERNAL_SERVER_ERROR, status(500, "InternalError", "etcd")),
        _ => Action::Forward,
    })?;
    let answer = context.run_by(proxy.kubeconfig(), "print(1)", &["--startup-timeout", "3"])?;
    expect_error(&answer, "unreachable", "")?;
    // The Job may exist, but it runs nothing without its program.
    expect(answer["error"]["retryable"] == true, answer)
}
