//! Tests of the components in hosts that others wrote, as `docs/hosts.md` has them, and the commands of the other pages.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

mod ends;
mod faults;
mod follow;
mod limits;
mod pages;
mod recipes;
mod setup;
mod sidecar;
mod ways;
