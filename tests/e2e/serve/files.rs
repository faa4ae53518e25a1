//! Files that are streamed with a request, as parts of `multipart/form-data`.

use cofferdam_tests::{
    leaks::assert_no_leaks,
    program::TestDir,
    sidecar::{HttpResponse, Sidecar},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

const TYPE: (&str, &str) = ("content-type", "multipart/form-data; boundary=b0");

fn part(disposition: &str, headers: &str, content: &str) -> String {
    format!("--b0\r\nContent-Disposition: form-data; {disposition}\r\n{headers}\r\n{content}\r\n")
}

/// The part with the request.
fn request(json: &Value) -> String {
    part("name=\"request\"", "Content-Type: application/json\r\n", &json.to_string())
}

fn file(name: &str, headers: &str, content: &str) -> String {
    part(&format!("name=\"file\"; filename=\"{name}\""), headers, content)
}

async fn post(sidecar: &Sidecar, parts: &[String], headers: &[(&str, &str)]) -> HttpResponse {
    let headers: Vec<_> = [TYPE].into_iter().chain(headers.iter().copied()).collect();
    sidecar.client().send("POST", "/v1/executions", &headers, parts.concat() + "--b0--\r\n").await
}

/// Ends the sidecar, which deletes its sandboxes.
fn end(sidecar: Sidecar) {
    sidecar.signal(Signal::TERM);
    sidecar.end();
}

const LIST: &str = "import os\nfor name in ['in', 'data/a b.csv', 'run.sh', 'link', 'empty']:\n  \
                    print(name, oct(os.lstat(name).st_mode & 0o777), os.path.isdir(name) or open(name).read())";

#[tokio::test(flavor = "multi_thread")]
async fn parts_become_files_of_the_working_directory() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let inline = json!([{ "path": "in", "content": "inline", "mode": "600" }]);
    let parts = [
        request(&json!({ "code": LIST, "files": inline })),
        file("data/a b.csv", "", "1\r\n2"),
        file("run.sh", "Cofferdam-Mode: 755\r\n", "x"),
        file("link", "Content-Type: inode/symlink\r\n", "data/a b.csv"),
        file("empty", "Content-Type: inode/directory\r\ncofferdam-mode: 0700\r\n", ""),
    ];
    let expected =
        "in 0o600 inline\ndata/a b.csv 0o644 1\n2\nrun.sh 0o755 x\nlink 0o777 1\n2\nempty 0o700 True\n";
    for accept in ["application/json", "text/event-stream"] {
        let response = post(&sidecar, &parts, &[("accept", accept)]).await;
        assert_eq!(response.status, 200, "{}", response.text);
        let shown = json!(expected).to_string();
        assert!(response.text.contains(shown.trim_matches('"')), "{}", response.text);
    }
    let accepted = post(&sidecar, &parts, &[("prefer", "respond-async"), ("idempotency-key", "k")]).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let again = post(&sidecar, &parts[..1], &[("idempotency-key", "k")]).await;
    assert_eq!(again.json["id"], accepted.json["id"], "{}", again.text);
    let json_alone = sidecar.client().run(&json!({ "code": LIST }), &[("idempotency-key", "k")]).await;
    assert_eq!(json_alone.status, 422, "{}", json_alone.text);
    end(sidecar);
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_free_again_if_the_files_failed() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let run = request(&json!({ "code": "print(open('x').read())" }));
    for (key, failing, code) in [
        (
            "incomplete",
            "--b0\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\n--b0-".into(),
            400,
        ),
        ("wrong", file("../x", "", "1"), 400),
        ("large", file("x", "", &"x".repeat(300 << 20)), 413),
    ] {
        let headers = [TYPE, ("idempotency-key", key)];
        let body = run.clone() + &failing;
        let failed = sidecar.client().send("POST", "/v1/executions", &headers, body).await;
        assert_eq!(failed.status, code, "{}", failed.text);
        assert_eq!(failed.json["retryable"], key == "incomplete", "{}", failed.text);
        let again = post(&sidecar, &[run.clone(), file("x", "", "whole")], &headers[1..]).await;
        assert_eq!(again.json["stdout"]["content"], "whole\n", "{key}: {}", again.text);
    }
    end(sidecar);
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parts_are_refused_and_leave_nothing() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let run = request(&json!({ "code": "print(1)" }));
    let small = request(&json!({ "code": "print(1)", "limits": { "disk_bytes": 1 << 20 } }));
    for (parts, status, text) in [
        (vec![file("a", "", "")], 400, "the first part must be `request`"),
        (vec![], 400, "the first part must be `request`"),
        (vec![part("name=\"request\"", "", "{")], 400, "is not JSON"),
        (vec![run.clone(), part("name=\"file\"", "", "x")], 400, "has no file name"),
        (vec![run.clone(), file("a", "", ""), file("a", "", "")], 400, "`a` is given twice"),
        (vec![run.clone(), file("../a", "", "")], 400, "`..`"),
        (vec![run.clone(), file("main.py", "", "")], 400, "the program itself"),
        (vec![run.clone(), file("a", "cofferdam-mode: 4755\r\n", "")], 400, "three octal digits"),
        (vec![run.clone(), file("a", "content-type: inode/directory\r\n", "x")], 400, "has content"),
        (vec![run.clone(), file("a", "content-type: inode/symlink\r\n", "/x")], 400, "leads out"),
        (vec![small, file("a", "", &"x".repeat(2 << 20))], 413, "disk-bytes"),
    ] {
        let response = post(&sidecar, &parts, &[]).await;
        assert_eq!(response.status, status, "{text}: {}", response.text);
        assert!(
            response.json["detail"].as_str().is_some_and(|detail| detail.contains(text)),
            "{}",
            response.text
        );
    }
    let response = sidecar.client().send("POST", "/v1/executions", &[("content-type", "text/csv")], "").await;
    assert_eq!(response.status, 415);
    let again = post(&sidecar, &[run], &[]).await;
    assert_eq!(again.json["stdout"]["content"], "1\n", "{}", again.text);
    end(sidecar);
    assert_no_leaks(&dir);
}

/// Sends the head and the beginning of a request whose body has this length.
fn begin(sidecar: &Sidecar, length: u64, code: &str, limits: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(&sidecar.address).expect("a connection");
    let head = format!(
        "POST /v1/executions HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n",
        TYPE.1
    );
    let parts = request(&json!({ "code": code, "limits": limits }))
        + "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"big\"\r\n\r\n";
    stream.write_all((head + &parts).as_bytes()).expect("a request");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_disconnects_among_the_files_leaves_nothing() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    let mut stream = begin(&sidecar, 1 << 30, "print(1)", &json!({}));
    stream.write_all(&vec![b'x'; 4 << 20]).expect("a beginning");
    sidecar.wait_for("the sandbox is ready");
    drop(stream);
    sidecar.wait_for("failed");
    end(sidecar);
    assert_no_leaks(&dir);
}

/// The memory of the sidecar while half a gibibyte passes through it.
#[tokio::test(flavor = "multi_thread")]
async fn large_files_pass_through_without_being_held() {
    const LENGTH: usize = 512 << 20;
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let peak = || {
        let status = fs::read_to_string(format!("/proc/{}/status", sidecar.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim_end_matches("kB").trim().parse::<usize>().expect("a number") << 10
    };
    let warm_up = post(&sidecar, &[request(&json!({ "code": "print(1)" }))], &[]).await;
    assert_eq!(warm_up.status, 200, "{}", warm_up.text);
    let before = peak();
    let code = "import os\nprint(os.path.getsize('big'))";
    let end = "\r\n--b0--\r\n";
    // The head of the body is written by `begin`: its length is that of an empty one.
    let limits = json!({ "disk_bytes": 600 << 20 });
    let prefix = request(&json!({ "code": code, "limits": limits })).len()
        + "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"big\"\r\n\r\n".len();
    let mut stream = begin(&sidecar, (prefix + LENGTH + end.len()) as u64, code, &limits);
    let response = tokio::task::spawn_blocking(move || {
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..LENGTH / chunk.len() {
            stream.write_all(&chunk).expect("a part of the file");
        }
        stream.write_all(end.as_bytes()).expect("an end");
        let mut response = String::new();
        stream.read_to_string(&mut response).map(|_| response)
    });
    let response = response.await.expect("a thread").expect("a response");
    assert!(response.contains(&format!("\"{LENGTH}\\n\"")), "{response}");
    let grown = peak().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more than {before}");
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_sends_files_as_documented() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    dir.write("request.json", json!({ "code": "print(open('data/big.csv').read(), end='')" }).to_string());
    dir.write("big.csv", "a,b\n");
    let url = format!("{}/v1/executions", sidecar.url());
    let output = Command::new("curl")
        .args(["--silent", "--form", "request=<request.json;type=application/json"])
        .args(["--form", "file=@big.csv;filename=data/big.csv", &url])
        .current_dir(dir.path())
        .output()
        .expect("curl");
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert_eq!(outcome["stdout"]["content"], "a,b\n", "{outcome}");
}
