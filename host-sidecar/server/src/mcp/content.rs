//! Files as content blocks. Pure.

use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_http_api::File;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rmcp::model::{ContentBlock, ResourceContents};

/// What a path has in a URI as it is.
const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Images that models look at, by how their files begin and what is at some place after.
const IMAGES: [(&[u8], usize, &[u8], &str); 5] = [
    (b"\x89PNG\r\n\x1a\n", 12, b"IHDR", "image/png"),
    (b"\xff\xd8\xff", 0, b"", "image/jpeg"),
    (b"GIF87a", 0, b"", "image/gif"),
    (b"GIF89a", 0, b"", "image/gif"),
    (b"RIFF", 8, b"WEBP", "image/webp"),
];

/// Other files by the ends of their names.
const TYPES: [(&str, &str); 18] = [
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

/// What a file is: an image by its content, whatever it is called; anything else by its name.
pub(super) fn mime_type(file: &File) -> &'static str {
    if let Some(image) = image(&file.content.0) {
        return image;
    }
    let extension = file.path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let known = extension.and_then(|extension| TYPES.iter().find(|(known, _)| *known == extension));
    known.map_or_else(|| if text(file).is_some() { "text/plain" } else { "application/octet-stream" }, |(_, mime)| mime)
}

/// An image as an image, text as a text resource, and all else as a resource of bytes.
pub(super) fn block(run: &str, file: &File) -> ContentBlock {
    if let Some(mime_type) = image(&file.content.0) {
        return ContentBlock::image(BASE64_STANDARD.encode(&file.content.0), mime_type);
    }
    let uri = format!("cofferdam://{run}/{}", utf8_percent_encode(&file.path, &PATH));
    let resource = match text(file) {
        Some(text) => ResourceContents::text(text, uri),
        None => ResourceContents::blob(BASE64_STANDARD.encode(&file.content.0), uri),
    };
    ContentBlock::resource(resource.with_mime_type(mime_type(file)))
}

fn image(content: &[u8]) -> Option<&'static str> {
    let is = |(start, at, then, _): &&(&[u8], usize, &[u8], &str)| {
        content.starts_with(start) && content.get(*at..).is_some_and(|rest| rest.starts_with(then))
    };
    IMAGES.iter().find(is).map(|(.., mime)| *mime)
}

fn text(file: &File) -> Option<&str> {
    str::from_utf8(&file.content.0).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_http_api::Bytes;
    use serde_json::{Value, json};

    fn shown(path: &str, content: &[u8]) -> Value {
        json!(block("run-0", &File { path: path.into(), content: Bytes(content.to_vec()) }))
    }

    #[test]
    fn an_image_is_one_by_its_content() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let expected = json!({ "type": "image", "data": BASE64_STANDARD.encode(png), "mimeType": "image/png" });
        assert_eq!(shown("plot", png), expected);
        assert_eq!(shown("plot.png", b"oops")["resource"]["text"], "oops");
        assert_eq!(shown("a.webp", b"RIFF\0\0\0\0WEBPVP8 ")["mimeType"], "image/webp");
    }

    #[test]
    fn text_is_text_and_all_else_is_bytes() {
        let resource = |path, content| shown(path, content)["resource"].clone();
        let csv = json!({ "uri": "cofferdam://run-0/o%20u/t.csv", "mimeType": "text/csv", "text": "ä\n" });
        assert_eq!(resource("o u/t.csv", "ä\n".as_bytes()), csv);
        assert_eq!(resource("x", b"")["mimeType"], "text/plain");
        let bytes = json!({ "uri": "cofferdam://run-0/x", "mimeType": "application/octet-stream", "blob": "AAE=" });
        assert_eq!(resource("x", b"\0\x01"), bytes);
        assert_eq!(resource("x.PDF", b"%PDF\xff")["mimeType"], "application/pdf");
    }
}
