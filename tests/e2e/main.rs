//! End-to-end tests of the program and the components, and of what they leave behind.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

mod advisories;
mod bad_input;
mod broken_sandbox;
mod cleanup;
mod command_line;
mod commands;
mod concurrency;
mod contract;
mod cpu_limit;
mod cpython;
mod crates;
mod doc_references;
mod documented_limits;
mod empty_program;
mod hostile_guest;
mod hostile_program;
mod hostile_tenant;
mod images;
mod input_files;
mod language;
mod other_users;
mod output_directory;
mod pool;
mod run_on_sidecar;
mod serve;
mod settings;
mod streaming;
mod terminal;
mod unprivileged;
mod untrusted_directory;
mod visible_limits;
