//! Tests of the program, the component and what they leave behind, as their users meet them.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

#[path = "whole/advisories.rs"]
mod advisories;
#[path = "whole/attacks.rs"]
mod attacks;
#[path = "whole/bad_input.rs"]
mod bad_input;
#[path = "whole/bounds.rs"]
mod bounds;
#[path = "whole/broken_sandbox.rs"]
mod broken_sandbox;
#[path = "whole/cleanup.rs"]
mod cleanup;
#[path = "whole/command_line.rs"]
mod command_line;
#[path = "whole/commands.rs"]
mod commands;
#[path = "whole/concurrency.rs"]
mod concurrency;
#[path = "whole/contract.rs"]
mod contract;
#[path = "whole/cpython.rs"]
mod cpython;
#[path = "whole/documents.rs"]
mod documents;
#[path = "whole/empty_program.rs"]
mod empty_program;
#[path = "whole/follow.rs"]
mod follow;
#[path = "whole/hostile_folder.rs"]
mod hostile_folder;
#[path = "whole/hostile_guest.rs"]
mod hostile_guest;
#[path = "whole/hostile_program.rs"]
mod hostile_program;
#[path = "whole/language.rs"]
mod language;
#[path = "whole/limits_seen.rs"]
mod limits_seen;
#[path = "whole/other_users.rs"]
mod other_users;
#[path = "whole/output_folder.rs"]
mod output_folder;
#[path = "whole/pool.rs"]
mod pool;
#[path = "whole/processors.rs"]
mod processors;
#[path = "whole/run_sidecar.rs"]
mod run_sidecar;
#[path = "whole/serve.rs"]
mod serve;
#[path = "whole/serve_bad_input.rs"]
mod serve_bad_input;
#[path = "whole/serve_bounds.rs"]
mod serve_bounds;
#[path = "whole/serve_connections.rs"]
mod serve_connections;
#[path = "whole/serve_end.rs"]
mod serve_end;
#[path = "whole/serve_follow.rs"]
mod serve_follow;
#[path = "whole/serve_hostile.rs"]
mod serve_hostile;
#[path = "whole/serve_memory.rs"]
mod serve_memory;
#[path = "whole/serve_outcomes.rs"]
mod serve_outcomes;
#[path = "whole/serve_schemathesis.rs"]
mod serve_schemathesis;
#[path = "whole/serve_spans.rs"]
mod serve_spans;
#[path = "whole/serve_starts.rs"]
mod serve_starts;
#[path = "whole/serve_tenants.rs"]
mod serve_tenants;
#[path = "whole/serve_tls.rs"]
mod serve_tls;
#[path = "whole/settings.rs"]
mod settings;
#[path = "whole/terminal.rs"]
mod terminal;
#[path = "whole/unprivileged.rs"]
mod unprivileged;
