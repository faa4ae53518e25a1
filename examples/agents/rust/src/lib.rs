//! An agent as a component: it answers a question by running a Python program in a sandbox.

#[cfg(feature = "web")]
mod web;

#[expect(clippy::disallowed_methods, reason = "generated code passes strings to the host with `mem::forget`")]
mod bindings {
    #[cfg(not(feature = "web"))]
    wit_bindgen::generate!({ path: "../wit", world: "agent", generate_all });
    #[cfg(feature = "web")]
    wit_bindgen::generate!({ path: "../wit", world: "web", generate_all });
}

use bindings::cofferdam::code_executor::{
    code_executor::execute,
    types::{Error, Request, Status},
};

const ATTEMPTS: usize = 2;

#[cfg(not(feature = "web"))]
struct Agent;

#[cfg(not(feature = "web"))]
impl bindings::Guest for Agent {
    fn ask(question: String) -> Result<String, String> {
        answer(&question)
    }
}

#[cfg(not(feature = "web"))]
bindings::export!(Agent with_types_in bindings);

fn answer(question: &str) -> Result<String, String> {
    let mut mistake = String::new();
    for _ in 0..ATTEMPTS {
        let outcome = execute(&request(write_program(question, &mistake)?)).map_err(text)?;
        if matches!(outcome.status, Status::Exited(0)) {
            return Ok(outcome.stdout.text.trim().to_owned());
        }
        // A program that fails is not an error. Its traceback tells the model what to correct.
        mistake = outcome.stderr.text;
    }
    Err(format!("No program worked. The last one failed with: {mistake}"))
}

/// Writes a program for a number.
type Program = fn(u32) -> String;

/// Stands in for a model. `mistake` is what the previous program wrote to its standard error.
fn write_program(question: &str, mistake: &str) -> Result<String, String> {
    // The second program has a mistake: it does not import `math`.
    let known: [(&str, Program); 2] = [
        ("sum of squares up to ", |n| format!("print(sum(n * n for n in range(1, {n} + 1)))")),
        ("factorial of ", |n| format!("print(math.factorial({n}))")),
    ];
    let program = known.iter().find_map(|(question_of, program)| {
        let (_, number) = question.split_once(question_of)?;
        Some(program(number.trim().parse().ok()?))
    });
    let program = program.ok_or("I do not know how to answer this question.")?;
    let missing = mistake.split_once("NameError: name '").and_then(|(_, rest)| rest.split_once('\''));
    Ok(missing.map_or(program.clone(), |(name, _)| format!("import {name}\n{program}")))
}

/// The contract requires only `code`.
fn request(code: String) -> Request {
    Request {
        code,
        language: None,
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

/// The sandbox failed, not the program, so a different program would not help.
fn text(error: Error) -> String {
    let hint = if error.retryable { " (a retry may succeed)" } else { "" };
    format!("{:?}: {}{hint}", error.code, error.message)
}
