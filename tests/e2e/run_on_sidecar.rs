//! `cofferdam run --sidecar` executes programs on a running sidecar.

use cofferdam_tests::{
    program::{TestDir, stderr, stdout},
    sidecar::Sidecar,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::Output,
    thread,
};

const EVERYTHING: &str = "
import os, sys
print(sys.argv[1:], os.environ['A'], sys.stdin.read(), open('in.txt').read())
open('out.txt', 'w').write('out')
sys.stdout.buffer.write(b'\\xff\\n')
print('err', file=sys.stderr)
sys.exit(7)
";

const TOKEN: &str = "a-token-that-is-valid";

/// The URL of the Unix socket of this test's sidecar.
fn socket(dir: &TestDir) -> String {
    format!("unix:{}", dir.path().join("s.sock").display())
}

fn run(dir: &TestDir, sidecar: &str, options: &[&str]) -> Output {
    dir.run(["run", "--sidecar", sidecar].iter().chain(options).chain(&["p.py"]))
}

#[test]
fn running_on_a_sidecar_gives_the_same_result() {
    let dir = TestDir::new();
    dir.write("p.py", EVERYTHING);
    dir.write("in.txt", "in");
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let mut outputs = Vec::new();
    for target in [
        vec![],
        vec!["--sidecar".to_owned(), socket(&dir)],
        vec!["--sidecar".into(), format!("http://{}", sidecar.address)],
    ] {
        let out = format!("out-{}", outputs.len());
        let options =
            ["--env", "A=1", "--file", "in.txt", "--collect", "*.txt", "--out", &out, "p.py", "--", "x"];
        let mut command = dir.cofferdam(
            ["run"].into_iter().map(str::to_owned).chain(target).chain(options.map(str::to_owned)),
        );
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("cofferdam");
        child.stdin.take().expect("a pipe").write_all(b"typed").expect("written");
        let output = child.wait_with_output().expect("an end");
        let file = fs::read(dir.path().join(&out).join("out.txt")).unwrap_or_default();
        outputs.push((output.status.code(), output.stdout, output.stderr, file));
    }
    let (code, stdout, stderr, file) = &outputs[0];
    assert_eq!(
        (*code, stderr.as_slice(), file.as_slice()),
        (Some(7), b"err\n".as_slice(), b"out".as_slice())
    );
    assert_eq!(stdout, b"['x'] 1 typed in\n\xff\n");
    assert_eq!((&outputs[1], &outputs[2]), (&outputs[0], &outputs[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn running_on_a_sidecar_uses_a_prewarmed_sandbox() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let mut sidecar =
        Sidecar::start(&dir, &[], &[("COFFERDAM_POOL__MAXIMUM", "1"), ("COFFERDAM_POOL__MINIMUM", "1")]);
    assert_eq!(sidecar.client().send("GET", "/readyz", &[], "").await.status, 200);
    sidecar.wait_for("a sandbox waits");
    let output = run(&dir, &socket(&dir), &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json["warm"], &json["stdout"]["content"]), (&true.into(), &"1\n".into()), "{json}");
}

#[test]
fn output_is_streamed_and_sigint_cancels() {
    let dir = TestDir::new();
    dir.write("p.py", "import time\nprint('now')\ntime.sleep(600)");
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    let mut child = dir.cofferdam(["run", "--sidecar", &socket(&dir), "p.py"]).spawn().expect("cofferdam");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
    assert_eq!(line, "now\n");
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    assert!(sidecar.wait_for("ran id=").contains("status=Cancelled"));
}

#[test]
fn killing_the_client_cancels_the_execution() {
    let dir = TestDir::new();
    dir.write("p.py", "import time\nprint('now')\ntime.sleep(600)");
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    let mut child = dir.cofferdam(["run", "--sidecar", &socket(&dir), "p.py"]).spawn().expect("cofferdam");
    BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut String::new()).expect("a line");
    child.kill().expect("a signal");
    child.wait().expect("an end");
    assert!(sidecar.wait_for("ran id=").contains("status=Cancelled"));
}

#[test]
fn the_token_is_read_from_the_environment() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    dir.write("tokens", TOKEN);
    fs::set_permissions(dir.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let file = dir.path().join("tokens").display().to_string();
    let _sidecar = Sidecar::start(&dir, &["--token-file", &file], &[]);
    for (token, expected) in [
        (TOKEN, None),
        ("wrong", Some("does not know the token in COFFERDAM_TOKEN")),
        ("", Some("set COFFERDAM_TOKEN")),
        ("a\nb", Some("not allowed in an HTTP header")),
    ] {
        let mut command = dir.cofferdam(["run", "--sidecar", &socket(&dir), "p.py"]);
        let output = command.env("COFFERDAM_TOKEN", token).output().expect("cofferdam");
        match expected {
            None => assert_eq!(stdout(&output), "1\n", "{}", stderr(&output)),
            Some(expected) => {
                assert_eq!(output.status.code(), Some(125));
                assert!(stderr(&output).contains(expected), "{token:?} {}", stderr(&output));
            }
        }
    }
}

#[test]
fn a_wrong_sidecar_address_is_reported() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a socket").local_addr().expect("an address");
    for (sidecar, options, expected) in [
        (format!("http://{closed}"), &[][..], "no connection to the sidecar"),
        (format!("unix:{}/none", dir.path().display()), &[], "no connection to the sidecar"),
        ("127.0.0.1".into(), &[], "does not begin with"),
        (socket(&dir), &["--config", "none.toml"], "cannot be used with"),
        (socket(&dir), &["--backend", "local"], "cannot be used with"),
    ] {
        let output = run(&dir, &sidecar, options);
        assert_eq!((output.status.code(), stdout(&output)), (Some(125), String::new()), "{sidecar}");
        assert!(stderr(&output).contains(expected), "{sidecar} {}", stderr(&output));
    }
}

#[test]
fn an_unexpected_response_is_reported() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    for (response, expected) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), "not a sidecar (HTTP status 404)"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into(), "not a sidecar (HTTP status 200)"),
        (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n".into(),
            "whether the program ran is not known",
        ),
        (format!("{events}Cofferdam-Version: 9.1.0\r\n\r\n"), "speaks version"),
        (format!("{events}\r\ndata: {{}}\n\n"), "not a sidecar"),
        (format!("{events}\r\n"), "ended before the response was complete"),
        (
            format!("{events}\r\ndata: {{\"accepted\":\"run-1\"}}\n\n"),
            "ended before the response was complete",
        ),
        ("\0\0\0".into(), "ended before the response was complete"),
        (String::new(), "ended before the response was complete"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = listener.local_addr().expect("an address");
        let shown = response.clone();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            // The whole request: closing the connection earlier would reset it.
            let mut head = Vec::new();
            while !head.ends_with(b"\"print(1)\"}") && !head.windows(8).any(|part| part == b"print(1)") {
                let mut chunk = [0; 4096];
                let length = stream.read(&mut chunk).expect("a request");
                head.extend(&chunk[..length]);
            }
            stream.write_all(response.as_bytes()).expect("written");
        });
        let output = run(&dir, &format!("http://{address}"), &[]);
        server.join().expect("a server");
        assert_eq!(output.status.code(), Some(125), "{shown:?}");
        assert!(stderr(&output).contains(expected), "{shown:?} {}", stderr(&output));
    }
}

#[test]
fn local_settings_do_not_apply_to_a_sidecar() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let _sidecar = Sidecar::start(&dir, &[], &[]);
    dir.write("cofferdam.toml", "[ceilings]\nmem_limit = \"1Gi\"");
    let output = run(&dir, &socket(&dir), &[]);
    assert_eq!((stdout(&output), stderr(&output)), ("1\n".into(), String::new()));
}

#[test]
fn the_sidecar_url_is_read_from_the_environment() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    for url in [sidecar.address.clone(), format!("http://{}", sidecar.address), socket(&dir)] {
        let cofferdam =
            |args: &[&str]| dir.cofferdam(args).env("COFFERDAM_URL", &url).output().expect("cofferdam");
        let output = cofferdam(&["run", "p.py"]);
        assert_eq!(stdout(&output), "1\n", "{url} {}", stderr(&output));
        sidecar.wait_for("ran id=");
        assert_eq!(stdout(&dir.run(["run", "--sidecar", &url, "p.py"])), "1\n", "{url}");
        sidecar.wait_for("ran id=");
        for asked in [cofferdam(&["health", "--ready"]), dir.run(["health", &url])] {
            assert_eq!(asked.status.code(), Some(0), "{url} {}", stderr(&asked));
        }
    }
    // An option says where to run.
    let mut elsewhere = dir.cofferdam(["run", "--backend", "local", "p.py"]);
    let output = elsewhere.env("COFFERDAM_URL", "http://127.0.0.1:1").output().expect("cofferdam");
    assert_eq!(stdout(&output), "1\n", "{}", stderr(&output));
    let mut wrong = dir.cofferdam(["run", "p.py"]);
    let output = wrong.env("COFFERDAM_URL", "nowhere").output().expect("cofferdam");
    assert!(stderr(&output).starts_with("cofferdam: COFFERDAM_URL: \"nowhere\""), "{}", stderr(&output));
    let output = dir.run(["health"]);
    assert!(stderr(&output).contains("name the sidecar"), "{}", stderr(&output));
}
