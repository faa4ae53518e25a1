//! Startup and shutdown of a sidecar.

use super::{DETACHED, STREAM, endless};
use crate::cleanup::assert_nothing_left;
use cofferdam_tests::{
    program::{Place, stderr},
    sidecar::Sidecar,
};
use rustix::process::Signal;
use serde_json::json;
use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_waits_for_running_executions() {
    let place = Place::new();
    let mut sidecar = Sidecar::start(&place, &[], &[("COFFERDAM_SERVE__GRACE_SECONDS", "60")]);
    let caller = sidecar.caller();
    let request = json!({ "code": "import time\ntime.sleep(0.5)\nprint('done')" });
    let (waiting, detached) = (caller.clone(), caller.run(&request, &[DETACHED]).await);
    assert_eq!(detached.status, 202);
    let waiting = tokio::spawn(async move { waiting.run(&request, &[]).await });
    sidecar.wait_for("the program runs");
    sidecar.wait_for("the program runs");
    sidecar.signal(Signal::TERM);
    let answer = waiting.await.expect("an answer");
    assert_eq!(answer.json["stdout"]["content"], "done\n", "{}", answer.text);
    let (status, log) = sidecar.end();
    assert_eq!((status.code(), log.matches("status=Exited(0)").count()), (Some(0), 2), "{log}");
    assert!(!place.path().join("s.sock").exists());
    assert_nothing_left(&place);
}

#[test]
fn the_sidecar_ends_with_its_stdin_if_requested() {
    let place = Place::new();
    let output = place.run_with_stdin(["serve", "--until-stdin-ends", "--listen", "unix:made/s.sock"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("listening on unix:made/s.sock"), "{}", stderr(&output));
    assert!(!place.path().join("made").exists(), "the folder created for the socket is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_cancels_executions_after_the_grace_period() {
    let place = Place::new();
    let mut sidecar = Sidecar::start(&place, &[], &[("COFFERDAM_SERVE__GRACE_SECONDS", "0.2")]);
    let stream = sidecar.caller().start(&endless(), &[STREAM]).await;
    sidecar.wait_for("the program runs");
    sidecar.signal(Signal::INT);
    let answer = stream.read().await;
    assert!(answer.text.contains("\"status\":\"cancelled\""), "{}", answer.text);
    assert_eq!(sidecar.end().0.code(), Some(0));
    assert_nothing_left(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sidecar_cleans_up_after_a_killed_one() {
    let place = Place::new();
    let mut sidecar = Sidecar::start(&place, &[], &[]);
    let caller = sidecar.caller();
    for _ in 0..4 {
        caller.run(&endless(), &[DETACHED]).await;
        sidecar.wait_for("the program runs");
    }
    sidecar.signal(Signal::KILL);
    sidecar.end();
    assert!(place.path().join("s.sock").exists());
    let next = Sidecar::start(&place, &[], &[]);
    assert_nothing_left(&place);
    assert_eq!(next.caller().run(&json!({ "code": "print(1)" }), &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_private_and_used_by_one_sidecar() {
    let place = Place::new();
    let _sidecar = Sidecar::start(&place, &[], &[]);
    let socket = place.path().join("s.sock");
    let file = fs::metadata(&socket).expect("a socket");
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let output = place.run(["serve", "--listen", &format!("unix:{}", socket.display())]);
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("another process listens there"), "{}", stderr(&output));
    assert!(socket.exists());
}

#[test]
fn invalid_serve_options_are_refused_at_startup() {
    let place = Place::new();
    place.write("tokens", "agent 0123456789abcdef");
    fs::set_permissions(place.path().join("tokens"), fs::Permissions::from_mode(0o644)).expect("a file");
    place.write("empty", "");
    fs::set_permissions(place.path().join("empty"), fs::Permissions::from_mode(0o600)).expect("a file");
    place.write("unknown.toml", "[tenants.a]\nmax_runs = 1");
    place.write("file", "");
    let _other = UnixListener::bind(place.path().join("other")).expect("a socket");
    for (args, part) in [
        (&["--listen", "0.0.0.0:0"][..], "does not listen there without --token-file"),
        (&["--listen", "localhost:8787"], "is not an address to listen on"),
        (&["--listen", "unix:file"], "something else than a socket"),
        (&["--listen", "unix:other"], "another process listens there"),
        (&["--token-file", "tokens"], "others than its owner and group"),
        (&["--token-file", "empty"], "holds no token"),
        (&["--token-file", "nowhere"], "cannot be used"),
        (&["--config", "unknown.toml"], "a tenant that has no token"),
        (&["--tls-cert", "file"], "--tls-key"),
        (&["--tls-cert", "file", "--tls-key", "file"], "cannot be used for TLS"),
    ] {
        let output = place.run(["serve"].iter().chain(args));
        assert_eq!(output.status.code(), Some(125), "{args:?} {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?} {}", stderr(&output));
    }
}
