//! Executes the request in the body of an HTTP request, and responds with its result. Both are JSON with the contract's
//! names.

mod json;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../../wit",
        inline: "
            package tests:http-caller;
            world caller {
                import cofferdam:code-executor/code-executor@0.1.0;
                export wasi:http/incoming-handler@0.2.0;
            }
        ",
        world: "tests:http-caller/caller",
        generate_all,
    });
}

use bindings::{
    cofferdam::code_executor::code_executor::execute,
    exports::wasi::http::incoming_handler::Guest,
    wasi::{
        http::types::{
            Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
        },
        io::streams::StreamError,
    },
};

/// Bytes of a read.
const READ: u64 = 64 << 10;
/// Bytes that WASI writes at once.
const WRITE: usize = 4096;

struct Caller;

impl Guest for Caller {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        let text = match read(&request).and_then(|body| json::request(&body)) {
            Ok(request) => json::result(execute(&request)).to_string(),
            Err(what) => {
                // It fails only for values that are no status.
                let _ = response.set_status_code(400);
                what
            }
        };
        // It fails only for a body that was taken before.
        let Ok(body) = response.body() else { return };
        ResponseOutparam::set(out, Ok(response));
        if let Ok(stream) = body.write() {
            for chunk in text.as_bytes().chunks(WRITE) {
                // The caller may be gone.
                if stream.blocking_write_and_flush(chunk).is_err() {
                    return;
                }
            }
        }
        let _ = OutgoingBody::finish(body, None);
    }
}

fn read(request: &IncomingRequest) -> Result<Vec<u8>, String> {
    let body = request.consume().map_err(|()| "the body was taken before")?;
    let stream = body.stream().map_err(|()| "the stream was taken before")?;
    let mut content = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(bytes) => content.extend(bytes),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
    drop(stream);
    drop(IncomingBody::finish(body));
    Ok(content)
}

bindings::export!(Caller with_types_in bindings);
