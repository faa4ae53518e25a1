//! `docs/reliability.md` lists each limit with its default.

use cofferdam::config::{LoweredCeilings, Settings, TenantSettings};
use cofferdam_tests::program::root;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const PAGE: &str = "docs/reliability.md";
/// Tables of the settings in which each number is a limit.
const LIMIT_TABLES: [&str; 5] = ["serve", "ceilings", "pool", "sessions", "mcp"];
/// Folders that define the constants.
const SOURCES: [&str; 4] = ["shared/types/src", "host-sidecar", "runner/src", "runner/protocol/src"];
/// Defaults that depend on the machine.
const MACHINE_DEPENDENT: [&str; 1] = ["serve.max_runs"];

/// The rows of the tables in the chapter: the settings or constants of each, and its limits.
fn rows() -> Vec<(Vec<String>, Vec<String>)> {
    let page = fs::read_to_string(root().join(PAGE)).expect("a page");
    let chapter = page.split_once("\n## What has a bound\n").expect("a chapter").1;
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let rows = chapter.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (limits, settings) = cells.get(2).zip(cells.get(3)).expect(line);
        let names = settings.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (names, limits.split(", ").map(str::to_owned).collect())
    };
    rows.map(row).collect()
}

/// The defaults of all numeric settings, by their names in a settings file.
fn defaults() -> BTreeMap<String, String> {
    let all = json!(Settings::default()).as_object().cloned().expect("settings are a table");
    let mut found = BTreeMap::new();
    for (name, value) in all {
        let members = match value {
            Value::Object(table) => {
                table.into_iter().map(|(member, value)| (format!("{name}.{member}"), value)).collect()
            }
            value => vec![(name, value)],
        };
        found.extend(members.into_iter().filter_map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.starts_with(|first: char| first.is_ascii_digit()).then_some((name, text))
        }));
    }
    found
}

/// Limits that have no default.
fn optional() -> BTreeSet<String> {
    let tenant = TenantSettings {
        max_runs: Some(1),
        max_connections: Some(1),
        max_sessions: Some(1),
        allowed_images: None,
        ceilings: LoweredCeilings::default(),
    };
    let members = json!(tenant).as_object().cloned().expect("a tenant is a table");
    let names = members
        .into_iter()
        .filter(|(_, value)| value.is_number())
        .map(|(name, _)| format!("tenants.NAME.{name}"));
    names.chain(["ceilings.cpu_limit", "pool.maximum"].map(str::to_owned)).collect()
}

fn is_constant(name: &str) -> bool {
    fn is_in(folder: &Path, text: &str) -> bool {
        fs::read_dir(folder).expect("a folder").flatten().any(|entry| {
            let path = entry.path();
            if path.is_dir() {
                is_in(&path, text)
            } else {
                fs::read_to_string(path).is_ok_and(|source| source.contains(text))
            }
        })
    }
    SOURCES.iter().any(|folder| is_in(&root().join(folder), &format!("const {name}: ")))
}

#[test]
fn each_documented_limit_is_a_setting_with_that_default_or_a_constant() {
    let (defaults, optional) = (defaults(), optional());
    let rows = rows();
    assert!(rows.len() > 40, "{rows:?}");
    for (names, limits) in rows {
        let (constants, settings): (Vec<_>, Vec<_>) =
            names.iter().partition(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
        constants.iter().for_each(|name| assert!(is_constant(name), "there is no constant {name}"));
        for name in &settings {
            assert!(defaults.contains_key(*name) || optional.contains(*name), "there is no setting {name}");
        }
        if let Some(default) = settings.first().and_then(|name| defaults.get(*name))
            && !MACHINE_DEPENDENT.contains(&settings[0].as_str())
        {
            assert_eq!(*default, limits[0], "the default of {}", settings[0]);
        }
    }
}

#[test]
fn each_setting_that_is_a_limit_is_documented() {
    let named: BTreeSet<String> = rows().into_iter().flat_map(|(names, _)| names).collect();
    let limits = defaults()
        .into_keys()
        .filter(|name| LIMIT_TABLES.iter().any(|table| name.starts_with(&format!("{table}."))));
    let missing: Vec<String> = limits.chain(optional()).filter(|name| !named.contains(name)).collect();
    assert!(missing.is_empty(), "{PAGE} does not list {missing:?}");
}
