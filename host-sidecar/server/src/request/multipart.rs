//! Decodes `multipart/form-data` (RFC 7578) as it arrives. It holds the head of one part, or the bytes of the last
//! push, and never a whole part. Pure.

use http::{HeaderMap, HeaderName};
use memchr::memmem;

/// Maximum bytes of the head of a part.
const MAX_PART_HEAD: usize = 8 << 10;
/// Maximum bytes between a boundary and the end of its line.
const MAX_PADDING: usize = 64;
/// Maximum bytes of a boundary (RFC 2046).
const MAX_BOUNDARY: usize = 70;
/// The end of a line.
const CRLF: &[u8] = b"\r\n";

/// Two values would be understood in two ways.
const TWICE: Malformed = Malformed("a part has a header twice");

/// The body is not multipart, for this reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not multipart/form-data: {0}")]
pub(crate) struct Malformed(&'static str);

/// A piece of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The next part.
    Part(PartHead),
    /// The next bytes of the part.
    Content(Vec<u8>),
    /// The end of all parts.
    End,
}

/// The head of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PartHead {
    /// The name of the form's field.
    pub(crate) name: String,
    /// The name of the file.
    pub(crate) filename: Option<String>,
    /// The other headers.
    headers: HeaderMap,
}

impl PartHead {
    /// The value of a header, without white space around it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    fn add_header(&mut self, name: &str, value: &str) -> Result<(), Malformed> {
        let name = HeaderName::try_from(name).map_err(|_| Malformed("a part has an invalid header"))?;
        let encoding = value.trim().to_ascii_lowercase();
        if name == "content-transfer-encoding" && !["7bit", "8bit", "binary"].contains(&&*encoding) {
            return Err(Malformed("a part has a Content-Transfer-Encoding; send its bytes as they are"));
        }
        let value = value.parse().map_err(|_| Malformed("the value of a part's header is not valid"))?;
        if self.headers.insert(name, value).is_some() { Err(TWICE) } else { Ok(()) }
    }
}

/// The boundary in the value of a header `Content-Type`.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (_, parameters) = content_type.split_once(';')?;
    let (_, boundary) =
        Parameters(parameters).flatten().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let is_valid = (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(|byte| (32..127).contains(&byte));
    is_valid.then(|| boundary.to_owned())
}

/// Decodes a body.
#[derive(Debug)]
pub(crate) struct MultipartDecoder {
    /// The line end before a boundary, and the boundary.
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary, in its line.
    Boundary,
    Head,
    Content,
    /// Behind the last boundary, where everything is ignored.
    End,
}

impl MultipartDecoder {
    /// For a body with this boundary.
    pub(crate) fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // The first boundary has no line before it.
        Self { delimiter, buffer: CRLF.to_vec(), stage: Stage::Preamble }
    }

    /// Adds the next bytes of the body. The pieces so far should be taken before.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.stage != Stage::End {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next piece; none if it takes more bytes.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, Malformed> {
        loop {
            match self.stage {
                Stage::Preamble => match self.take_content() {
                    Some(_) if self.stage == Stage::Preamble => return Ok(None),
                    Some(_) => {}
                    None => return Ok(None),
                },
                Stage::Boundary => match self.take_boundary_line()? {
                    Some(true) => {
                        self.stage = Stage::End;
                        self.buffer = Vec::new();
                        return Ok(Some(Piece::End));
                    }
                    Some(false) => self.stage = Stage::Head,
                    None => return Ok(None),
                },
                Stage::Head => match self.take_head()? {
                    Some(head) => {
                        self.stage = Stage::Content;
                        return Ok(Some(Piece::Part(head)));
                    }
                    None => return Ok(None),
                },
                Stage::Content => match self.take_content() {
                    Some(bytes) if bytes.is_empty() => {}
                    Some(bytes) => return Ok(Some(Piece::Content(bytes))),
                    None => return Ok(None),
                },
                Stage::End => return Ok(None),
            }
        }
    }

    /// Takes what certainly precedes the next delimiter, and the delimiter if it follows. None if that is
    /// nothing.
    fn take_content(&mut self) -> Option<Vec<u8>> {
        if let Some(length) = memmem::find(&self.buffer, &self.delimiter) {
            let content = self.buffer[..length].to_vec();
            self.buffer.drain(..length + self.delimiter.len());
            self.stage = Stage::Boundary;
            return Some(content);
        }
        // The buffer may end with a part of the delimiter.
        let length =
            (self.buffer.len() + 1).checked_sub(self.delimiter.len()).filter(|length| *length > 0)?;
        Some(self.buffer.drain(..length).collect())
    }

    /// Takes the rest of a boundary's line. Gives whether it is the last one.
    fn take_boundary_line(&mut self) -> Result<Option<bool>, Malformed> {
        if self.buffer.starts_with(b"--") {
            return Ok(Some(true));
        }
        let Some(length) = memmem::find(&self.buffer, CRLF) else {
            // The buffer may end with the first half of the line's end.
            let is_too_long = self.buffer.len() > MAX_PADDING + 1;
            return if is_too_long { Err(Malformed("the line of a boundary is too long")) } else { Ok(None) };
        };
        if length > MAX_PADDING || self.buffer[..length].iter().any(|byte| !matches!(byte, b' ' | b'\t')) {
            return Err(Malformed("a boundary has text behind it"));
        }
        self.buffer.drain(..length + CRLF.len());
        Ok(Some(false))
    }

    fn take_head(&mut self) -> Result<Option<PartHead>, Malformed> {
        // A head without a header is one empty line.
        let length = if self.buffer.starts_with(CRLF) {
            Some((0, CRLF.len()))
        } else {
            memmem::find(&self.buffer, b"\r\n\r\n").map(|length| (length, length + 4))
        };
        match length {
            Some((length, end)) if length <= MAX_PART_HEAD => {
                let head = parse_head(&self.buffer[..length])?;
                self.buffer.drain(..end);
                Ok(Some(head))
            }
            None if self.buffer.len() < MAX_PART_HEAD + 4 => Ok(None),
            _ => Err(Malformed("the head of a part is too long")),
        }
    }
}

fn parse_head(bytes: &[u8]) -> Result<PartHead, Malformed> {
    let text = str::from_utf8(bytes).map_err(|_| Malformed("the head of a part is not UTF-8"))?;
    let mut head = PartHead::default();
    let mut has_name = false;
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Malformed("a header of a part has no colon"))?;
        if !name.eq_ignore_ascii_case("content-disposition") {
            head.add_header(name, value)?;
            continue;
        }
        if has_name {
            return Err(TWICE);
        }
        let (_, parameters) = value.split_once(';').unwrap_or_default();
        for parameter in Parameters(parameters) {
            let (name, value) = parameter?;
            match name.to_ascii_lowercase().as_str() {
                "name" => {
                    head.name = value.to_owned();
                    has_name = true;
                }
                "filename" if head.filename.is_none() => head.filename = Some(unescaped(value)),
                "filename*" => head.filename = Some(extended(value)?),
                _ => {}
            }
        }
    }
    if has_name { Ok(head) } else { Err(Malformed("a part has no name")) }
}

/// The parameters of a header: names and values, with or without quotes.
struct Parameters<'a>(&'a str);

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<(&'a str, &'a str), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_once('=')?;
        let split = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => split_quoted(quoted),
            None => {
                let (value, rest) = rest.split_once(';').unwrap_or((rest, ""));
                Ok((value.trim(), rest))
            }
        };
        self.0 = split.map_or("", |(_, rest)| rest);
        Some(split.map(|(value, _)| (name.trim(), value)))
    }
}

/// The text before a closing quote, and the parameters behind it. Forms have no escaped quotes: browsers and curl write
/// `%22`.
fn split_quoted(text: &str) -> Result<(&str, &str), Malformed> {
    let (value, rest) =
        text.split_once('"').ok_or(Malformed("a parameter of a part has no closing quote"))?;
    let (between, rest) = rest.split_once(';').unwrap_or((rest, ""));
    if between.trim().is_empty() {
        Ok((value, rest))
    } else {
        Err(Malformed("a parameter of a part has text behind its closing quote; write a quote as %22"))
    }
}

/// A file's name as browsers and curl write it: they escape three characters.
fn unescaped(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

/// A file's name in the extended notation (RFC 8187): a character set, a language, and percent-encoded bytes.
fn extended(value: &str) -> Result<String, Malformed> {
    const WRONG: Malformed = Malformed("the filename* of a part is not UTF-8''NAME");
    let (charset, rest) = value.split_once('\'').ok_or(WRONG)?;
    let (_, name) = rest.split_once('\'').ok_or(WRONG)?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return Err(WRONG);
    }
    let name = percent_encoding::percent_decode_str(name.trim_end()).decode_utf8();
    name.map(Into::into).map_err(|_| WRONG)
}

/// The head and the content of each part.
#[cfg(any(test, fuzzing))]
type WholeParts = Vec<(PartHead, Vec<u8>)>;

/// The parts of a body with the boundary `b0` that arrives in pieces of this size, if the body has an end.
#[cfg(any(test, fuzzing))]
pub(crate) fn decode(body: &[u8], size: usize) -> Result<Option<WholeParts>, Malformed> {
    let (mut decoder, mut parts) = (MultipartDecoder::new("b0"), WholeParts::new());
    for chunk in body.chunks(size) {
        decoder.push(chunk);
        while let Some(piece) = decoder.next()? {
            match (piece, parts.last_mut()) {
                (Piece::Part(head), _) => parts.push((head, Vec::new())),
                (Piece::Content(bytes), Some((_, content))) => content.extend(bytes),
                (Piece::Content(_), None) => {}
                (Piece::End, _) => return Ok(Some(parts)),
            }
        }
        assert!(decoder.buffer.len() <= MAX_PART_HEAD + 4 + size, "{} bytes are held", decoder.buffer.len());
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
