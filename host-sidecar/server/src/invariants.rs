//! Invariants of requests, whatever their body is. For tests and fuzzing.
#![expect(clippy::expect_used, reason = "used by tests and fuzzing only")]

use crate::{
    convert, mcp,
    request::{body, multipart},
};
use cofferdam_core::policy::Policy;
use cofferdam_http_api::Problem;
use cofferdam_protocol::{Decoder, EXECUTION, Message, encode};
use cofferdam_types::Request;

/// Checks that a body is refused with a short, printable message, or becomes a plan: with the requested
/// program, with no limit above its ceiling, and in a form that the runner can decode.
///
/// # Panics
///
/// If an invariant is violated.
pub fn request(body: &[u8]) {
    match body::parse(body) {
        Ok(request) => check_plan(convert::request(request)),
        Err(error) => check_text(&Problem::from(error).detail),
    }
}

fn check_plan(request: Request) {
    let policy = Policy::default();
    let plan = match policy.plan(request.clone()) {
        Ok(plan) => plan,
        Err(error) => return check_text(&error.message),
    };
    let (limits, ceilings) = (&plan.exec.limits, &policy.ceilings);
    assert!(
        limits.wall_time_ms <= ceilings.wall_time_ms && limits.startup_time_ms <= ceilings.startup_time_ms
    );
    assert!(limits.memory_bytes <= ceilings.memory_bytes && limits.disk_bytes <= ceilings.disk_bytes);
    assert!(limits.processes <= ceilings.processes && limits.output_bytes <= ceilings.output_bytes);
    assert!(
        limits.collected_files <= ceilings.collected_files
            && limits.collected_bytes <= ceilings.collected_bytes
    );
    assert_eq!(plan.sandbox.network, None);
    let program = &plan.exec;
    assert_eq!(
        (&program.code, &program.args, &program.stdin),
        (&request.code, &request.args, &request.stdin)
    );
    assert!(program.files.iter().map(|file| &file.path).eq(request.files.iter().map(|file| &file.path)));
    let program = plan.exec.into_program(&plan.sandbox);
    assert_eq!(program.env, request.env);
    let message = Message::Run(program);
    let mut decoder = Decoder::default();
    decoder.push(&encode(EXECUTION, &message).expect("a message"));
    assert_eq!(decoder.next(), Ok(Some((EXECUTION, message))));
}

/// Checks that an MCP message is refused with a short, printable message, or that the MCP library gets a part
/// of it of limited size, and policy can decide on its call.
///
/// # Panics
///
/// If an invariant is violated.
pub fn message(message: &[u8]) {
    match mcp::read(message) {
        Err(None) => {}
        Err(Some(answer)) => {
            let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
            check_text(answer["error"]["message"].as_str().expect("a message"));
        }
        Ok((envelope, call)) => {
            assert!(envelope.len() <= 256 << 10, "{} bytes", envelope.len());
            match call {
                Ok(request) => request.into_iter().for_each(check_plan),
                Err(error) => check_text(&error.message),
            }
        }
    }
}

/// Checks that a body of several parts, with the boundary `b0`, is decoded alike however it is split, or refused with a
/// short, printable message.
///
/// # Panics
///
/// If an invariant is violated.
pub fn parts(body: &[u8]) {
    let whole = multipart::decode(body, body.len().max(1));
    for size in [1, 7] {
        assert_eq!(multipart::decode(body, size).ok(), whole.clone().ok(), "in pieces of {size}");
    }
    if let Err(malformed) = whole {
        check_text(&malformed.to_string());
    }
}

fn check_text(message: &str) {
    assert!(!message.chars().any(|c| c.is_control()), "{message:?}");
    assert!(message.len() <= 8 << 10, "{} bytes", message.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corpora_violate_no_invariant() {
        cofferdam_fuzz::check_corpus("calls", message);
        cofferdam_fuzz::check_corpus("parts", parts);
        cofferdam_fuzz::check_corpus("plans", request);
    }
}
