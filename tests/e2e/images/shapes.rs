//! The shapes of images in `tests/images` have their outcomes on this machine, whoever pulls them. In a cluster they have
//! the same ones: `tests/kubernetes/images.rs`.

use super::{credentials, user};
use cofferdam_tests::{
    images::{Registry, Shape},
    program::{TestDir, stderr, stdout},
};
use std::process::Command;

#[test]
fn each_shape_has_its_outcome_from_a_registry_with_a_password() {
    let dir = TestDir::new();
    let registry = Registry::start(&dir.path().join("registry"), true);
    credentials(&dir, &registry.host, "secret");
    assert_outcomes(&dir, &registry, |args| {
        let mut command = dir.cofferdam(args);
        command.env("DOCKER_CONFIG", dir.path());
        command
    });
}

#[test]
fn each_shape_has_its_outcome_for_an_ordinary_user() {
    let dir = TestDir::new();
    let registry = Registry::start(&dir.path().join("registry"), false);
    assert_outcomes(&dir, &registry, user::ordinary(&dir));
}

fn assert_outcomes(dir: &TestDir, registry: &Registry, cofferdam: impl Fn(&[&str]) -> Command) {
    let shapes = Shape::all();
    assert!(shapes.len() >= 20, "{} shapes", shapes.len());
    let failures: Vec<_> =
        shapes.iter().filter_map(|shape| failure(dir, registry, shape, &cofferdam)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    super::super::cleanup::assert_no_leaks(dir);
}

/// What is wrong with the outcome of a shape, if anything.
fn failure(
    dir: &TestDir,
    registry: &Registry,
    shape: &Shape,
    cofferdam: impl Fn(&[&str]) -> Command,
) -> Option<String> {
    let settings = format!("{}[images]\ninsecure_registries = [{:?}]\n", shape.settings(), registry.host);
    dir.write("settings.toml", settings);
    dir.write("program", &shape.program);
    let run = |args: &[&str]| cofferdam(args).output().expect("cofferdam");
    let (image, archive) = shape.provide(dir.path(), &registry.host);
    if let Some(archive) = archive {
        let loaded = run(&["image", "--config", "settings.toml", "load", &archive.to_string_lossy()]);
        if !loaded.status.success() {
            return Some(format!("{}: {}", shape.name, stderr(&loaded)));
        }
    }
    let arguments = shape.arguments(&image, "program");
    let output = run(&[&["run", "--config", "settings.toml", "--json"], &arguments[..]].concat());
    // The images of all shapes are large together.
    let _ = run(&["image", "--config", "settings.toml", "remove", &image]);
    let problem = shape.problem_on_machine(&stdout(&output))?;
    Some(format!("{} ({}): {problem}{}", shape.name, shape.promise, stderr(&output)))
}
