//! Attacks on a sidecar by a hostile tenant and by a peer without a token. All of them connect to loopback
//! only and end at a given time.

mod attacker;
mod cancelled;
mod heads;
mod idle;
mod json;
mod outcomes;
mod quotes;
mod scenario;
mod sessions;
mod unread;

pub use attacker::Attacker;
pub use cancelled::cancelled_executions;
pub use heads::long_heads;
pub use idle::idle_connections;
pub use json::many_json_values;
pub use outcomes::large_outcomes;
pub use quotes::quoted_outputs;
pub use scenario::{AttackPlan, AttackReport, run_attacks};
pub use sessions::unlimited_sessions;
pub use unread::unread_responses;

/// A program that prints as much as is kept by default. Its source needs no escapes in JSON.
const LARGE: &str = "import sys; sys.stdout.write('x' * (16 << 20))";
