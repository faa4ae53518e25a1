//! A program that embeds Cofferdam: it executes Python code in a gVisor sandbox on this machine.
//!
//! `cargo run --release -p cofferdam-component --example embed -- 'print(6*7)'`

use cofferdam::{
    Runtime,
    core::{CancellationToken, NoObserver, policy::Policy},
    local::{LocalBackend, LocalConfig},
    types::{Request, Status},
};
use std::{
    env,
    error::Error,
    io::{Write, stderr, stdout},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let code = env::args().nth(1).ok_or("usage: embed CODE")?;

    let mut policy = Policy::default();
    policy.defaults.set_wall_time(Duration::from_secs(30));
    let backend = LocalBackend::new(&LocalConfig::default())?;
    let runtime = Runtime::new(policy, Arc::new(backend));

    let request = Request { code, language: Some("python".into()), ..Request::default() };
    let result = runtime.run(request, &CancellationToken::new(), &NoObserver).await;
    runtime.drain().await;

    let report = result?;
    stdout().write_all(&report.stdout.bytes)?;
    stderr().write_all(&report.stderr.bytes)?;
    match report.status {
        Status::Exited(code) => Ok(code.into()),
        other => Err(format!("the program did not exit normally: {other:?}").into()),
    }
}
