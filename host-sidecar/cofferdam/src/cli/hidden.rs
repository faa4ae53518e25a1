//! Names that begin with a dot: tools read settings and programs from files of such names, and few people see them. Pure.

use cofferdam_types::is_invisible;
use std::borrow::Cow;

/// What a dot becomes to see whether a pattern names it, which no name has: NUL.
const NO_DOT: &str = "\0";

/// Whether a file has a part that begins with a dot, and no pattern names all such parts with the dot itself.
pub(super) fn is_unasked(path: &str, patterns: &[String]) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let hidden: Vec<usize> = (0..parts.len()).filter(|index| dot(parts[*index]).is_some()).collect();
    // A pattern that also names the path without the dot has named the dot by a wildcard.
    let names = |pattern: &String| {
        let names_dot = |index: &usize| !fast_glob::glob_match(pattern, without_dot(&parts, *index));
        fast_glob::glob_match(pattern, path) && hidden.iter().all(names_dot)
    };
    !hidden.is_empty() && !patterns.iter().any(names)
}

/// Where the dot is that a name begins with. Some file systems ignore characters that cannot be seen.
fn dot(name: &str) -> Option<usize> {
    let (at, first) = name.char_indices().find(|(_, character)| !is_invisible(*character))?;
    (first == '.').then_some(at)
}

/// The path with something else in the place of the dot of one of its parts.
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
    fn a_name_that_begins_with_a_dot_has_to_be_asked_for_with_the_dot() {
        for (path, patterns, unasked) in [
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
            assert_eq!(is_unasked(path, &patterns), unasked, "{path:?} {patterns:?}");
        }
    }
}
