//! `docs/recipes.md`: its files are written, and its commands print what the page shows.

use crate::doc_commands::assert_page_in;
use cofferdam_tests::program::root;
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

#[test]
fn commands_in_recipes_md_print_what_it_shows() {
    let script =
        Command::new(root().join("scripts/recipes.sh")).stderr(Stdio::inherit()).output().expect("bash");
    assert!(script.status.success(), "scripts/recipes.sh failed");
    let folders = String::from_utf8(script.stdout).expect("two paths");
    let (python, wheels) = folders.trim_end().split_once('\n').expect("two paths");
    let node = root().join("examples/hosts/node/node_modules/.bin");
    // pip installs the wheel from the cache, so that the test needs no network.
    let variables = [("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", wheels)];
    assert_page_in("docs/recipes.md", &[PathBuf::from(python), node], &variables);
}
