//! The tool: it executes code through `code-executor` and returns a text for a model.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

use alloc::{format, string::String};
#[cfg(target_family = "wasm")]
use guest_runtime as _;
use tool_bindings::cofferdam::code_executor::{
    code_executor::{execute, render},
    types::{Error, Request},
};

/// What the component exports.
#[derive(Debug)]
pub struct Tool;

impl tool_bindings::Guest for Tool {
    fn run_code(code: String, language: String) -> Result<String, String> {
        execute(&request(code, language)).map(|outcome| render(&outcome)).map_err(text)
    }
}

/// An empty language is the default.
fn request(code: String, language: String) -> Request {
    Request {
        code,
        language: Some(language).filter(|language| !language.is_empty()),
        args: None,
        env: None,
        stdin: None,
        files: None,
        collect: None,
        limits: None,
        network: None,
        labels: None,
    }
}

/// The error as a text for a model.
fn text(error: Error) -> String {
    let Error { message, retryable, .. } = error;
    if retryable { format!("{message} (the program was not run; a later call may succeed)") } else { message }
}

#[cfg(target_family = "wasm")]
tool_bindings::export!(Tool with_types_in tool_bindings);

#[cfg(test)]
mod tests {
    use super::*;
    use tool_bindings::cofferdam::code_executor::types::ErrorCode;

    #[test]
    fn an_empty_language_is_the_default() {
        assert_eq!(request("1".into(), String::new()).language, None);
        assert_eq!(request("1".into(), "bash".into()).language.as_deref(), Some("bash"));
    }

    #[test]
    fn an_error_says_whether_a_later_call_may_succeed() {
        let error =
            |retryable| Error { id: None, code: ErrorCode::Overloaded, message: "full".into(), retryable };
        assert_eq!(text(error(false)), "full");
        assert_eq!(text(error(true)), "full (the program was not run; a later call may succeed)");
    }
}
