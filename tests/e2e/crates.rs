//! Crates depend on each other in one direction only, and an embedder compiles few of them.

use cofferdam_tests::program::{root, stderr, stdout};
use serde_json::Value;
use std::{collections::BTreeSet, env, fs, path::Path, process::Command};

/// The layers of the workspace, from the bottom to the top, with the other crates of the workspace that each
/// may depend on.
const ALLOWED_DEPENDENCIES: [(&str, &[&str]); 13] = [
    ("cofferdam-types", &[]),
    ("cofferdam-protocol", &["cofferdam-types"]),
    ("cofferdam-http-api", &["cofferdam-types"]),
    ("cofferdam-rendering", &["cofferdam-types"]),
    ("cofferdam-core", &["cofferdam-protocol", "cofferdam-types"]),
    ("cofferdam-images", &["cofferdam-core"]),
    (
        "cofferdam-local",
        &["cofferdam-core", "cofferdam-protocol", "cofferdam-runner-artifact", "cofferdam-types"],
    ),
    (
        "cofferdam-kubernetes",
        &["cofferdam-core", "cofferdam-protocol", "cofferdam-runner-artifact", "cofferdam-types"],
    ),
    ("cofferdam-client", &["cofferdam-core", "cofferdam-http-api", "cofferdam-types"]),
    (
        "cofferdam-component",
        &["cofferdam-client", "cofferdam-components", "cofferdam-core", "cofferdam-types"],
    ),
    // The protocol: for fuzz targets only.
    (
        "cofferdam-server",
        &[
            "cofferdam-core",
            "cofferdam-http-api",
            "cofferdam-protocol",
            "cofferdam-rendering",
            "cofferdam-types",
        ],
    ),
    (
        "cofferdam",
        &[
            "cofferdam-client",
            "cofferdam-component",
            "cofferdam-components",
            "cofferdam-core",
            "cofferdam-http-api",
            "cofferdam-images",
            "cofferdam-kubernetes",
            "cofferdam-local",
            "cofferdam-rendering",
            "cofferdam-server",
            "cofferdam-types",
        ],
    ),
    ("cofferdam-host", &["cofferdam", "cofferdam-component"]),
];
/// What `cofferdam-core` must not compile: it knows no backend, no interface to callers and no settings.
const FORBIDDEN_IN_CORE: [&str; 7] =
    ["axum", "clap", "figment", "hyper", "kube", "prometheus-client", "wasmtime"];
const EMBEDDERS: &str = "tests/embedders";
/// Crates that a program compiles that embeds the local backend only.
const MAX_CRATES: usize = 75;

fn cargo(folder: &Path, args: &[&str]) -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(args).arg("--offline").current_dir(folder).output().expect("cargo");
    assert!(output.status.success(), "cargo {args:?}: {}", stderr(&output));
    stdout(&output)
}

/// Names and versions of the crates that cargo compiles for the target, without those that run during the
/// build.
fn crates(folder: &Path, args: &[&str]) -> BTreeSet<(String, String)> {
    let tree = cargo(folder, &[&["tree", "--edges=normal", "--prefix=none", "--format={p}"], args].concat());
    let lines = tree.lines().map(|line| line.split_once(" v").expect("a name and a version"));
    let version = |rest: &str| rest.split(' ').next().unwrap_or_default().to_owned();
    lines.map(|(name, rest)| (name.to_owned(), version(rest))).collect()
}

/// The crates of the workspace that a package may depend on outside of its tests, also with features.
fn workspace_dependencies<'a>(package: &'a Value, workspace: &BTreeSet<&str>) -> Vec<&'a str> {
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    let normal = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    let names = normal.map(|dependency| dependency["name"].as_str().expect("a name"));
    names.filter(|name| workspace.contains(name)).collect()
}

#[test]
fn the_crates_of_the_workspace_depend_only_on_lower_layers() {
    let metadata = cargo(&root(), &["metadata", "--locked", "--no-deps", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let workspace: BTreeSet<&str> =
        packages.iter().map(|package| package["name"].as_str().expect("a name")).collect();
    for (name, allowed) in ALLOWED_DEPENDENCIES {
        let package =
            packages.iter().find(|package| package["name"] == name).expect("a crate of the workspace");
        for dependency in workspace_dependencies(package, &workspace) {
            assert!(allowed.contains(&dependency), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn every_crate_of_the_sidecar_has_a_layer() {
    for folder in fs::read_dir(root().join("host-sidecar")).expect("a folder").flatten() {
        let manifest = fs::read_to_string(folder.path().join("Cargo.toml")).expect("a manifest");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        let name = manifest["package"]["name"].as_str().expect("a name");
        assert!(
            ALLOWED_DEPENDENCIES.iter().any(|(known, _)| *known == name),
            "{name} is not in the list of this test"
        );
    }
}

#[test]
fn the_core_compiles_no_backend_no_interface_and_no_settings() {
    let crates = crates(&root(), &["--locked", "--package=cofferdam-core", "--all-features"]);
    for (name, _) in crates {
        assert!(!FORBIDDEN_IN_CORE.contains(&name.as_str()), "cofferdam-core compiles {name}");
    }
}

#[test]
fn the_program_does_not_link_wasmtime() {
    let crates = crates(&root(), &["--locked", "--package=cofferdam"]);
    assert!(crates.iter().any(|(name, _)| name == "kube"), "{crates:?}");
    assert!(crates.iter().all(|(name, _)| name != "wasmtime"), "cofferdam links wasmtime");
}

#[test]
fn an_embedder_of_the_local_backend_compiles_few_crates() {
    let folder = root().join(EMBEDDERS).join("local");
    // The versions of the workspace: cargo removes what this program does not need.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
    let crates = crates(&folder, &[]);
    assert!(crates.len() <= MAX_CRATES, "{} crates: {crates:?}", crates.len());
}

#[test]
fn the_programs_of_the_embedding_page_are_those_of_the_embedders() {
    let page = fs::read_to_string(root().join("docs/embedding.md")).expect("a page");
    for (embedder, program) in [("local", "examples/embed.rs"), ("component", "examples/hosts/bare.rs")] {
        let manifest =
            fs::read_to_string(root().join(EMBEDDERS).join(embedder).join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains(program), "the embedder {embedder} is not {program}");
        let (_, dependencies) = manifest.split_once("\n[dependencies]\n").expect("dependencies");
        let (dependencies, _) = dependencies.split_once("\n\n").expect("the end of the dependencies");
        let block =
            format!("```toml\n[dependencies]\n{}\n```", dependencies.replace("../../../", "cofferdam/"));
        assert!(page.contains(&block), "the page does not have this block:\n{block}");
        let program = fs::read_to_string(root().join(program)).expect("a program");
        let code = program.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
        let block = format!("```rust\n{}\n```", code.collect::<Vec<_>>().join("\n"));
        assert!(page.contains(&block), "the page does not have this block:\n{block}");
    }
}
