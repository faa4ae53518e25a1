//! The tests that documents refer to exist.

use cofferdam_tests::program::root;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Pages whose tables name tests and cases.
const PAGES: [&str; 3] = ["docs/gke-code-executor.md", "docs/reliability.md", "docs/threat-model.md"];
/// Folders of tests.
const SOURCES: [&str; 4] = ["tests", "host-sidecar", "runner", "adapters/adk/tests"];
/// Folders of test cases, each of which is a folder.
const CASES: [&str; 4] =
    ["tests/conformance", "tests/conformance/sessions", "tests/hostile", "tests/hostile/sessions"];
/// A name with fewer words is not the name of a test.
const MIN_WORDS: usize = 4;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            found.push(path);
        }
    }
}

fn known() -> BTreeSet<String> {
    let mut sources = Vec::new();
    SOURCES.iter().for_each(|folder| files(&root().join(folder), &mut sources));
    let functions = sources.iter().flat_map(|source| {
        let text = fs::read_to_string(source).expect("a source");
        let words = text.split(|character: char| !character.is_alphanumeric() && character != '_');
        words.map(str::to_owned).collect::<Vec<_>>()
    });
    let cases = CASES.iter().filter_map(|folder| fs::read_dir(root().join(folder)).ok()).flatten().flatten();
    functions.chain(cases.map(|case| case.file_name().to_string_lossy().into_owned())).collect()
}

#[test]
fn every_test_named_in_the_docs_exists() {
    let known = known();
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        let rows = text.lines().filter(|line| line.starts_with("| "));
        let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
        let is_name = |name: &&str| {
            let plain = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
            plain && name.split(['-', '_']).count() >= MIN_WORDS
        };
        let names: Vec<&str> = quoted.filter(is_name).collect();
        assert!(names.len() > 30, "{page} names too few tests");
        let missing: Vec<&&str> = names.iter().filter(|name| !known.contains(**name)).collect();
        assert!(missing.is_empty(), "{page} names tests that do not exist: {missing:?}");
    }
}
