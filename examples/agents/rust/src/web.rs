//! The agent as a web server: `GET /?q=QUESTION` answers with the text of `answer`.

use crate::{
    answer,
    bindings::{
        self,
        exports::wasi::http::incoming_handler::Guest,
        wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam},
    },
};

/// Bytes that WASI writes at once.
const CHUNK: usize = 4096;

struct Server;

impl Guest for Server {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let (status, text) = match path.split_once("?q=") {
            None => (400, "Add a question: /?q=QUESTION".to_owned()),
            Some((_, question)) => match answer(&question.replace("%20", " ").replace('+', " ")) {
                Ok(text) => (200, text),
                Err(text) => (502, text),
            },
        };
        let response = OutgoingResponse::new(Fields::new());
        // Both fail only for values that are no status, and for a body that was taken before.
        let _ = response.set_status_code(status);
        let Ok(body) = response.body() else { return };
        ResponseOutparam::set(out, Ok(response));
        if let Ok(stream) = body.write() {
            for chunk in format!("{text}\n").as_bytes().chunks(CHUNK) {
                // The caller may be gone.
                if stream.blocking_write_and_flush(chunk).is_err() {
                    return;
                }
            }
        }
        let _ = OutgoingBody::finish(body, None);
    }
}

bindings::export!(Server with_types_in bindings);
