//! Names that begin with a dot. Tools read settings and programs from such files, and listings hide them.
//! Pure.

use cofferdam_types::is_invisible;
use std::borrow::Cow;

/// Replaces a dot, to find out whether a pattern names it. No name has a NUL.
const NO_DOT: &str = "\0";

/// Whether a file has a part that begins with a dot, and no pattern names all such parts with the dot itself.
pub(super) fn is_unrequested(path: &str, patterns: &[String]) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let hidden: Vec<usize> = (0..parts.len()).filter(|index| dot(parts[*index]).is_some()).collect();
    // If a pattern also matches the path without the dot, a wildcard matched the dot.
    let names = |pattern: &String| {
        let names_dot = |index: &usize| !fast_glob::glob_match(pattern, without_dot(&parts, *index));
        fast_glob::glob_match(pattern, path) && hidden.iter().all(names_dot)
    };
    !hidden.is_empty() && !patterns.iter().any(names)
}

/// The position of the dot at the beginning of a name. Some file systems ignore invisible characters.
fn dot(name: &str) -> Option<usize> {
    let (at, first) = name.char_indices().find(|(_, character)| !is_invisible(*character))?;
    (first == '.').then_some(at)
}

/// The path with the dot of one of its parts replaced.
fn without_dot(parts: &[&str], index: usize) -> String {
    let part = |(position, part): (usize, &&str)| match dot(part).filter(|_| position == index) {
        Some(at) => Cow::Owned(format!("{}{NO_DOT}{}", &part[..at], &part[at + 1..])),
        None => Cow::Owned((*part).to_owned()),
    };
    parts.iter().enumerate().map(part).collect::<Vec<Cow<'_, str>>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_dot_needs_a_pattern_with_that_dot() {
        for (path, patterns, unrequested) in [
            ("a/b.txt", &["**"][..], false),
            (".envrc", &["**"], true),
            (".envrc", &["*"], true),
            (".envrc", &["?envrc"], true),
            (".envrc", &["[!a]envrc"], true),
            (".envrc", &["**", ".envrc"], false),
            (".envrc", &[".*"], false),
            (".envrc", &["[.]envrc"], false),
            (".git/config", &["**"], true),
            (".GIT/config", &["**"], true),
            (".git/config", &[".git/**"], false),
            (".git/config", &["*/config"], true),
            (".git/hooks/.x", &[".git/**"], true),
            (".git/hooks/.x", &[".git/**/.*"], false),
            ("a/.b/c", &["a/**"], true),
            ("a/.b/c", &["**/.b/*"], false),
            ("\u{200b}.git/config", &["**"], true),
            ("a.b", &["*"], false),
        ] {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            assert_eq!(is_unrequested(path, &patterns), unrequested, "{path:?} {patterns:?}");
        }
    }
}
