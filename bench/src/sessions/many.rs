//! Many sandboxes that are kept, created at once.

use super::{
    bare::BareBundle, kept::KeptSandbox, package::Package, session::HttpSession, sidecar::SessionSidecar,
};
use crate::{interactive::Failure, samples::Samples};
use cofferdam_tests::{cluster::runtime, program::TestDir};
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use std::{path::Path, time::Duration};
use tokio::{task::spawn_blocking, time::Instant};

/// Sandboxes that bare runsc starts at a time. A hundred of them stand still. gVisor's package has the same bound, in its
/// `run.py`; a sidecar has its own.
const BARE_STARTS: usize = 16;

/// Durations from the request for each sandbox to the end of `true` in it.
pub struct AtOnce {
    /// Sessions in prewarmed sandboxes.
    pub warm: Samples,
    /// Sessions in new sandboxes.
    pub cold: Samples,
    /// `runsc run --detach` and `runsc exec`.
    pub bare: Samples,
    /// `Sandbox()` and `Sandbox.exec` of gVisor's own package, each in a thread.
    pub package: Samples,
}

/// Creates this many sandboxes of each kind at once, one kind after another.
///
/// # Errors
///
/// A sandbox does not start, or is not of the expected kind.
pub fn at_once(runsc: &Path, count: u32) -> Result<AtOnce, Failure> {
    Ok(AtOnce {
        warm: sessions(SessionSidecar::start(count)?, count)?,
        cold: sessions(SessionSidecar::start(0)?, count)?,
        bare: bare(runsc, count)?,
        package: package(runsc, count)?,
    })
}

fn sessions(sidecar: SessionSidecar, count: u32) -> Result<Samples, Failure> {
    let running = &sidecar;
    let create = |_| async move {
        let start = Instant::now();
        let session = running.create().await?;
        session.execute_true().await?;
        Ok::<_, Failure>((start.elapsed(), session))
    };
    let times = runtime().block_on(async {
        let (times, sessions): (Vec<_>, Vec<_>) =
            try_join_all((0..count).map(create)).await?.into_iter().unzip();
        try_join_all(sessions.into_iter().map(HttpSession::close)).await?;
        Ok::<_, Failure>(times)
    })?;
    sidecar.end()?;
    Ok(samples(times))
}

fn bare(runsc: &Path, count: u32) -> Result<Samples, Failure> {
    let dir = TestDir::new();
    let bundle = BareBundle::new(&dir, runsc)?;
    let start = Instant::now();
    let create = |number| {
        let bundle = bundle.clone();
        async move {
            let created = spawn_blocking(move || {
                let sandbox = bundle.start(number)?;
                sandbox.command()?;
                Ok::<_, Failure>((start.elapsed(), sandbox))
            });
            created.await?
        }
    };
    let created: Vec<_> = runtime()
        .block_on(stream::iter((0..count).map(create)).buffer_unordered(BARE_STARTS).try_collect())?;
    Ok(samples(created.into_iter().map(|(time, _)| time)))
}

fn package(runsc: &Path, count: u32) -> Result<Samples, Failure> {
    let dir = TestDir::new();
    Ok(samples(Package::start(&dir, runsc)?.times(&format!("create {count}"))?))
}

fn samples(times: impl IntoIterator<Item = Duration>) -> Samples {
    let mut samples = Samples::default();
    times.into_iter().for_each(|time| samples.push(time));
    samples
}
