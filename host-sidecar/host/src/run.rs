//! `cofferdam-host run`: one call of a component.

use crate::{
    cli::RunArgs,
    error::HostError,
    guest::{Guest, GuestData},
    invoke::invoke,
    signals::{ABORT_TIMEOUT, EndSignals},
    wasi,
};
use cofferdam::config;
use std::{
    io::{self, Write, stdout},
    process::ExitCode,
};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::Store;
use wasmtime_wasi::{I32Exit, p2::bindings::CommandPre};

/// Runs a component, and gives its exit code.
pub(crate) async fn run(args: RunArgs) -> Result<ExitCode, HostError> {
    let runtime = config::load(&args.guest.backend)?.with_own_unpacker().runtime()?;
    let guest = Guest::load(&args.component)?;
    // Until now there is no sandbox, and a signal ends the process at once.
    let mut signals = EndSignals::receive()?;
    let name = args.component.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments: Vec<_> = [name].into_iter().chain(args.args.iter().cloned()).collect();
    let wasi = wasi::context(&args.guest, &arguments, args.invoke.is_none())?;
    let (store, computing_time) = guest.store(&args.guest, wasi, &runtime);
    // The guest has a task of its own: it blocks its thread if its output is not read. A signal drops the guest, which
    // cancels its executions.
    let mut task = AbortOnDropHandle::new(tokio::spawn(async move {
        let call = async {
            match &args.invoke {
                Some(call) => call_function(&guest, store, call).await,
                None => run_command(&guest, store).await,
            }
        };
        computing_time.measure(call).await
    }));
    let result = tokio::select! {
        result = &mut task => result.map_err(io::Error::from)?,
        code = signals.next() => {
            task.abort();
            // It ends at its next wait, unless its thread is blocked.
            let _ = timeout(ABORT_TIMEOUT, task).await;
            Ok(code.into())
        }
    };
    runtime.drain().await;
    result
}

async fn call_function(guest: &Guest, store: Store<GuestData>, call: &str) -> Result<ExitCode, HostError> {
    let returned = invoke(guest, store, call).await?;
    writeln!(stdout(), "{}", returned.text)?;
    Ok(if returned.is_err { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn run_command(guest: &Guest, mut store: Store<GuestData>) -> Result<ExitCode, HostError> {
    let command = CommandPre::new(guest.linked.clone()).map_err(|error| {
        let problem = "name a function with --invoke: the component is not a command";
        HostError::Invoke(format!("{problem} ({error:#})"))
    })?;
    let command = command.instantiate_async(&mut store).await?;
    match command.wasi_cli_run().call_run(&mut store).await {
        Ok(Ok(())) => Ok(ExitCode::SUCCESS),
        Ok(Err(())) => Ok(ExitCode::FAILURE),
        // The guest called `exit`.
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(code)) => Ok(u8::try_from(*code).unwrap_or(1).into()),
            None => Err(error.into()),
        },
    }
}
