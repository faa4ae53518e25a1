//! The contract and the component that is built from it.

use cofferdam_tests::program::root;
use std::fs;
use wasmparser::{Encoding, Parser, Payload};
use wit_parser::{Resolve, TypeDefKind};

/// What agents' hosts have to fetch and hold.
const MAX_SIZE: usize = 60 << 10;

fn component() -> Vec<u8> {
    fs::read(root().join("target/components/code-executor.wasm")).expect("`make build` makes it")
}

fn contract() -> (Resolve, wit_parser::PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).expect("a contract");
    (resolve, package)
}

/// Names of what the component itself imports, exports, and is called.
fn surface() -> (Vec<String>, Vec<String>, Option<String>) {
    let (mut imports, mut exports, mut name) = (vec![], vec![], None);
    let mut depth = 0;
    let component = component();
    for payload in Parser::new(0).parse_all(&component) {
        match payload.expect("a component") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::Version { encoding, .. } if depth == 0 => assert_eq!(encoding, Encoding::Component),
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.expect("an import").name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(section.into_iter().map(|export| export.expect("an export").name.name.to_owned()));
            }
            Payload::CustomSection(section) if depth == 0 => {
                if let wasmparser::KnownCustom::ComponentName(names) = section.as_known() {
                    for part in names {
                        if let wasmparser::ComponentName::Component { name: root, .. } = part.expect("a name") {
                            name = Some(root.to_owned());
                        }
                    }
                }
            }
            _ => {}
        }
    }
    (imports, exports, name)
}

#[test]
fn the_contract_is_valid_and_every_item_is_documented() {
    let (resolve, package) = contract();
    let mut bare = vec![];
    for (name, id) in &resolve.packages[package].interfaces {
        let interface = &resolve.interfaces[*id];
        let mut note = |docs: &wit_parser::Docs, item: String| {
            if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
                bare.push(item);
            }
        };
        note(&interface.docs, name.clone());
        for (function, definition) in &interface.functions {
            note(&definition.docs, format!("{name}.{function}"));
        }
        for (type_name, id) in &interface.types {
            let definition = &resolve.types[*id];
            let item = format!("{name}.{type_name}");
            match &definition.kind {
                TypeDefKind::Record(record) => {
                    note(&definition.docs, item.clone());
                    record.fields.iter().for_each(|field| note(&field.docs, format!("{item}.{}", field.name)));
                }
                TypeDefKind::Variant(variant) => {
                    note(&definition.docs, item.clone());
                    variant.cases.iter().for_each(|case| note(&case.docs, format!("{item}.{}", case.name)));
                }
                TypeDefKind::Enum(cases) => {
                    note(&definition.docs, item.clone());
                    cases.cases.iter().for_each(|case| note(&case.docs, format!("{item}.{}", case.name)));
                }
                _ => {}
            }
        }
    }
    for (name, id) in &resolve.packages[package].worlds {
        if resolve.worlds[*id].docs.contents.is_none() {
            bare.push(name.clone());
        }
    }
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn only_the_code_is_required_of_a_request() {
    let (resolve, package) = contract();
    let types = resolve.packages[package].interfaces["types"];
    let request = resolve.interfaces[types].types["request"];
    let TypeDefKind::Record(request) = &resolve.types[request].kind else { panic!("a record") };
    for field in &request.fields {
        let wit_parser::Type::Id(id) = field.ty else {
            assert_eq!(field.name, "code");
            continue;
        };
        assert!(matches!(resolve.types[id].kind, TypeDefKind::Option(_)), "{}", field.name);
    }
}

#[test]
fn the_component_has_no_authority_but_its_one_import() {
    let (imports, exports, _) = surface();
    let golden = fs::read_to_string(root().join("tests/golden/code-executor.imports")).expect("the golden file");
    assert_eq!(imports.join("\n") + "\n", golden);
    assert_eq!(exports, ["cofferdam:code-executor/code-executor@0.1.0"]);
}

#[test]
fn the_component_is_named_and_small() {
    let (_, _, name) = surface();
    assert_eq!(name.as_deref(), Some("code-executor"));
    let size = component().len();
    assert!(size <= MAX_SIZE, "{size} bytes");
}
