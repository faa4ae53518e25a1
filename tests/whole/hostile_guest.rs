//! A guest that means harm is bounded and hurts nobody else.

use cofferdam::{
    Sidecar,
    component::{ExecuteError, Executor, SandboxImport, types::Request},
    config::Settings,
};
use cofferdam_tests::program::root;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// A guest of the right world in which each function of its own does this.
fn guest(body: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).expect("the contract");
    let world = resolve.select_world(&[package], Some("executor")).expect("the world");
    let dummy = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    let text = wasmprinter::print_bytes(&dummy).expect("a module").replace("unreachable", body);
    let mut module = wat::parse_str(text).expect("a module");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).expect("a guest's module");
    ComponentEncoder::default().module(&module).expect("a guest's module").encode().expect("a guest")
}

async fn execute(executor: &Executor) -> String {
    let import = SandboxImport::new(Sidecar::new(&Settings::default()).expect("a sidecar"));
    match executor.execute(import, Request::new("print(1)")).await {
        Ok(outcome) => format!("{outcome:?}"),
        Err(ExecuteError::Refused(error)) => error.message,
        Err(ExecuteError::Guest(error)) => format!("{error:#}"),
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
async fn a_guest_that_takes_all_memory_gets_no_more_than_it_may() {
    let grow = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 256)) (i32.const -1)))) unreachable";
    let executor = Executor::with_guest(&guest(grow), 1).expect("a guest");
    let message = execute(&executor).await;
    assert!(message.contains("unreachable"), "{message}");
}

#[tokio::test]
async fn what_is_no_guest_is_refused() {
    for wrong in [&b"no wasm"[..], b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"] {
        assert!(Executor::with_guest(wrong, 1).is_err());
    }
}

#[tokio::test]
async fn a_guest_has_only_the_runs_that_its_host_allows() {
    let sidecar = Sidecar::new(&Settings::default()).expect("a sidecar");
    let executor = Executor::new(1).expect("the guest");
    let none = executor.execute(SandboxImport::new(sidecar).with_runs(0), Request::new("print(1)")).await;
    let Err(ExecuteError::Refused(error)) = none else { panic!("it ran: {none:?}") };
    assert!(error.message.contains("all the runs"), "{}", error.message);
}
