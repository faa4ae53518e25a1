//! CPython's own tests inside a sandbox and beside it: no difference but those that a list names, with the reason.

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

/// Tests of a module that come out otherwise inside, all for one reason.
#[derive(Deserialize)]
struct Listed {
    module: String,
    /// What the reader of the list wants to know.
    #[serde(rename = "reason")]
    _reason: String,
    /// Names; one that ends with a star stands for all that begin so.
    tests: Vec<String>,
}

fn names(listed: &str, test: &str) -> bool {
    listed.strip_suffix('*').map_or(listed == test, |start| test.starts_with(start))
}

/// The list's names of a module's tests.
fn listed<'a>(list: &'a List, module: &str) -> Vec<&'a str> {
    let of_module = list.difference.iter().filter(|listed| listed.module == module);
    of_module.flat_map(|listed| &listed.tests).map(String::as_str).collect()
}

/// Differences of a module that are not in the list, and what is in the list and is no difference.
fn surprises(list: &List, module: &str, found: &Differences) -> (BTreeSet<String>, BTreeSet<String>) {
    let listed = listed(list, module);
    let unlisted = found.keys().filter(|test| !listed.iter().any(|listed| names(listed, test)));
    let gone = listed.iter().filter(|listed| !found.keys().any(|test| names(listed, test)));
    (unlisted.cloned().collect(), gone.map(|listed| (*listed).to_owned()).collect())
}

/// What is wrong with a module, tried again where something is: of tests that depend on how busy the machine is, the worse try is
/// no finding.
fn judge(list: &List, module: &str) -> Vec<String> {
    let compare = || {
        let (native, inside) = run_module::run(module);
        println!("{module}: {} tests natively, {} in a sandbox", native.len(), inside.len());
        differences(&native, &inside)
    };
    let first = compare();
    let (unlisted, gone) = surprises(list, module, &first);
    if unlisted.is_empty() && gone.is_empty() {
        return Vec::new();
    }
    let (unlisted_again, gone_again) = surprises(list, module, &compare());
    let unlisted = unlisted.intersection(&unlisted_again).map(|test| format!("{module}: {test}: {}", first[test]));
    let gone =
        gone.intersection(&gone_again).map(|test| format!("{module}: {test}: listed, and there is no difference"));
    unlisted.chain(gone).collect()
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
    // Some of them, for who looks into a difference.
    let chosen = env::var("MODULES").unwrap_or(all);
    let wrong: BTreeMap<&str, Vec<String>> = chosen
        .split_whitespace()
        .map(|module| (module, judge(&list, module)))
        .filter(|(_, wrong)| !wrong.is_empty())
        .collect();
    let lines: Vec<String> = wrong.into_values().flatten().collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn unlisted_and_outdated_differences_are_both_reported() {
    let line = |test: &str, outcome: &str| format!("{{\"test\":\"test.test_m.{test}\",\"outcome\":\"{outcome}\"}}\n");
    let end = "{\"module\":\"test_m\",\"status\":0}\n";
    let native =
        [line("C.a", "passed"), line("C.b", "passed"), line("C.c", "skipped"), line("C.d", "passed"), end.into()];
    let inside = [line("C.a", "passed"), line("C.a", "failed"), line("C.b", "passed"), line("C.c", "skipped")];
    let [native, inside] = [native.concat(), inside.concat()].map(|text| outcomes::parse("test_m", &text, "killed"));
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
    assert_eq!(surprises(&all, "test_m", &found), (set(&[]), set(&[])));
    assert_eq!(surprises(&list(&["C.*", "C.b"]), "test_m", &found), (set(&[outcomes::END]), set(&["C.b"])));
    assert_eq!(surprises(&all, "test_other", &found).0.len(), 3);
}
