//! Converts files to content blocks. Pure.

use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_http_api::File;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rmcp::model::{ContentBlock, ResourceContents};

/// The characters of a path that are percent-encoded in a URI.
const ENCODED_IN_PATH: AsciiSet =
    NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How files of an image format begin.
struct ImageFormat {
    prefix: &'static [u8],
    /// Further bytes, and their offset.
    marker: (usize, &'static [u8]),
    mime_type: &'static str,
}

/// The image formats that models accept.
const IMAGE_FORMATS: [ImageFormat; 5] = [
    ImageFormat { prefix: b"\x89PNG\r\n\x1a\n", marker: (12, b"IHDR"), mime_type: "image/png" },
    ImageFormat { prefix: b"\xff\xd8\xff", marker: (0, b""), mime_type: "image/jpeg" },
    ImageFormat { prefix: b"GIF87a", marker: (0, b""), mime_type: "image/gif" },
    ImageFormat { prefix: b"GIF89a", marker: (0, b""), mime_type: "image/gif" },
    ImageFormat { prefix: b"RIFF", marker: (8, b"WEBP"), mime_type: "image/webp" },
];

/// The media types of other files, by the extension of their names.
const TYPES_BY_EXTENSION: [(&str, &str); 18] = [
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tsv", "text/tab-separated-values"),
    ("wav", "audio/wav"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// The content block of a file: an image, a text resource, or a binary resource.
pub(super) fn block(execution_id: &str, file: &File) -> ContentBlock {
    if let Some(mime_type) = image_type(&file.content.0) {
        return ContentBlock::image(BASE64_STANDARD.encode(&file.content.0), mime_type);
    }
    let uri = format!("cofferdam://{execution_id}/{}", utf8_percent_encode(&file.path, &ENCODED_IN_PATH));
    let (resource, fallback_type) = match text(file) {
        Some(text) => (ResourceContents::text(text, uri), "text/plain"),
        None => {
            (ResourceContents::blob(BASE64_STANDARD.encode(&file.content.0), uri), "application/octet-stream")
        }
    };
    let mime_type = type_by_extension(&file.path).unwrap_or(fallback_type);
    ContentBlock::resource(resource.with_mime_type(mime_type))
}

fn type_by_extension(path: &str) -> Option<&'static str> {
    let extension = path.rsplit_once('.')?.1.to_ascii_lowercase();
    TYPES_BY_EXTENSION.iter().find(|(known, _)| *known == extension).map(|(_, mime_type)| *mime_type)
}

/// The media type of an image, by its content and not its name, which the program chose.
fn image_type(content: &[u8]) -> Option<&'static str> {
    let is_of = |format: &&ImageFormat| {
        let (offset, marker) = format.marker;
        content.starts_with(format.prefix)
            && content.get(offset..).is_some_and(|rest| rest.starts_with(marker))
    };
    IMAGE_FORMATS.iter().find(is_of).map(|format| format.mime_type)
}

fn text(file: &File) -> Option<&str> {
    str::from_utf8(&file.content.0).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_http_api::Bytes;
    use serde_json::{Value, json};

    fn block_of(path: &str, content: &[u8]) -> Value {
        json!(block("run-0", &File { path: path.into(), content: Bytes(content.to_vec()) }))
    }

    #[test]
    fn an_image_is_recognised_by_its_content() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let expected =
            json!({ "type": "image", "data": BASE64_STANDARD.encode(png), "mimeType": "image/png" });
        assert_eq!(block_of("plot", png), expected);
        assert_eq!(block_of("plot.png", b"oops")["resource"]["text"], "oops");
        assert_eq!(block_of("a.webp", b"RIFF\0\0\0\0WEBPVP8 ")["mimeType"], "image/webp");
    }

    #[test]
    fn other_files_are_text_or_binary_resources() {
        let resource = |path, content| block_of(path, content)["resource"].clone();
        let csv = json!({ "uri": "cofferdam://run-0/o%20u/t.csv", "mimeType": "text/csv", "text": "ä\n" });
        assert_eq!(resource("o u/t.csv", "ä\n".as_bytes()), csv);
        assert_eq!(resource("x", b"")["mimeType"], "text/plain");
        let bytes =
            json!({ "uri": "cofferdam://run-0/x", "mimeType": "application/octet-stream", "blob": "AAE=" });
        assert_eq!(resource("x", b"\0\x01"), bytes);
        assert_eq!(resource("x.PDF", b"%PDF\xff")["mimeType"], "application/pdf");
    }
}
