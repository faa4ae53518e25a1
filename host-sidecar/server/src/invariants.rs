//! Invariants of requests, whatever their body is. For tests and fuzzing.
#![expect(clippy::expect_used, reason = "used by tests and fuzzing only")]

use crate::{
    convert, mcp,
    request::{body, multipart},
    tar::decode_archive,
};
use cofferdam_core::{policy::Policy, session::EntryKind};
use cofferdam_http_api::Problem;
use cofferdam_protocol::{Decoder, EXECUTION, Message, encode};
use cofferdam_types::Request;
use tar::Header;

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

/// Checks that a tar archive is decoded alike however it is split, into entries below their directory and no more bytes
/// than it has, or is refused with a short, printable message.
///
/// # Panics
///
/// If an invariant is violated.
pub fn archive(bytes: &[u8]) {
    check_archive(bytes);
    check_archive(&with_checksums(bytes));
}

/// The same blocks with the checksums of headers, which hardly any other bytes have.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let (blocks, rest) = bytes.as_chunks::<512>();
    let headers = blocks.iter().flat_map(|block| {
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        if block.iter().any(|byte| *byte != 0) {
            header.set_cksum();
        }
        *header.as_bytes()
    });
    headers.chain(rest.iter().copied()).collect()
}

fn check_archive(bytes: &[u8]) {
    let whole = decode_archive(bytes, bytes.len().max(1));
    for size in [1, 7, 512] {
        assert_eq!(decode_archive(bytes, size), whole, "in pieces of {size}");
    }
    let entries = match whole {
        Ok(entries) => entries.unwrap_or_default(),
        Err(malformed) => return check_text(&malformed.to_string()),
    };
    for (entry, content) in &entries {
        let is_below = entry.path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        assert!(is_below, "{:?}", entry.path);
        assert!(matches!(entry.kind, EntryKind::File(_)) || content.is_empty(), "{:?}", entry.path);
    }
    assert!(entries.iter().map(|(_, content)| content.len()).sum::<usize>() <= bytes.len());
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
        cofferdam_fuzz::check_corpus("archives", archive);
        cofferdam_fuzz::check_corpus("calls", message);
        cofferdam_fuzz::check_corpus("parts", parts);
        cofferdam_fuzz::check_corpus("plans", request);
    }
}
