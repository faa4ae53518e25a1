//! The WIT contract and the components built from it.

use cofferdam_tests::program::root;
use std::{collections::BTreeMap, fs, process::Command};
use wasmparser::{Encoding, Parser, Payload};
use wit_parser::{Docs, Resolve, TypeDefKind};

const BARE: &str = "code-executor";
const STREAM: &str = "code-executor-stream";
const COMPOSED: &str = "code-executor-http";
const TOOL: &str = "code-executor-tool";
const ASYNC: &str = "code-executor-async";
/// The components that export `code-executor`.
const EXECUTORS: [&str; 4] = [BARE, STREAM, COMPOSED, ASYNC];
const ALL: [&str; 5] = [BARE, STREAM, COMPOSED, TOOL, ASYNC];
/// The folders of the contract, and of the contract with asynchronous functions.
const WIT: &str = "wit";
const ASYNC_WIT: &str = "wit-async";
/// The function that the tool exports.
const RUN_CODE: &str = "run-code";

fn component(name: &str) -> Vec<u8> {
    fs::read(root().join(format!("target/components/{name}.wasm"))).expect("`make build` makes it")
}

fn contract(folder: &str) -> (Resolve, wit_parser::PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join(folder)).expect("a contract");
    (resolve, package)
}

/// The imports, exports, name and custom sections of a component, without those of its nested modules and
/// components.
#[derive(Default)]
struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
    name: Option<String>,
    sections: BTreeMap<String, Vec<u8>>,
}

fn surface(component: &[u8]) -> Surface {
    let (mut surface, mut depth) = (Surface::default(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("a component") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::Version { encoding, .. } if depth == 0 => assert_eq!(encoding, Encoding::Component),
            Payload::ComponentImportSection(section) if depth == 0 => {
                let imports =
                    section.into_iter().map(|import| import.expect("an import").name.name.to_owned());
                surface.imports.extend(imports);
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                let exports =
                    section.into_iter().map(|export| export.expect("an export").name.name.to_owned());
                surface.exports.extend(exports);
            }
            Payload::CustomSection(section) if depth == 0 => {
                surface.sections.insert(section.name().to_owned(), section.data().to_vec());
                if let wasmparser::KnownCustom::ComponentName(names) = section.as_known() {
                    for part in names {
                        if let wasmparser::ComponentName::Component { name, .. } = part.expect("a name") {
                            surface.name = Some(name.to_owned());
                        }
                    }
                }
            }
            _ => {}
        }
    }
    surface
}

/// The fields or cases of a type that has some, with their documentation.
fn members(kind: &TypeDefKind) -> Option<Vec<(&str, &Docs)>> {
    match kind {
        TypeDefKind::Record(record) => {
            Some(record.fields.iter().map(|field| (field.name.as_str(), &field.docs)).collect())
        }
        TypeDefKind::Variant(variant) => {
            Some(variant.cases.iter().map(|case| (case.name.as_str(), &case.docs)).collect())
        }
        TypeDefKind::Enum(cases) => {
            Some(cases.cases.iter().map(|case| (case.name.as_str(), &case.docs)).collect())
        }
        _ => None,
    }
}

#[test]
fn the_contract_is_valid_and_every_item_is_documented() {
    for folder in [WIT, ASYNC_WIT] {
        assert_eq!(undocumented(folder), Vec::<String>::new());
    }
}

/// The items of a contract without documentation.
fn undocumented(folder: &str) -> Vec<String> {
    let (resolve, package) = contract(folder);
    let mut undocumented = vec![];
    let mut check = |docs: &Docs, item: String| {
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            undocumented.push(item);
        }
    };
    for (name, id) in &resolve.packages[package].interfaces {
        let interface = &resolve.interfaces[*id];
        check(&interface.docs, name.clone());
        for (function, definition) in &interface.functions {
            check(&definition.docs, format!("{name}.{function}"));
        }
        for (type_name, id) in &interface.types {
            let definition = &resolve.types[*id];
            let Some(members) = members(&definition.kind) else { continue };
            check(&definition.docs, format!("{name}.{type_name}"));
            for (member, docs) in members {
                check(docs, format!("{name}.{type_name}.{member}"));
            }
        }
    }
    for (name, id) in &resolve.packages[package].worlds {
        check(&resolve.worlds[*id].docs, name.clone());
    }
    undocumented
}

#[test]
fn a_request_requires_only_code() {
    let (resolve, package) = contract(WIT);
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

/// The contract's version, which is the program's too.
fn version() -> String {
    let (resolve, package) = contract(WIT);
    resolve.packages[package].name.version.clone().expect("a version").to_string()
}

#[test]
fn components_have_no_authority_beyond_their_imports() {
    for name in ALL {
        let golden = root().join(format!("tests/golden/{name}.imports"));
        let golden = fs::read_to_string(golden).expect("the golden file");
        assert_eq!(surface(&component(name)).imports.join("\n") + "\n", golden, "{name}");
    }
}

#[test]
fn components_export_the_documented_interfaces() {
    let [types, execute, follow] = ["types", "code-executor", "code-executor-stream"]
        .map(|interface| format!("cofferdam:code-executor/{interface}@{}", version()));
    assert_eq!(surface(&component(BARE)).exports, [execute.as_str()]);
    let mut exports = surface(&component(STREAM)).exports;
    exports.sort();
    assert_eq!(exports, [follow.as_str(), &execute]);
    let mut exports = surface(&component(COMPOSED)).exports;
    exports.sort();
    assert_eq!(exports, [follow, execute, types]);
    assert_eq!(surface(&component(TOOL)).exports, [RUN_CODE]);
    let execute = format!("cofferdam:code-executor-async/code-executor@{}", version());
    assert_eq!(surface(&component(ASYNC)).exports, [execute]);
}

#[test]
fn components_are_small() {
    // Hosts download them and keep them in memory.
    for (name, limit) in
        [(BARE, 60 << 10), (STREAM, 90 << 10), (COMPOSED, 350 << 10), (TOOL, 380 << 10), (ASYNC, 75 << 10)]
    {
        let size = component(name).len();
        assert!(size <= limit, "{name}: {size} bytes");
    }
}

#[test]
fn components_contain_their_name_version_and_docs() {
    for name in ALL {
        let (resolve, package) = contract(if name == ASYNC { ASYNC_WIT } else { WIT });
        let about = resolve.packages[package].docs.contents.clone().expect("documentation");
        let Surface { name: root, sections, .. } = surface(&component(name));
        assert_eq!(root.as_deref(), Some(name));
        let section =
            |section: &str| sections.get(section).unwrap_or_else(|| panic!("{name} has no {section}"));
        for (key, value) in [("version", &*version()), ("licenses", "Apache-2.0"), ("description", &about)] {
            assert_eq!(str::from_utf8(section(key)), Ok(value), "{name}");
        }
        // The format that component tools read: a version byte, then JSON in which the world is called
        // `root`.
        let (format, json) = section("package-docs").split_first().expect("a format");
        let docs: serde_json::Value = serde_json::from_slice(json).expect("JSON");
        assert_eq!((*format, docs["docs"].as_str()), (1, Some(&*about)));
        let world = docs["worlds"]["root"]["docs"].as_str().expect("the world's documentation");
        if name == TOOL {
            let function = &docs["worlds"]["root"]["func_exports"][RUN_CODE]["docs"];
            let function = function.as_str().expect("the function's documentation");
            assert!(function.contains("Runs a program in a new gVisor sandbox"), "{function}");
            continue;
        }
        for function in ["`execute`: Runs the program", "`render`: A short summary"] {
            assert!(world.contains(function), "{world}");
        }
        assert_eq!(
            world.contains("`next`: Waits for the next event"),
            ![BARE, ASYNC].contains(&name),
            "{world}"
        );
    }
}

#[test]
fn components_are_readable_by_wit_tools() {
    for name in EXECUTORS {
        let decoded = wit_parser::decoding::decode(&component(name)).expect("a component");
        let (resolve, package) = (decoded.resolve(), decoded.package());
        let world = resolve.packages[package].worlds["root"];
        let docs = resolve.worlds[world].docs.contents.as_deref().expect("documentation");
        assert!(docs.contains("`execute`:"), "{docs}");
    }
    let decoded = wit_parser::decoding::decode(&component(TOOL)).expect("a component");
    let (resolve, package) = (decoded.resolve(), decoded.package());
    let world = &resolve.worlds[resolve.packages[package].worlds["root"]];
    let names: Vec<_> = world.exports.keys().map(|name| resolve.name_world_key(name)).collect();
    assert_eq!(names, [RUN_CODE]);
}

#[test]
fn building_components_again_yields_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let status =
        Command::new(root().join("scripts/componentize.sh")).arg(folder.path()).status().expect("bash");
    assert!(status.success());
    for name in ALL {
        let again = fs::read(folder.path().join(format!("{name}.wasm"))).expect("a component");
        assert!(again == component(name), "{name}");
    }
}
