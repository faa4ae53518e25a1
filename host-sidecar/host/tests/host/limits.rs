//! The limits of a guest.

use crate::{component, ended, host, write_guest};
use cofferdam_tests::program::{TestDir, stdout};

#[test]
fn a_guest_that_computes_for_too_long_fails() {
    let dir = TestDir::new();
    write_guest(
        &dir,
        r#"(component
            (core module $m (func (export "spin") (loop br 0)))
            (core instance $i (instantiate $m))
            (func (export "spin") (canon lift (core func $i "spin"))))"#,
    );
    let args = ["run", "--guest-seconds", "0.2", "--invoke", "spin()", "guest.wasm"];
    let (code, _, message) = ended(&host(&dir, args).output().expect("the host"));
    assert!(code == Some(1) && message.contains("the guest computed for longer than 0.2 s"), "{message}");
}

#[test]
fn waiting_for_an_execution_is_not_computing() {
    let dir = TestDir::new();
    let call = r#"execute({code: "import time; time.sleep(2); print(1)"})"#;
    let mut command = host(&dir, ["run", "--guest-seconds", "0.5", "--invoke", call]);
    let output = command.arg(component("code-executor")).output().expect("the host");
    assert!(stdout(&output).starts_with("ok("), "{output:?}");
}

#[test]
fn all_memories_of_a_guest_share_its_limit() {
    let dir = TestDir::new();
    // Each of two memories asks for 48 pages, that is, 3 MiB.
    write_guest(
        &dir,
        r#"(component
            (core module $m
                (memory $a 0) (memory $b 0)
                (func (export "grow") (result i32)
                    (memory.grow $a (i32.const 48)) (memory.grow $b (i32.const 48)) i32.add))
            (core instance $i (instantiate $m))
            (func (export "grow") (result s32) (canon lift (core func $i "grow"))))"#,
    );
    // A memory that does not grow gives -1, one that grows its former size, 0.
    for (limit, expected) in [("8Mi", "0\n"), ("4Mi", "-1\n"), ("1Mi", "-2\n")] {
        let args = ["run", "--guest-memory", limit, "--invoke", "grow()", "guest.wasm"];
        assert_eq!(stdout(&host(&dir, args).output().expect("the host")), expected, "{limit}");
    }
}
