//! With any network fault, a program runs at most once and its result is complete.

use super::{
    context::{Context, Test, block_on, expect, expect_error},
    failures::status,
};
use cofferdam_tests::{
    cluster::{Action, ApiRequest, Proxy, eventually},
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
        let script = move |asked: &ApiRequest, before| match asked.method {
            Method::POST
                if before == 0 && (asked.path.contains(path) || asked.path.contains("/configmaps")) =>
            {
                Action::DropResponse
            }
            _ => Action::Forward,
        };
        let proxy =
            if workload == "pod" { context.proxy_for_pods(script)? } else { context.proxy(script)? };
        let result =
            context.run_with_kubeconfig(proxy.kubeconfig(), "print('once')", &["--workload", workload])?;
        expect(result["stdout"]["content"] == "once\n", &result)?;
        let lookups = proxy.requests().iter().filter(|asked| asked.matches(Method::GET, "/run-")).count();
        expect(lookups >= 2, proxy.requests())?;
    }
    Ok(())
}

fn a_lost_request_is_retried(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| match asked.method {
        Method::POST if before == 0 => Action::DropRequest,
        _ => Action::Forward,
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print('sent')", &[])?;
    expect(result["stdout"]["content"] == "sent\n", result)
}

fn a_busy_api_server_is_retried(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| match asked.method {
        Method::POST if before == 0 => {
            Action::Respond(StatusCode::TOO_MANY_REQUESTS, status(429, "TooManyRequests", "busy"))
        }
        Method::POST if before == 1 => {
            Action::Respond(StatusCode::INTERNAL_SERVER_ERROR, status(500, "InternalError", "etcd"))
        }
        _ => Action::Forward,
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print('asked')", &[])?;
    expect(result["stdout"]["content"] == "asked\n", result)
}

fn an_interrupted_log_is_resumed(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| {
        // Without this the sidecar would attach to the container instead of reading its log.
        if asked.path.contains("/attach") {
            Action::DropRequest
        } else if asked.path.contains("/log") && before < 3 {
            Action::Cut(1000 + 70_000 * before)
        } else {
            Action::Forward
        }
    })?;
    let program =
        "import sys\nfor i in range(40000): sys.stdout.write('%06d\\n' % i)\nsys.stderr.write('end')";
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), program, &[])?;
    let text = result["stdout"]["content"].as_str().unwrap_or_default();
    let expected: String = (0..40_000).map(|number| format!("{number:06}\n")).collect();
    expect(text == expected && result["stderr"]["content"] == "end", (&result["detail"], text.len()))
}

fn an_interrupted_attach_is_continued_from_the_log(context: &Context) -> Result<(), Failure> {
    for cut in [0, 200, 20_000] {
        let proxy =
            context.proxy(
                move |asked, _| {
                    if asked.path.contains("/attach") { Action::Cut(cut) } else { Action::Forward }
                },
            )?;
        let program = "import sys, time\nfor i in range(4000): sys.stdout.write('%06d\\n' % i)\ntime.sleep(1)\nsys.exit(3)";
        let result = context.run_with_kubeconfig(proxy.kubeconfig(), program, &[])?;
        let expected: String = (0..4000).map(|number| format!("{number:06}\n")).collect();
        expect(
            result["stdout"]["content"] == expected && result["status"]["exited"] == 3,
            (cut, &result["detail"]),
        )?;
        expect(proxy.requests().iter().any(|asked| asked.path.contains("/log")), proxy.requests())?;
    }
    Ok(())
}

fn a_silent_attach_is_continued_from_the_log(context: &Context) -> Result<(), Failure> {
    let proxy =
        context.proxy(
            |asked, _| if asked.path.contains("/attach") { Action::Stall(200) } else { Action::Forward },
        )?;
    let program = "import sys, time\nprint('before' * 100)\ntime.sleep(1)\nprint('after')\nsys.exit(3)";
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), program, &[])?;
    let expected = "before".repeat(100) + "\nafter\n";
    expect(result["stdout"]["content"] == expected && result["status"]["exited"] == 3, &result)?;
    expect(proxy.requests().iter().any(|asked| asked.path.contains("/log")), proxy.requests())
}

fn output_blocked_by_a_stalled_attach_is_continued_from_the_log(context: &Context) -> Result<(), Failure> {
    // containerd writes the output of a container to its log and to each attached client in turn: once all
    // buffers are full, a client that does not read blocks the others and the program. The program waits
    // until the output is certainly attached, and the connection stalls after the start of the program is
    // known.
    let proxy = context.proxy(|asked, _| {
        if asked.path.contains("/attach") { Action::Stall(100_000) } else { Action::Forward }
    })?;
    let program = "import sys, time\ntime.sleep(5)\nfor part in 'abcdefghijklmno':\n sys.stdout.write(part * 1_000_000)\n \
                   sys.stderr.write(part * 1_000_000)\nsys.exit(3)";
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), program, &["--timeout", "60"])?;
    let lengths = ["stdout", "stderr"].map(|stream| {
        let text = result[stream]["content"].as_str().unwrap_or_default();
        ('a'..='o').filter(|part| text.matches(*part).count() == 1_000_000).count()
    });
    let is_whole = lengths == [15, 15] && result["status"]["exited"] == 3;
    expect(is_whole, (&result["status"], &result["detail"], lengths))
}

fn a_deletion_conflict_is_retried(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| match asked.method {
        Method::DELETE if before < 2 => {
            let message = "Operation cannot be fulfilled on jobs.batch: the object has been modified";
            Action::Respond(StatusCode::CONFLICT, status(409, "Conflict", message))
        }
        _ => Action::Forward,
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print('removed')", &[])?;
    expect(result["stdout"]["content"] == "removed\n", &result)?;
    wait_until_deleted(context, &proxy)
}

fn objects_created_after_the_timeout_are_deleted(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| {
        if asked.matches(Method::POST, "/jobs") && before == 0 {
            Action::Delay(Duration::from_secs(5), Box::new(Action::Forward))
        } else {
            Action::Forward
        }
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print(1)", &["--startup-timeout", "1"])?;
    expect(result["retryable"] == true, &result)?;
    block_on(eventually(async || Ok(proxy.created()), |created| !created.is_empty()))?;
    wait_until_deleted(context, &proxy)
}

fn wait_until_deleted(context: &Context, proxy: &Proxy) -> Result<(), Failure> {
    let is_created = |name: &String| proxy.created().iter().any(|run| name.contains(run));
    let left =
        async || Ok(context.namespace.remaining_objects().await?.into_iter().filter(is_created).collect());
    block_on(eventually(left, Vec::is_empty)).map(|_| ())
}

fn without_events_the_log_is_used(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, _| {
        if asked.path.contains("/events") {
            Action::Respond(StatusCode::FORBIDDEN, status(403, "Forbidden", "no events for you"))
        } else {
            Action::Forward
        }
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print('all the same')", &[])?;
    expect(result["stdout"]["content"] == "all the same\n", result)?;
    expect(!proxy.requests().iter().any(|asked| asked.path.contains("/attach")), proxy.requests())
}

fn an_interrupted_watch_is_resumed(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| {
        if asked.path.contains("watch=true") && before < 2 { Action::Cut(200) } else { Action::Forward }
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print('on')", &[])?;
    expect(result["stdout"]["content"] == "on\n", result)
}

fn an_expired_watch_is_restarted(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, before| {
        if asked.path.contains("watch=true") && before == 0 {
            let gone = status(410, "Expired", "too old resource version");
            Action::Respond(StatusCode::OK, format!("{{\"type\":\"ERROR\",\"object\":{gone}}}\n"))
        } else {
            Action::Forward
        }
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print('anew')", &[])?;
    expect(result["stdout"]["content"] == "anew\n", result)
}

fn without_a_watch_the_cluster_is_polled(context: &Context) -> Result<(), Failure> {
    let proxy = context
        .proxy(|asked, _| if asked.path.contains("watch=true") { Action::Hang } else { Action::Forward })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print('asked for')", &[])?;
    expect(result["stdout"]["content"] == "asked for\n", result)
}

fn a_persistently_failing_api_server_is_unreachable(context: &Context) -> Result<(), Failure> {
    let proxy = context.proxy(|asked, _| match asked.method {
        Method::POST => {
            Action::Respond(StatusCode::INTERNAL_SERVER_ERROR, status(500, "InternalError", "etcd"))
        }
        _ => Action::Forward,
    })?;
    let result = context.run_with_kubeconfig(proxy.kubeconfig(), "print(1)", &["--startup-timeout", "3"])?;
    expect_error(&result, "unreachable", "")?;
    // The Job may exist, but it runs nothing without its program.
    expect(result["retryable"] == true, result)
}
