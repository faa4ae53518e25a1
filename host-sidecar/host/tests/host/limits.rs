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

#[test]
fn waiting_often_and_briefly_is_not_computing() {
    let dir = TestDir::new();
    // It waits 100 times for 12 ms.
    write_guest(
        &dir,
        r#"(component
            (import "wasi:io/poll@0.2.0" (instance $poll
                (export "pollable" (type $pollable (sub resource)))
                (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
            (alias export $poll "pollable" (type $pollable))
            (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
                (alias outer 1 $pollable (type $outer))
                (export "pollable" (type $inner (eq $outer)))
                (export "subscribe-duration" (func (param "when" u64) (result (own $inner))))))
            (core func $block (canon lower (func $poll "[method]pollable.block")))
            (core func $subscribe (canon lower (func $clock "subscribe-duration")))
            (core func $drop (canon resource.drop $pollable))
            (core module $m
                (import "host" "block" (func $block (param i32)))
                (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
                (import "host" "drop" (func $drop (param i32)))
                (func (export "wait") (local $left i32) (local $pollable i32)
                    (local.set $left (i32.const 100))
                    (loop $again
                        (local.set $pollable (call $subscribe (i64.const 12000000)))
                        (call $block (local.get $pollable))
                        (call $drop (local.get $pollable))
                        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                        (br_if $again (local.get $left)))))
            (core instance $i (instantiate $m (with "host" (instance
                (export "block" (func $block)) (export "subscribe" (func $subscribe)) (export "drop" (func $drop))))))
            (func (export "wait") (canon lift (core func $i "wait"))))"#,
    );
    let args = ["run", "--guest-seconds", "0.5", "--invoke", "wait()", "guest.wasm"];
    let (code, _, message) = ended(&host(&dir, args).output().expect("the host"));
    assert_eq!((code, message), (Some(0), String::new()));
}
