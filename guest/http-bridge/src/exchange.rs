//! One HTTP request and its response, over `wasi:http`. Every wait has a deadline. Functions that some hosts
//! do not implement are not used: the error of a failed stream is not inspected.

use crate::{
    deadline::Deadline,
    endpoint::Endpoint,
    error::{BridgeError, REJECTED_URL},
};
use alloc::{string::String, vec::Vec};
use cofferdam_http_api::VERSION_HEADER;
use http_bridge_bindings::wasi::{
    http::{
        outgoing_handler,
        types::{
            Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
            OutgoingRequest, RequestOptions, Scheme,
        },
    },
    io::streams::{InputStream, OutputStream, StreamError},
};

/// Bytes to read at once.
const CHUNK: u64 = 256 << 10;

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status and the headers.
    pub(crate) head: ResponseHead,
    /// The whole body.
    pub(crate) body: Vec<u8>,
}

/// The status of a response, and the headers that the bridge reads.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `content-type`.
    pub(crate) content_type: Option<String>,
    /// The header `cofferdam-version`.
    pub(crate) version: Option<String>,
}

/// A body that has not been read. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    // In this order: a resource must be dropped before its parent.
    stream: InputStream,
    _incoming: IncomingBody,
    _response: IncomingResponse,
    _unsent: Option<UnsentBody>,
    deadline: Deadline,
}

/// A request's body that was not sent in full. Dropping it before the response would close the connection.
type UnsentBody = (OutputStream, OutgoingBody);

/// Sends a request and reads the head of the response. The head must arrive within `head_timeout_ms`, and the
/// whole exchange must end within `timeout_ms`.
pub(crate) fn send(
    endpoint: &Endpoint,
    method: &Method,
    headers: &[(&'static str, String)],
    body: &[u8],
    timeout_ms: u64,
    head_timeout_ms: u64,
) -> Result<(ResponseHead, ResponseBody), BridgeError> {
    let deadline = Deadline::after(timeout_ms);
    let request = new_request(endpoint, method, headers)?;
    let (pending, unsent) = transmit(request, body, timeout_ms, &deadline)?;
    let response = receive(&pending, &deadline.or_after(head_timeout_ms))?;
    let headers = response.headers();
    let header = |name: &str| {
        let value = headers.get(name).into_iter().next()?;
        Some(String::from_utf8_lossy(&value).into_owned())
    };
    let head = ResponseHead {
        status: response.status(),
        content_type: header("content-type"),
        version: header(VERSION_HEADER),
    };
    drop(headers);
    let incoming = response.consume().map_err(|()| BridgeError::ConnectionLost)?;
    let stream = incoming.stream().map_err(|()| BridgeError::ConnectionLost)?;
    Ok((head, ResponseBody { stream, _incoming: incoming, _response: response, _unsent: unsent, deadline }))
}

impl ResponseBody {
    /// Reads the whole body. Fails if it has more than `max` bytes.
    pub(crate) fn read_to_end(self, max: usize) -> Result<Vec<u8>, BridgeError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.read_chunk(self.deadline)? {
            if chunk.len() > max - bytes.len() {
                return Err(BridgeError::ResponseTooLarge { max });
            }
            bytes.extend(chunk);
        }
        Ok(bytes)
    }

    /// The next chunk, or none at the end. Fails after `timeout_ms` milliseconds without data.
    pub(crate) fn next_chunk(&self, timeout_ms: u64) -> Result<Option<Vec<u8>>, BridgeError> {
        self.read_chunk(self.deadline.or_after(timeout_ms))
    }

    fn read_chunk(&self, deadline: Deadline) -> Result<Option<Vec<u8>>, BridgeError> {
        let ready = self.stream.subscribe();
        loop {
            match self.stream.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => deadline.wait(&[&ready])?,
                Ok(chunk) => return Ok(Some(chunk)),
                Err(StreamError::Closed) => return Ok(None),
                Err(StreamError::LastOperationFailed(_)) => return Err(BridgeError::ConnectionLost),
            }
        }
    }
}

fn new_request(
    endpoint: &Endpoint,
    method: &Method,
    headers: &[(&'static str, String)],
) -> Result<OutgoingRequest, BridgeError> {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(name, value.as_bytes()).map_err(|_| BridgeError::InvalidToken)?;
    }
    let request = OutgoingRequest::new(fields);
    let scheme = if endpoint.secure { Scheme::Https } else { Scheme::Http };
    let set = request
        .set_method(method)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(&endpoint.authority)))
        .and_then(|()| request.set_path_with_query(Some(&endpoint.path)));
    set.map_err(|()| BridgeError::InvalidUrl(REJECTED_URL))?;
    Ok(request)
}

/// Sends a request, or the part of its body that the server accepts.
fn transmit(
    request: OutgoingRequest,
    body: &[u8],
    timeout_ms: u64,
    deadline: &Deadline,
) -> Result<(FutureIncomingResponse, Option<UnsentBody>), BridgeError> {
    if body.is_empty() {
        // Without a body stream: if a server responded and closed before it read the end of an empty body,
        // the response would be lost.
        return Ok((outgoing_handler::handle(request, Some(options(timeout_ms)))?, None));
    }
    let outgoing = request.body().map_err(|()| BridgeError::RequestNotSent)?;
    let stream = outgoing.write().map_err(|()| BridgeError::RequestNotSent)?;
    let pending = outgoing_handler::handle(request, Some(options(timeout_ms)))?;
    if !write_body(&stream, &pending, deadline, body)? {
        return Ok((pending, Some((stream, outgoing))));
    }
    drop(stream);
    // An error of the request is returned instead of a response.
    let _ = OutgoingBody::finish(outgoing, None);
    Ok((pending, None))
}

/// Sets every timeout of the host to that of the whole exchange. The defaults of some hosts would end a long
/// execution, and one host applies the connect timeout to idle time as well.
fn options(timeout_ms: u64) -> RequestOptions {
    let (options, timeout) = (RequestOptions::new(), Some(timeout_ms.saturating_mul(1_000_000)));
    // A host that does not support one of these timeouts does not apply it.
    let _ = options.set_connect_timeout(timeout);
    let _ = options.set_first_byte_timeout(timeout);
    let _ = options.set_between_bytes_timeout(timeout);
    options
}

/// Writes the body. Returns false if the response arrived first or the server accepts no more.
fn write_body(
    stream: &OutputStream,
    pending: &FutureIncomingResponse,
    deadline: &Deadline,
    body: &[u8],
) -> Result<bool, BridgeError> {
    let (writable, responded) = (stream.subscribe(), pending.subscribe());
    let (mut rest, mut flushed) = (body, false);
    loop {
        match stream.check_write() {
            Ok(0) if responded.ready() => return Ok(false),
            Ok(0) => deadline.wait(&[&writable, &responded])?,
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

fn receive(pending: &FutureIncomingResponse, deadline: &Deadline) -> Result<IncomingResponse, BridgeError> {
    let ready = pending.subscribe();
    loop {
        match pending.get() {
            Some(Ok(response)) => return Ok(response?),
            // The response was taken already. This function takes it only once.
            Some(Err(())) => return Err(BridgeError::ConnectionLost),
            None => deadline.wait(&[&ready])?,
        }
    }
}
