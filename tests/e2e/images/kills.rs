//! A process that adds an image is killed: the store works, and what it has stays of use.

mod server;

use super::{
    bash, cofferdam, command,
    hostile::{
        process::{unpacking, write_slow},
        stored,
    },
    run,
};
use cofferdam_tests::{
    images::{Layer, Layout},
    program::{TestDir, stderr, stdout},
};
use serde_json::Value;
use server::{Server, Stop};
use std::{
    fs::{self, File},
    path::Path,
    process::Child,
    thread::yield_now,
};

/// A layout with a configuration and two layers.
fn write_layout(folder: &Path) {
    Layout::new(vec![bash(), Layer::default().file("second", "text ".repeat(100_000))])
        .write(folder, "app:1");
}

/// The manifest, the configuration and the layers of a layout: digests and sizes.
fn parts(layout: &Path) -> Vec<(String, usize)> {
    let read =
        |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON") };
    let part = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().expect("a digest").to_owned();
        (digest, usize::try_from(descriptor["size"].as_u64().expect("a size")).expect("a size"))
    };
    let manifest = part(&read(&layout.join("index.json"))["manifests"][0]);
    let blob = layout.join("blobs/sha256").join(manifest.0.trim_start_matches("sha256:"));
    let document = read(&blob);
    let layers = document["layers"].as_array().expect("layers").iter().map(part);
    [manifest, part(&document["config"])].into_iter().chain(layers).collect()
}

fn kill(mut process: Child) {
    process.kill().expect("killed");
    process.wait().expect("ended");
}

/// Asserts that the store has no image, and after this has one and nothing else.
fn assert_store_works(dir: &TestDir, name: &str, add: &[&str]) {
    let list = cofferdam(dir, &["image", "list"]);
    assert_eq!((stdout(&list), stderr(&list)), (String::new(), String::new()));
    let added = command(dir, add).output().expect("cofferdam");
    assert!(added.status.success(), "{}", stderr(&added));
    let pruned = cofferdam(dir, &["image", "prune"]);
    assert!(pruned.status.success(), "{}", stderr(&pruned));
    // Manifest, configuration, two layers, and the root file system.
    assert_eq!(stored(dir).len(), 5, "{:?}", stored(dir));
    assert_eq!(stdout(&run(dir, name, "[ -s /second ] && echo whole")), "whole\n");
}

#[test]
fn a_pull_that_is_killed_is_continued_with_what_is_missing() {
    let folder = TestDir::new();
    let layout = folder.path().join("layout");
    write_layout(&layout);
    let parts = parts(&layout);
    // The part that is being sent, how much of it is sent, and how many parts of the blobs are there then.
    for (part, sent, present) in [
        (0, 10, 0),
        (1, 0, 0),
        (1, 20, 0),
        (2, 1, 1),
        (2, parts[2].1 / 2, 1),
        (3, 0, 2),
        (3, parts[3].1 - 1, 2),
    ] {
        let dir = TestDir::new();
        let (server, stopped) =
            Server::start(&layout, Some(Stop { digest: parts[part].0.clone(), after: sent }));
        let image = server.image();
        let pull = ["image", "--config", "settings.toml", "pull", &image];
        dir.write("settings.toml", format!("[images]\ninsecure_registries = [{:?}]\n", server.host));
        let pulling = command(&dir, &pull).spawn().expect("cofferdam");
        let _connection = stopped.recv().expect("a request");
        kill(pulling);
        let (server, _) = Server::start(&layout, None);
        let image = server.image();
        dir.write("settings.toml", format!("[images]\ninsecure_registries = [{:?}]\n", server.host));
        assert_store_works(&dir, &image, &["image", "--config", "settings.toml", "pull", &image]);
        let fetched: Vec<_> = parts[1 + present..].iter().map(|(digest, _)| digest.clone()).collect();
        assert_eq!(server.blobs(), fetched, "stopped after {sent} bytes of part {part}");
    }
}

/// The process, once it waits for a lock.
fn wait_for_lock(process: &Child) {
    let pid = process.id().to_string();
    let waits = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.get(1) == Some(&"->") && words.get(5) == Some(&&*pid)
    };
    while !fs::read_to_string("/proc/locks").expect("/proc").lines().any(waits) {
        yield_now();
    }
}

#[test]
fn a_load_that_is_killed_leaves_a_store_that_works() {
    let dir = TestDir::new();
    write_layout(&dir.path().join("layout"));
    let manifest = parts(&dir.path().join("layout"))[0].0.replace("sha256:", "tmp/");
    // Where it stops: before it begins, with all parts, and with the root file system that has no name yet.
    for (lock, left) in
        [("lock".to_owned(), 0), (format!("{manifest}.lock"), 4), ("index.lock".to_owned(), 5)]
    {
        assert!(cofferdam(&dir, &["image", "list"]).status.success());
        let held = File::create(dir.path().join("images").join(&lock)).expect("a file");
        held.lock().expect("a lock");
        let loading = command(&dir, &["image", "load", "layout"]).spawn().expect("cofferdam");
        wait_for_lock(&loading);
        kill(loading);
        let is_part =
            |path: &&std::path::PathBuf| path.extension().is_none_or(|extension| extension != "lock");
        assert_eq!(stored(&dir).iter().filter(is_part).count(), left, "{lock}");
        drop(held);
        assert_store_works(&dir, "app:1", &["image", "load", "layout"]);
        assert!(cofferdam(&dir, &["image", "prune", "--all"]).status.success());
    }
}

#[test]
fn a_load_that_is_killed_while_it_unpacks_leaves_a_store_that_works() {
    let dir = TestDir::new();
    write_slow(&dir.path().join("hostile"));
    let loading = command(&dir, &["image", "load", "hostile"]).spawn().expect("cofferdam");
    unpacking(&loading);
    kill(loading);
    write_layout(&dir.path().join("layout"));
    assert_store_works(&dir, "app:1", &["image", "load", "layout"]);
}
