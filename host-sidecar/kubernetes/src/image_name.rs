//! The syntax of an image name. Source: github.com/distribution/reference, `reference.go`.

/// Length of the longest repository name.
const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;

/// Whether a text has the form `[registry[:port]/]path[:tag][@digest]`.
pub(crate) fn is_image_name(text: &str) -> bool {
    let (text, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let after_slash = text.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match text.get(after_slash..).and_then(|last| last.find(':')) {
        Some(at) => (&text[..after_slash + at], text.get(after_slash + at + 1..)),
        None => (text, None),
    };
    let path = match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => rest,
        _ => name,
    };
    name.len() <= MAX_NAME
        && path.split('/').all(is_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
}

/// Whether the first part is a registry, and not a part of the path.
fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_host = !host.is_empty()
        && host.split('.').all(|label| {
            let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
        });
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let is_marked = host.contains('.') || port.is_some() || host == "localhost";
    is_host && is_port && is_marked
}

/// Lower-case letters and digits with single dots, one or two underscores or any number of hyphens between
/// them.
fn is_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = text.starts_with(alphanumeric) && text.ends_with(alphanumeric);
    let mut separators = text.split(alphanumeric).filter(|separator| !separator.is_empty());
    ends && separators
        .all(|separator| matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= MAX_TAG && text.starts_with(word) && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with(|c: char| c.is_ascii_alphabetic())
            && algorithm.chars().all(|c| c.is_ascii_alphanumeric() || "+._-".contains(c))
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::is_image_name;

    #[test]
    fn image_names_are_recognised() {
        let digest = format!("python@sha256:{}", "a1".repeat(32));
        for image in [
            "python",
            "python:3.11-slim",
            "docker.io/library/python:3.11-slim",
            "localhost:5000/a/b:Tag_1.x",
            "registry.example.com:443/team/app__x--y/z",
            "a.b_c/d-e",
            &digest,
        ] {
            assert!(is_image_name(image), "{image}");
        }
        for text in [
            "",
            " ",
            "Python",
            "py thon",
            "python:",
            "python:ta g",
            "-x",
            "a..b",
            "a/",
            "/a",
            "a//b",
            "a___b",
            "a:b:c",
            "a@sha256:12",
            "https://example.com/a",
            "a\n",
            "../etc",
            "example.com:99999/a",
            "a@",
            "é",
        ] {
            assert!(!is_image_name(text), "{text:?}");
        }
    }
}
