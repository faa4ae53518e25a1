//! A hostile guest component is limited and does not affect others.

use cofferdam::config::Settings;
use cofferdam_component::{ExecuteError, Executor, SandboxCtx, types::Request};
use cofferdam_tests::program::{TestDir, root, with_usr_of_machine};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// A guest of the right world in which each function has this body.
fn guest(body: &str) -> Vec<u8> {
    patched_guest(|text| text.replace("unreachable", body))
}

/// Addresses in the memory of a calling guest: its program, its request, the result, and its heap.
const PROGRAM: u32 = 512;
const REQUEST: u32 = 1024;
const RESULT: u32 = 4096;
const HEAP: u32 = 65_536;

/// A guest with this body that can call the import. At `PROGRAM` is `print(1)`.
fn calling_guest(body: &str) -> Vec<u8> {
    patched_guest(|text| {
        let (_, realloc) = text.split_once("_realloc\" (func ").expect("an allocator");
        let realloc = format!("(func (;{};)", realloc.split(')').next().unwrap_or_default());
        let (before, after) = text.split_once(&realloc).expect("an allocator");
        let after = after.replacen("unreachable", &format!("i32.const {HEAP}"), 1);
        let text = format!("{before}{realloc}{after}").replace("unreachable", body);
        let text = text.replace("(memory (;0;) 0)", "(memory (;0;) 64)");
        let (text, _) = text.trim_end().rsplit_once(')').expect("a module");
        format!("{text} (data (i32.const {PROGRAM}) \"print(1)\"))")
    })
}

/// Calls the import.
fn call_import() -> String {
    format!("(call 0 (i32.const {REQUEST}) (i32.const {RESULT}))")
}

/// Writes a request with this number of empty arguments.
fn with_arguments(count: u32) -> String {
    let (is_some, start, length) = (REQUEST + 20, REQUEST + 24, REQUEST + 28);
    format!(
        "(i32.store8 (i32.const {is_some}) (i32.const 1)) (i32.store (i32.const {start}) (i32.const {HEAP})) \
         (i32.store (i32.const {length}) (i32.const {count}))"
    )
}

/// A guest made of the dummy module of the world, with a change to its text.
fn patched_guest(change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).expect("the contract");
    let world = resolve.select_world(&[package], Some("executor")).expect("the world");
    let dummy = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    let text = change(&wasmprinter::print_bytes(&dummy).expect("a module"));
    let mut module = wat::parse_str(text).expect("a module");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("a guest's module");
    ComponentEncoder::default().module(&module).expect("a guest's module").encode().expect("a guest")
}

async fn execute(executor: &Executor) -> String {
    execute_with(executor, SandboxCtx::new(with_usr_of_machine().runtime().expect("a sidecar"))).await
}

async fn execute_with(executor: &Executor, ctx: SandboxCtx) -> String {
    match executor.execute(ctx, Request::new("print(1)")).await {
        Ok(outcome) => format!("{outcome:?}"),
        Err(ExecuteError::Refused(error)) => error.message,
        Err(ExecuteError::Guest(error)) => format!("{error:#}"),
        Err(other) => other.to_string(),
    }
}

#[tokio::test]
async fn a_guest_that_traps_is_an_error() {
    let executor = Executor::with_guest(&guest("unreachable"), 1).expect("a guest");
    assert!(execute(&executor).await.contains("unreachable"));
}

#[tokio::test]
async fn a_guest_that_never_returns_is_stopped() {
    let executor = Executor::with_guest(&guest("(loop $l (br $l)) unreachable"), 1).expect("a guest");
    let message = execute(&executor).await;
    assert!(message.contains("computed for longer than"), "{message}");
}

#[tokio::test]
async fn the_memory_of_a_guest_is_limited() {
    let grow = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 256)) (i32.const -1)))) unreachable";
    let executor = Executor::with_guest(&guest(grow), 1).expect("a guest");
    let message = execute(&executor).await;
    assert!(message.contains("unreachable"), "{message}");
}

#[tokio::test]
async fn bytes_that_are_not_a_guest_are_refused() {
    for wrong in [&b"no wasm"[..], b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"] {
        assert!(Executor::with_guest(wrong, 1).is_err());
    }
}

#[tokio::test]
async fn the_host_limits_the_executions_of_a_guest() {
    let sidecar = with_usr_of_machine().runtime().expect("a sidecar");
    let executor = Executor::new(1).expect("the guest");
    let none = executor
        .execute(SandboxCtx::builder(sidecar).max_executions(0).build(), Request::new("print(1)"))
        .await;
    let Err(ExecuteError::Refused(error)) = none else { panic!("it ran: {none:?}") };
    assert!(error.message.contains("execution limit of this instance reached"), "{}", error.message);
}

#[tokio::test]
async fn a_guest_that_starts_executions_in_a_loop_is_stopped() {
    let executor =
        Executor::with_guest(&calling_guest(&format!("(loop $l {} (br $l)) unreachable", call_import())), 1);
    let message = execute(&executor.expect("a guest")).await;
    assert!(message.contains("computed for longer than"), "{message}");
}

#[tokio::test]
async fn a_guest_with_an_oversized_request_is_stopped() {
    // The first list exceeds the guest's memory; the second would take gigabytes of the host's memory.
    for (count, grow) in [(0x7fff_ffff, 0), (100_000_000, 13_000)] {
        let body = format!(
            "(drop (memory.grow (i32.const {grow}))) {} {} (loop $l (br $l)) unreachable",
            with_arguments(count),
            call_import()
        );
        let executor = Executor::with_guest(&calling_guest(&body), 1).expect("a guest");
        let message = execute(&executor).await;
        assert!(!message.contains("computed for longer than") && !message.contains("Outcome"), "{message}");
    }
}

#[tokio::test]
async fn a_guest_that_traps_after_its_execution_leaves_nothing_behind() {
    let dir = TestDir::new();
    let settings = Settings { state_dir: Some(dir.state()), ..with_usr_of_machine() };
    let (start, length) = (REQUEST, REQUEST + 4);
    let body = format!(
        "(i32.store (i32.const {start}) (i32.const {PROGRAM})) (i32.store (i32.const {length}) (i32.const 8)) {} unreachable",
        call_import()
    );
    let executor = Executor::with_guest(&calling_guest(&body), 1).expect("a guest");
    let sidecar = settings.runtime().expect("a sidecar");
    let message = execute_with(&executor, SandboxCtx::new(sidecar.clone())).await;
    assert!(message.contains("unreachable"), "{message}");
    sidecar.drain().await;
    super::cleanup::assert_no_leaks(&dir);
    // The execution did start: it creates this file.
    assert!(dir.state().join("gate").exists());
}

/// All guests share one thread, so that one that does not yield would block the others.
#[tokio::test]
async fn hostile_guests_do_not_block_another_guest() {
    let grow = "(loop $l (drop (memory.grow (i32.const 1))) (br $l)) unreachable";
    let calling = calling_guest(&format!("(loop $l {} (br $l)) unreachable", call_import()));
    for hostile in [guest("(loop $l (br $l)) unreachable"), guest(grow), calling] {
        let hostile = Executor::with_guest(&hostile, 1).expect("a guest");
        let busy = tokio::spawn(async move {
            loop {
                execute(&hostile).await;
            }
        });
        let other = Executor::new(1).expect("the guest");
        let ctx = SandboxCtx::new(with_usr_of_machine().runtime().expect("a sidecar"));
        let outcome = other.execute(ctx, Request::new("print(6*7)")).await.expect("an outcome");
        assert_eq!(outcome.stdout.text, "42\n");
        busy.abort();
    }
}
