//! Tests of the components in third-party hosts, as `docs/hosts.md` describes them, and of the commands in
//! the other pages.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

mod doc_commands;
mod each_host;
mod examples;
mod faulty_sidecar;
mod hosts_page;
mod limits;
mod other;
mod recipes;
mod scripted_server;
mod streaming;
