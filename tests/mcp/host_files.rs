//! Files and folders of the operator's input directory, which a call names.

use crate::{
    http::{post, session},
    server::{Server, call},
};
use cofferdam_tests::{
    leaks::assert_no_leaks,
    program::{TestDir, stderr},
    sidecar::Sidecar,
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink};

/// Prints each file below the working directory, and its length.
const LIST: &str = "
import os
for folder, _, files in sorted(os.walk('.')):
    for name in sorted(files):
        path = os.path.join(folder, name)
        print(path[2:], os.path.getsize(path))
";
const BIG: usize = 20 << 20;

/// A folder `data` with a large file, a folder, and a link out of it.
fn input_directory() -> TestDir {
    let dir = TestDir::new();
    fs::create_dir_all(dir.path().join("data/sub")).expect("a folder");
    dir.write("data/big", vec![1; BIG]);
    dir.write("data/sub/a.csv", "a,b");
    dir.write("secret", "secret");
    symlink("../secret", dir.path().join("data/out")).expect("a link");
    dir
}

/// The properties of a file in the schema of the tool.
fn file_properties(tools: &Value) -> &Value {
    &tools["tools"][0]["inputSchema"]["properties"]["files"]["items"]["properties"]
}

fn list() -> Value {
    json!({ "jsonrpc": "2.0", "id": "l", "method": "tools/list" })
}

fn arguments(source: &str) -> Value {
    json!({ "code": LIST, "files": [{ "path": "copy", "source": source }] })
}

#[test]
fn a_call_copies_files_and_folders_below_the_input_directory() {
    let dir = input_directory();
    let mut server = Server::start(&dir, &["--input-dir", "data"]);
    server.initialize();
    let tools = server.request(&list());
    assert_eq!(file_properties(&tools)["source"]["type"], "string", "{tools}");
    let files = json!([
        { "path": "in/large", "source": "big" },
        { "path": "folder", "source": "sub" },
        { "path": "text", "content": "1" },
    ]);
    let result = server.call(&json!({ "code": LIST, "files": files }));
    let expected = format!("main.py {}\ntext 1\nfolder/a.csv 3\nin/large {BIG}\n", LIST.len());
    assert_eq!(result["structuredContent"]["stdout"]["content"], expected, "{result}");
    let absolute = dir.path().join("data/big");
    for (source, problem) in [
        ("../secret", "leads out"),
        ("sub/../../secret", "leads out"),
        ("out", "leads out"),
        (".", "leads out"),
        (absolute.to_str().expect("UTF-8"), "leads out"),
        ("none", "No such file"),
    ] {
        let result = server.call(&arguments(source));
        let text = result["content"][0]["text"].as_str().expect("a text");
        assert_eq!(result["isError"], true, "{source}: {text}");
        assert!(text.contains(problem) && !text.contains("secret\n"), "{source}: {text}");
    }
    let output = server.end();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_no_leaks(&dir);
}

#[test]
fn without_an_input_directory_no_file_of_the_host_is_copied() {
    let dir = input_directory();
    let mut server = Server::start(&dir, &[]);
    server.initialize();
    let tools = server.request(&list());
    let properties = file_properties(&tools);
    assert_eq!((&properties["path"]["type"], &properties["source"]), (&json!("string"), &Value::Null));
    let result = server.call(&arguments("data/big"));
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert!(result["isError"] == true && text.contains("has no input directory"), "{text}");
    server.end();
    let output = Server::start(&dir, &["--input-dir", "none"]).end();
    assert_eq!(output.status.code(), Some(125), "{}", stderr(&output));
    assert!(stderr(&output).contains("the input directory none cannot be read"), "{}", stderr(&output));
}

#[tokio::test]
async fn over_http_the_setting_of_the_operator_permits_it() {
    let dir = input_directory();
    for (settings, is_permitted) in [(&[][..], false), (&[("COFFERDAM_MCP__INPUT_DIR", "data")], true)] {
        let sidecar = Sidecar::start(&dir, &[], settings);
        let client = sidecar.tcp_client();
        let session = session(&client).await;
        let call = call("a", &arguments("big"));
        let response = post(&client, &call, &[("mcp-session-id", &session)]).await;
        assert_eq!(response.status, 200, "{}", response.text);
        assert_eq!(response.text.contains(&format!("copy {BIG}")), is_permitted, "{}", response.text);
        assert_eq!(response.text.contains("has no input directory"), !is_permitted, "{}", response.text);
    }
}
