//! What a hostile tenant of a sidecar, and a peer without a token, may do to another tenant: each attack by itself, and all at
//! once. All of it goes to loopback, and ends at a given time.

mod attacker;
mod cancelled;
mod heads;
mod idle;
mod json;
mod outcomes;
mod quotes;
mod sessions;
mod siege;
mod unread;

pub use attacker::Attacker;
pub use cancelled::cancelled_executions;
pub use heads::long_heads;
pub use idle::idle_connections;
pub use json::many_json_values;
pub use outcomes::large_outcomes;
pub use quotes::quoted_outputs;
pub use sessions::sessions_without_number;
pub use siege::{Besieged, Plan, besiege};
pub use unread::unread_answers;

/// A program that prints as much as is kept by default. Its text stands in JSON as it is.
const LARGE: &str = "import sys; sys.stdout.write('x' * (16 << 20))";
