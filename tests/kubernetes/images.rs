//! The shapes of images in `tests/images` have the same outcomes in a cluster as on one machine: `tests/e2e/images/shapes.rs`.

use super::context::{Context, Test};
use cofferdam_tests::{
    conformance::Failure,
    images::{Registry, RegistryOptions, Shape},
    program::{root, stderr, stdout},
};
use std::process::Command;

pub(super) const TESTS: &[Test] = tests![each_shape_of_images_has_its_outcome];

fn each_shape_of_images_has_its_outcome(context: &Context) -> Result<(), Failure> {
    let Some(address) = provide_images(&[])? else { return Ok(()) };
    let folder = context.dir.path();
    let options = RegistryOptions { address: address.trim().to_owned(), ..RegistryOptions::default() };
    let registry = Registry::start_with(&folder.join("registry"), &options);
    provide_images(&[&registry.host])?;
    let mut problems = Vec::new();
    for shape in Shape::all() {
        let (image, archive) = shape.provide(folder, &registry.host);
        if let Some(archive) = archive {
            provide_images(&[&archive.to_string_lossy()])?;
        }
        context.dir.write("settings.toml", shape.settings());
        context.dir.write("program", &shape.program);
        let arguments = shape.arguments(&image, "program");
        let arguments = [&["--config", "settings.toml", "--json"], &arguments[..]].concat();
        let output = context.command("run", &arguments).output()?;
        if let Some(problem) = shape.problem_in_cluster(&stdout(&output)) {
            problems.push(format!("{} ({}): {problem}{}", shape.name, shape.promise, stderr(&output)));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// What `provide-images.sh` prints; none if the node of this cluster cannot get images from here.
fn provide_images(arguments: &[&str]) -> Result<Option<String>, Failure> {
    let script = Command::new(root().join("tests/cluster/provide-images.sh")).args(arguments).output()?;
    match script.status.code() {
        Some(0) => Ok(Some(stdout(&script))),
        Some(3) => {
            println!("skipped: {}", stderr(&script));
            Ok(None)
        }
        _ => Err(stderr(&script).into()),
    }
}
