//! What holds of a request, whatever its body is.
#![expect(clippy::expect_used, reason = "only tests and fuzzing use it")]

use super::{body, convert, mcp};
use cofferdam_core::policy::Policy;
use cofferdam_http_api::Problem;
use cofferdam_protocol::{Message, decode_message, encode_message};
use cofferdam_types::Request;

/// A body is refused, in words that can be shown and have a bound, or becomes a plan: with the program as it was asked for, with
/// nothing above its ceiling, and in a form that the runner reads.
///
/// # Panics
///
/// Where that does not hold.
pub fn request(body: &[u8]) {
    match body::parse(body) {
        Ok(request) => check_plan(convert::request(request)),
        Err(refusal) => check_words(&Problem::from(refusal).detail),
    }
}

fn check_plan(request: Request) {
    let policy = Policy::default();
    let plan = match policy.plan(request.clone()) {
        Ok(plan) => plan,
        Err(error) => return check_words(&error.message),
    };
    let (limits, ceilings) = (&plan.limits, &policy.ceilings);
    assert!(limits.wall_time <= ceilings.wall_time && limits.startup_time <= ceilings.startup_time);
    assert!(limits.memory_bytes <= ceilings.memory_bytes && limits.disk_bytes <= ceilings.disk_bytes);
    assert!(limits.processes <= ceilings.processes && limits.output_bytes <= ceilings.output_bytes);
    assert!(limits.collected_files <= ceilings.collected_files && limits.collected_bytes <= ceilings.collected_bytes);
    assert_eq!(plan.network, None);
    let program = &plan.program;
    assert_eq!((&program.code, &program.args, &program.stdin), (&request.code, &request.args, &request.stdin));
    assert!(program.files.iter().map(|file| &file.path).eq(request.files.iter().map(|file| &file.path)));
    assert!(["PATH", "HOME", "LANG"].iter().all(|own| program.env.iter().any(|(name, _)| name == own)));
    let message = Message::Run(plan.program);
    let written = encode_message(&message).expect("a message");
    assert_eq!(decode_message(&written[4..]), Ok(message));
}

/// A message of MCP is refused in words that can be shown and have a bound, or the library gets a bounded part of it, and its call
/// is one that policy can decide on.
///
/// # Panics
///
/// Where that does not hold.
pub fn message(message: &[u8]) {
    match mcp::read(message) {
        Err(None) => {}
        Err(Some(answer)) => {
            let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
            check_words(answer["error"]["message"].as_str().expect("a message"));
        }
        Ok((envelope, call)) => {
            assert!(envelope.len() <= 256 << 10, "{} bytes", envelope.len());
            match call {
                Some(Ok(request)) => check_plan(request),
                Some(Err(error)) => check_words(&error.message),
                None => {}
            }
        }
    }
}

fn check_words(message: &str) {
    assert!(!message.chars().any(|c| c.is_control()), "{message:?}");
    assert!(message.len() <= 8 << 10, "{} bytes", message.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpora_hold() {
        cofferdam_fuzz::check_corpus("calls", message);
        cofferdam_fuzz::check_corpus("plans", request);
    }
}
