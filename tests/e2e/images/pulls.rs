//! Images are pulled from a registry.

use super::{bash, cofferdam, credentials};
use cofferdam_tests::{
    images::{Layer, Layout, Registry, push},
    program::{TestDir, stderr, stdout},
};

/// Settings by which the registry is reached without TLS.
fn settings(dir: &TestDir, registry: &Registry) {
    dir.write("settings.toml", format!("[images]\ninsecure_registries = [{:?}]\n", registry.host));
}

#[test]
fn an_image_is_pulled_from_a_registry() {
    let (dir, layout) = (TestDir::new(), Layout::new(vec![bash()]).env(&["A=b"]));
    let (storage, folder) = (dir.path().join("registry"), dir.path().join("layout"));
    layout.write(&folder, "app:1");
    push(&storage, &folder, "team/app", "1");
    Layout::new(vec![bash(), Layer::default().file("new", "")]).write(&folder, "app:2");
    push(&storage, &folder, "team/app", "2");
    let registry = Registry::start(&storage, false);
    settings(&dir, &registry);
    dir.write("p.sh", "echo $A");
    let run = |tag: &str| {
        let image = format!("{}/team/app:{tag}", registry.host);
        dir.run(["run", "--config", "settings.toml", "--image", &image, "p.sh"])
    };
    let output = run("1");
    assert_eq!((stdout(&output), stderr(&output)), ("b\n".into(), String::new()));
    assert_eq!(stdout(&run("1")), "b\n");
    assert_eq!(stdout(&run("2")), "\n");
    let missing = run("3");
    assert!(stderr(&missing).contains("no such image"), "{}", stderr(&missing));
    // Of the second image, the layer that the first has too is not fetched: two layers and two configurations.
    assert_eq!(registry.blobs_served(), 4);
    // Without the setting, a registry needs TLS.
    let image = format!("{}/team/app:1", registry.host);
    let refused = cofferdam(&dir, &["image", "pull", &image]);
    assert_eq!(refused.status.code(), Some(125), "{}", stderr(&refused));
}

#[test]
fn a_registry_with_a_password_is_reached_with_dockers_credentials() {
    let dir = TestDir::new();
    let (storage, folder) = (dir.path().join("registry"), dir.path().join("layout"));
    Layout::new(vec![bash()]).write(&folder, "app:1");
    push(&storage, &folder, "app", "1");
    let registry = Registry::start(&storage, true);
    settings(&dir, &registry);
    let image = format!("{}/app:1", registry.host);
    let pull = || dir.cofferdam(["image", "--config", "settings.toml", "pull", &image]);
    let refused = pull().env("DOCKER_CONFIG", dir.path()).output().expect("cofferdam");
    assert!(stderr(&refused).contains("docker login"), "{}", stderr(&refused));
    for (password, succeeds) in [("wrong", false), ("secret", true)] {
        credentials(&dir, &registry.host, password);
        let output = pull().env("DOCKER_CONFIG", dir.path()).output().expect("cofferdam");
        assert_eq!(output.status.success(), succeeds, "{}", stderr(&output));
    }
}

#[test]
fn two_processes_pull_the_same_image_once() {
    let dir = TestDir::new();
    let (storage, folder) = (dir.path().join("registry"), dir.path().join("layout"));
    Layout::new(vec![bash()]).write(&folder, "app:1");
    push(&storage, &folder, "app", "1");
    let registry = Registry::start(&storage, false);
    settings(&dir, &registry);
    let image = format!("{}/app:1", registry.host);
    let pull =
        || dir.cofferdam(["image", "--config", "settings.toml", "pull", &image]).spawn().expect("cofferdam");
    for process in [pull(), pull(), pull()] {
        let output = process.wait_with_output().expect("cofferdam");
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert_eq!(registry.blobs_served(), 2);
}
