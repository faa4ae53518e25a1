//! WASI is closed but for what is granted.

use crate::{component, ended, host, write_guest};
use cofferdam_tests::{
    program::{TestDir, stdout},
    sidecar::Sidecar,
};

const CALL: &str = r#"run-code("print(6*7)", "")"#;

#[test]
fn a_component_sends_requests_to_allowed_hosts_only() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let url = format!("COFFERDAM_URL=http://{}", sidecar.address);
    let run = |options: &[&str]| {
        let mut command = host(&dir, ["run", "--env", &url, "--invoke", CALL]);
        ended(&command.args(options).arg(component("code-executor-tool")).output().expect("the host"))
    };
    let (code, result, log) = run(&[]);
    assert_eq!((code, result.starts_with("err(")), (Some(1), true), "{result}");
    assert!(log.contains("--allow-host does not name this host"), "{log}");
    let (code, result, _) = run(&["--allow-host", "127.0.0.1:1"]);
    assert_eq!((code, result.starts_with("err(")), (Some(1), true), "{result}");
    let (code, result, log) = run(&["--allow-host", &sidecar.address]);
    assert_eq!((code, result.contains(r"\n42\n")), (Some(0), true), "{result} {log}");
}

#[test]
fn a_variable_without_a_value_is_that_of_the_host() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let mut command = host(&dir, ["run", "--env", "COFFERDAM_URL", "--allow-host", &sidecar.address]);
    command.env("COFFERDAM_URL", format!("http://{}", sidecar.address));
    let output = command.args(["--invoke", CALL]).arg(component("code-executor-tool")).output();
    assert!(stdout(&output.expect("the host")).contains(r"\n42\n"));
    let output = host(&dir, ["run", "--env", "NO_SUCH_VARIABLE", "guest.wasm"]).output().expect("the host");
    let (code, _, message) = ended(&output);
    assert!(code == Some(2) && message.contains("NO_SUCH_VARIABLE is not set"), "{message}");
}

#[test]
fn a_component_has_the_granted_directories_only() {
    let dir = TestDir::new();
    // `count` is the number of directories that the guest has.
    write_guest(
        &dir,
        r#"(component
            (import "wasi:filesystem/types@0.2.0" (instance $types (export "descriptor" (type (sub resource)))))
            (alias export $types "descriptor" (type $descriptor))
            (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
                (alias outer 1 $descriptor (type $outer))
                (export "descriptor" (type $inner (eq $outer)))
                (type $own (own $inner))
                (export "get-directories" (func (result (list (tuple $own string)))))))
            (core module $memory
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
            (core instance $memory (instantiate $memory))
            (core func $get (canon lower (func $preopens "get-directories")
                (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
            (core module $m
                (import "host" "get" (func $get (param i32)))
                (import "host" "memory" (memory 1))
                (func (export "count") (result i32) (call $get (i32.const 0)) (i32.load (i32.const 4))))
            (core instance $i (instantiate $m (with "host" (instance
                (export "get" (func $get)) (export "memory" (memory $memory "memory"))))))
            (func (export "count") (result u32) (canon lift (core func $i "count"))))"#,
    );
    let count = |options: &[&str]| {
        let mut command = host(&dir, ["run", "--invoke", "count()"]);
        ended(&command.args(options).arg("guest.wasm").output().expect("the host"))
    };
    assert_eq!(count(&[]), (Some(0), "0\n".into(), String::new()));
    assert_eq!(count(&["--dir", ".::/data:ro"]), (Some(0), "1\n".into(), String::new()));
    let (code, _, message) = count(&["--dir", "missing"]);
    assert!(code == Some(1) && message.contains("--dir missing cannot be opened"), "{message}");
}
