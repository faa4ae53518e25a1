//! Tests of the components in hosts that others wrote, as `docs/hosts.md` has them, and the commands of the other pages.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

#[path = "hosts/ends.rs"]
mod ends;
#[path = "hosts/faults.rs"]
mod faults;
#[path = "hosts/follow.rs"]
mod follow;
#[path = "hosts/pages.rs"]
mod pages;
#[path = "hosts/setup.rs"]
mod setup;
#[path = "hosts/sidecar.rs"]
mod sidecar;
#[path = "hosts/ways.rs"]
mod ways;
