//! One HTTP request and its answer, over `wasi:http`. Every wait has the same deadline, and nothing is asked of a host that
//! some do not do: no error of a broken stream is looked into.

use crate::{deadline::Deadline, endpoint::Endpoint, failure::Failure};
use alloc::{string::String, vec::Vec};
use cofferdam_http_api::VERSION_HEADER;
use http_bridge_bindings::wasi::{
    http::{
        outgoing_handler,
        types::{
            Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
            RequestOptions, Scheme,
        },
    },
    io::streams::{InputStream, OutputStream, StreamError},
};

/// Bytes asked for at once.
const CHUNK: u64 = 256 << 10;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its head.
    pub(crate) head: Head,
    /// The whole body.
    pub(crate) body: Vec<u8>,
}

/// What came back before the body.
#[derive(Debug)]
pub(crate) struct Head {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `content-type`.
    pub(crate) content_type: Option<String>,
    /// The header `cofferdam-version`.
    pub(crate) version: Option<String>,
}

/// A body that is still to come. Dropping it hangs up.
#[derive(Debug)]
pub(crate) struct Body {
    // In the order in which a host lets go of them.
    stream: InputStream,
    _incoming: IncomingBody,
    _response: IncomingResponse,
    _unsent: Option<Unsent>,
    deadline: Deadline,
}

/// What is left of a request's body. Given up before the answer, it would take the connection along that this comes by.
type Unsent = (OutputStream, OutgoingBody);

/// Sends a request, and reads the head of the answer, which may take `patience` milliseconds; the body too may take `wait` in all.
pub(crate) fn open(
    endpoint: &Endpoint,
    method: &Method,
    headers: &[(&'static str, String)],
    body: &[u8],
    wait: u64,
    patience: u64,
) -> Result<(Head, Body), Failure> {
    let deadline = Deadline::after(wait);
    let request = request(endpoint, method, headers)?;
    let (pending, unsent) = transmit(request, body, wait, &deadline)?;
    let response = response(&pending, &deadline.or_after(patience))?;
    let headers = response.headers();
    let header = |name: &str| {
        let value = headers.get(name).into_iter().next()?;
        Some(String::from_utf8_lossy(&value).into_owned())
    };
    let head =
        Head { status: response.status(), content_type: header("content-type"), version: header(VERSION_HEADER) };
    drop(headers);
    let incoming = response.consume().map_err(|()| Failure::Lost)?;
    let stream = incoming.stream().map_err(|()| Failure::Lost)?;
    Ok((head, Body { stream, _incoming: incoming, _response: response, _unsent: unsent, deadline }))
}

impl Body {
    /// All of it, if it has no more bytes than these.
    pub(crate) fn read(self, most: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk(self.deadline)? {
            if chunk.len() > most - bytes.len() {
                return Err(Failure::TooLong { most });
            }
            bytes.extend(chunk);
        }
        Ok(bytes)
    }

    /// The next bytes of it, which may take so many milliseconds; none at its end.
    pub(crate) fn next(&self, patience: u64) -> Result<Option<Vec<u8>>, Failure> {
        self.chunk(self.deadline.or_after(patience))
    }

    fn chunk(&self, deadline: Deadline) -> Result<Option<Vec<u8>>, Failure> {
        let ready = self.stream.subscribe();
        loop {
            match self.stream.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => deadline.wait(&[&ready])?,
                Ok(chunk) => return Ok(Some(chunk)),
                Err(StreamError::Closed) => return Ok(None),
                Err(StreamError::LastOperationFailed(_)) => return Err(Failure::Lost),
            }
        }
    }
}

fn request(
    endpoint: &Endpoint,
    method: &Method,
    headers: &[(&'static str, String)],
) -> Result<OutgoingRequest, Failure> {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(name, value.as_bytes()).map_err(|_| Failure::Token)?;
    }
    let request = OutgoingRequest::new(fields);
    let scheme = if endpoint.secure { Scheme::Https } else { Scheme::Http };
    let set = request
        .set_method(method)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(&endpoint.authority)))
        .and_then(|()| request.set_path_with_query(Some(&endpoint.path)));
    set.map_err(|()| Failure::Address("is no address that this host takes"))?;
    Ok(request)
}

/// Sends a request, or so much of it as is wanted.
fn transmit(
    request: OutgoingRequest,
    body: &[u8],
    wait: u64,
    deadline: &Deadline,
) -> Result<(FutureIncomingResponse, Option<Unsent>), Failure> {
    if body.is_empty() {
        // One that is not even begun is sent without: a server that answers before it has read an end of nothing, and closes,
        // would not be heard.
        return Ok((outgoing_handler::handle(request, Some(options(wait)))?, None));
    }
    // The body of a new request can be taken once.
    let outgoing = request.body().map_err(|()| Failure::Unwritable)?;
    let stream = outgoing.write().map_err(|()| Failure::Unwritable)?;
    let pending = outgoing_handler::handle(request, Some(options(wait)))?;
    if !send(&stream, &pending, deadline, body)? {
        return Ok((pending, Some((stream, outgoing))));
    }
    drop(stream);
    // What is wrong with the request is told instead of a response.
    let _ = OutgoingBody::finish(outgoing, None);
    Ok((pending, None))
}

/// As long as the whole exchange, all of them: a host's own defaults would cut a long run short, and one host takes the time
/// to connect for a time of silence.
fn options(wait: u64) -> RequestOptions {
    let (options, whole) = (RequestOptions::new(), Some(wait.saturating_mul(1_000_000)));
    // A host that does not know one of them does not have it either.
    let _ = options.set_connect_timeout(whole);
    let _ = options.set_first_byte_timeout(whole);
    let _ = options.set_between_bytes_timeout(whole);
    options
}

/// Writes the body. False where the answer was there first, or nobody takes the rest.
fn send(
    stream: &OutputStream,
    pending: &FutureIncomingResponse,
    deadline: &Deadline,
    body: &[u8],
) -> Result<bool, Failure> {
    let (writable, answered) = (stream.subscribe(), pending.subscribe());
    let (mut rest, mut flushed) = (body, false);
    loop {
        match stream.check_write() {
            Ok(0) if answered.ready() => return Ok(false),
            Ok(0) => deadline.wait(&[&writable, &answered])?,
            Ok(_) if flushed => return Ok(true),
            Ok(room) => {
                let room = usize::try_from(room).unwrap_or(usize::MAX).min(rest.len());
                let (now, later) = rest.split_at(room);
                let done = if now.is_empty() { stream.flush() } else { stream.write(now) };
                if done.is_err() {
                    return Ok(false);
                }
                (rest, flushed) = (later, now.is_empty());
            }
            Err(_) => return Ok(false),
        }
    }
}

fn response(pending: &FutureIncomingResponse, deadline: &Deadline) -> Result<IncomingResponse, Failure> {
    let ready = pending.subscribe();
    loop {
        match pending.get() {
            Some(Ok(response)) => return Ok(response?),
            // Taken already, which only this does.
            Some(Err(())) => return Err(Failure::Lost),
            None => deadline.wait(&[&ready])?,
        }
    }
}
