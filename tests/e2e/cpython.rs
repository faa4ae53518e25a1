//! CPython's own tests inside and outside a sandbox: their outcomes differ only where a list says so, with a
//! reason.

mod outcomes;
mod run_module;

use cofferdam_tests::program::root;
use outcomes::{Differences, differences};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    process::Command,
};

/// The list: `tests/cpython/differences.toml`.
#[derive(Deserialize)]
struct List {
    difference: Vec<Listed>,
}

/// Tests of a module whose outcomes differ inside a sandbox, all for one reason.
#[derive(Deserialize)]
struct Listed {
    module: String,
    /// Only for readers of the list.
    #[serde(rename = "reason")]
    _reason: String,
    /// Names of tests; a trailing `*` matches all names with that prefix.
    tests: Vec<String>,
}

fn matches(listed: &str, test: &str) -> bool {
    listed.strip_suffix('*').map_or(listed == test, |start| test.starts_with(start))
}

/// The entries of the list for a module.
fn listed<'a>(list: &'a List, module: &str) -> Vec<&'a str> {
    let of_module = list.difference.iter().filter(|listed| listed.module == module);
    of_module.flat_map(|listed| &listed.tests).map(String::as_str).collect()
}

/// The differences of a module that are not in the list, and the entries of the list without a difference.
fn unexpected(list: &List, module: &str, found: &Differences) -> (BTreeSet<String>, BTreeSet<String>) {
    let listed = listed(list, module);
    let unlisted = found.keys().filter(|test| !listed.iter().any(|listed| matches(listed, test)));
    let outdated = listed.iter().filter(|listed| !found.keys().any(|test| matches(listed, test)));
    (unlisted.cloned().collect(), outdated.map(|listed| (*listed).to_owned()).collect())
}

/// The errors of a module. They count only if a second try confirms them, since some tests depend on the load
/// of the machine.
fn check_module(list: &List, module: &str) -> Vec<String> {
    let compare = || {
        let (native, inside) = run_module::run(module);
        println!("{module}: {} tests natively, {} in a sandbox", native.len(), inside.len());
        differences(&native, &inside)
    };
    let first = compare();
    let (unlisted, outdated) = unexpected(list, module, &first);
    if unlisted.is_empty() && outdated.is_empty() {
        return Vec::new();
    }
    let (unlisted_again, outdated_again) = unexpected(list, module, &compare());
    let unlisted =
        unlisted.intersection(&unlisted_again).map(|test| format!("{module}: {test}: {}", first[test]));
    let outdated = outdated
        .intersection(&outdated_again)
        .map(|test| format!("{module}: {test}: listed, but does not differ"));
    unlisted.chain(outdated).collect()
}

#[test]
#[ignore = "takes an hour, and needs root: make soak"]
fn cpythons_own_tests_have_the_same_outcomes_in_a_sandbox() {
    assert!(
        Command::new(root().join("scripts/cpython.sh")).status().expect("bash").success(),
        "scripts/cpython.sh failed"
    );
    let folder = root().join("tests/cpython");
    let list = fs::read_to_string(folder.join("differences.toml")).expect("a list");
    let list: List = toml::from_str(&list).expect("a list");
    let all = fs::read_to_string(folder.join("modules")).expect("names of modules");
    let unknown: Vec<&str> = list
        .difference
        .iter()
        .map(|listed| &*listed.module)
        .filter(|module| !all.split_whitespace().any(|name| name == *module))
        .collect();
    assert!(unknown.is_empty(), "differences.toml names modules that are not run: {unknown:?}");
    // A subset, to investigate a difference.
    let chosen = env::var("MODULES").unwrap_or(all);
    let errors: BTreeMap<&str, Vec<String>> = chosen
        .split_whitespace()
        .map(|module| (module, check_module(&list, module)))
        .filter(|(_, errors)| !errors.is_empty())
        .collect();
    let lines: Vec<String> = errors.into_values().flatten().collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn unlisted_and_outdated_differences_are_both_reported() {
    let line = |test: &str, outcome: &str| {
        format!("{{\"test\":\"test.test_m.{test}\",\"outcome\":\"{outcome}\"}}\n")
    };
    let end = "{\"module\":\"test_m\",\"status\":0}\n";
    let native = [
        line("C.a", "passed"),
        line("C.b", "passed"),
        line("C.c", "skipped"),
        line("C.d", "passed"),
        end.into(),
    ];
    let inside =
        [line("C.a", "passed"), line("C.a", "failed"), line("C.b", "passed"), line("C.c", "skipped")];
    let [native, inside] =
        [native.concat(), inside.concat()].map(|text| outcomes::parse("test_m", &text, "killed"));
    let found = differences(&native, &inside);
    let tests: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(tests, [outcomes::END, "C.a", "C.d"], "{found:?}");
    let list = |tests: &[&str]| List {
        difference: vec![Listed {
            module: "test_m".to_owned(),
            _reason: String::new(),
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
        }],
    };
    let set = |tests: &[&str]| tests.iter().map(|test| (*test).to_owned()).collect::<BTreeSet<String>>();
    let all = list(&["C.a", "C.d", outcomes::END]);
    assert_eq!(unexpected(&all, "test_m", &found), (set(&[]), set(&[])));
    assert_eq!(unexpected(&list(&["C.*", "C.b"]), "test_m", &found), (set(&[outcomes::END]), set(&["C.b"])));
    assert_eq!(unexpected(&all, "test_other", &found).0.len(), 3);
}
