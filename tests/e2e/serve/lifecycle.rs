//! Startup and shutdown of a sidecar.

use super::{DETACHED, STREAM, endless};
use crate::cleanup::assert_no_leaks;
use cofferdam_tests::{
    program::{TestDir, stderr},
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
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[("COFFERDAM_SERVE__GRACE_SECONDS", "60")]);
    let client = sidecar.client();
    let request = json!({ "code": "import time\ntime.sleep(0.5)\nprint('done')" });
    let (waiting, detached) = (client.clone(), client.run(&request, &[DETACHED]).await);
    assert_eq!(detached.status, 202);
    let waiting = tokio::spawn(async move { waiting.run(&request, &[]).await });
    sidecar.wait_for("the program runs");
    sidecar.wait_for("the program runs");
    sidecar.signal(Signal::TERM);
    let response = waiting.await.expect("a response");
    assert_eq!(response.json["stdout"]["content"], "done\n", "{}", response.text);
    let (status, log) = sidecar.end();
    assert_eq!((status.code(), log.matches("status=Exited(0)").count()), (Some(0), 2), "{log}");
    assert!(!dir.path().join("s.sock").exists());
    assert_no_leaks(&dir);
}

#[test]
fn the_sidecar_ends_with_its_stdin_if_requested() {
    let dir = TestDir::new();
    let output = dir.run_with_stdin(["serve", "--until-stdin-ends", "--listen", "unix:made/s.sock"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("listening on unix:made/s.sock"), "{}", stderr(&output));
    assert!(!dir.path().join("made").exists(), "the folder created for the socket is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_cancels_executions_after_the_grace_period() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[("COFFERDAM_SERVE__GRACE_SECONDS", "0.2")]);
    let stream = sidecar.client().start(&endless(), &[STREAM]).await;
    sidecar.wait_for("the program runs");
    sidecar.signal(Signal::INT);
    let response = stream.read().await;
    assert!(response.text.contains("\"status\":\"cancelled\""), "{}", response.text);
    assert_eq!(sidecar.end().0.code(), Some(0));
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sidecar_cleans_up_after_a_killed_one() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    for _ in 0..4 {
        client.run(&endless(), &[DETACHED]).await;
        sidecar.wait_for("the program runs");
    }
    sidecar.signal(Signal::KILL);
    sidecar.end();
    assert!(dir.path().join("s.sock").exists());
    let next = Sidecar::start(&dir, &[], &[]);
    assert_no_leaks(&dir);
    assert_eq!(next.client().run(&json!({ "code": "print(1)" }), &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_private_and_used_by_one_sidecar() {
    let dir = TestDir::new();
    let _sidecar = Sidecar::start(&dir, &[], &[]);
    let socket = dir.path().join("s.sock");
    let file = fs::metadata(&socket).expect("a socket");
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let output = dir.run(["serve", "--listen", &format!("unix:{}", socket.display())]);
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("another process listens on the socket"), "{}", stderr(&output));
    assert!(socket.exists());
}

#[test]
fn invalid_serve_options_are_refused_at_startup() {
    let dir = TestDir::new();
    dir.write("tokens", "agent 0123456789abcdef");
    fs::set_permissions(dir.path().join("tokens"), fs::Permissions::from_mode(0o644)).expect("a file");
    dir.write("empty", "");
    fs::set_permissions(dir.path().join("empty"), fs::Permissions::from_mode(0o600)).expect("a file");
    dir.write("unknown.toml", "[tenants.a]\nmax_runs = 1");
    dir.write("file", "");
    let _other = UnixListener::bind(dir.path().join("other")).expect("a socket");
    for (args, part) in [
        (&["--listen", "0.0.0.0:0"][..], "requires --token-file"),
        (&["--listen", "localhost:8787"], "is not an address to listen on"),
        (&["--listen", "unix:file"], "is not a socket"),
        (&["--listen", "unix:other"], "another process listens on the socket"),
        (&["--token-file", "tokens"], "accessible to other users"),
        (&["--token-file", "empty"], "contains no token"),
        (&["--token-file", "nowhere"], "cannot be used"),
        (&["--config", "unknown.toml"], "a tenant without a token"),
        (&["--tls-cert", "file"], "--tls-key"),
        (&["--tls-cert", "file", "--tls-key", "file"], "cannot be used for TLS"),
    ] {
        let output = dir.run(["serve"].iter().chain(args));
        assert_eq!(output.status.code(), Some(125), "{args:?} {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?} {}", stderr(&output));
    }
}
