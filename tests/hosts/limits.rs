//! `docs/limits.md`: its table has the name of each limit in each interface, its default and its ceiling.

use cofferdam::config::Settings;
use cofferdam_tests::{
    program::{TestDir, root, stdout},
    sidecar::Sidecar,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};

const PAGE: &str = "docs/limits.md";
const HEAD: &str = "| limit | option | HTTP field | WIT field | setting | default | ceiling |\n";

/// The cells of each row, without the backticks.
fn rows(page: &str) -> Vec<Vec<String>> {
    let table = page.split_once(HEAD).expect("the table").1;
    let rows = table.lines().skip(1).take_while(|line| line.starts_with("| "));
    rows.map(|row| {
        row.trim_matches('|').split(" | ").map(|cell| cell.replace('`', "").trim().to_owned()).collect()
    })
    .collect()
}

/// A setting as the page writes it: a quantity, a number, or `all` if it has no value.
fn shown(settings: &Value, name: &str) -> String {
    match &settings[name] {
        Value::Null => "all".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[tokio::test]
async fn each_limit_has_its_name_in_each_interface() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let help = stdout(&dir.run(["run", "--help"]));
    let wit = fs::read_to_string(root().join("wit/types.wit")).expect("the contract");
    let api = sidecar.client().send("GET", "/v1/openapi.json", &[], "").await.json;
    let fields = api["components"]["schemas"]["Limits"]["properties"].as_object().expect("fields");
    let settings = json!(Settings::default());
    let mut named = BTreeSet::new();
    for row in rows(&fs::read_to_string(root().join(PAGE)).expect("a page")) {
        let [limit, option, field, wit_field, setting, default, ceiling] =
            <[String; 7]>::try_from(row).expect("a row");
        assert!(help.contains(&format!("{option} <")), "{limit}: `run` has no option {option}");
        assert!(
            wit.contains(&format!("    {wit_field}: option<")),
            "{limit}: the contract has no field {wit_field}"
        );
        let value = shown(&settings, &setting);
        assert!(
            default == value || default.starts_with(&format!("{value}; ")),
            "{limit}: the default is {value}"
        );
        assert_eq!(ceiling, shown(&settings["ceilings"], &setting), "{limit}: the ceiling");
        named.insert(field);
    }
    assert_eq!(named, fields.keys().cloned().collect(), "{PAGE} names the fields of the HTTP API");
}
