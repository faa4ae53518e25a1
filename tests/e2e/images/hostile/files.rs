//! Archives and folders from which images are loaded, and which name what is not in them.

use super::{
    Case,
    Expected::{Refused, Runs},
    archive::{Archive, gzip},
    bash_layer, check,
    image::{Image, NAME, blob, config, write_index},
    load_limited, stored,
};
use crate::images::cofferdam;
use ::cofferdam::images::Digest;
use cofferdam_tests::{
    images::named,
    program::{TestDir, stderr, stdout},
};
use serde_json::json;
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};
use tar::EntryType;

/// Writes what is loaded as a file.
fn write(path: &Path, archive: Archive) {
    fs::create_dir(path).expect("a folder");
    fs::write(path.join("manifest.json"), list(&["layer.tar"])).expect("a file");
    fs::write(path.join("layer.tar"), archive.bytes()).expect("a file");
}

/// Writes an image, each of whose blobs is created by this instead.
fn write_with_blobs(folder: &Path, create: fn(&Path)) {
    Image::new([bash_layer()]).write(folder);
    for entry in fs::read_dir(folder.join("blobs/sha256")).expect("blobs").flatten() {
        fs::remove_file(entry.path()).expect("a blob");
        create(&entry.path());
    }
}

/// The list of an archive of `docker save` with one image of these layers.
fn list(layers: &[&str]) -> String {
    json!([{ "Config": "config.json", "Layers": layers, "RepoTags": [NAME] }]).to_string()
}

#[test]
fn what_is_loaded_names_nothing_else() {
    check(&[
        Case {
            name: "a blob that is a link to a file of the machine",
            build: |folder| {
                write_with_blobs(folder, |blob| symlink("/etc/passwd", blob).expect("a link"));
            },
            expected: Refused("it is not in the folder"),
        },
        Case {
            name: "a blob that is a FIFO",
            build: |folder| {
                write_with_blobs(folder, |blob| {
                    assert!(Command::new("mkfifo").arg(blob).status().expect("mkfifo").success());
                });
            },
            expected: Refused("it is not a regular file"),
        },
        Case {
            name: "a configuration outside",
            build: |folder| {
                fs::create_dir(folder).expect("a folder");
                let list = json!([{ "Config": "../outside/secret", "Layers": [], "RepoTags": [NAME] }]);
                fs::write(folder.join("manifest.json"), list.to_string()).expect("a file");
            },
            expected: Refused("it is not in the folder"),
        },
        Case {
            name: "a layer outside",
            build: |folder| {
                write(folder, Archive::default());
                fs::write(folder.join("config.json"), config(&[]).to_string()).expect("a file");
                fs::write(folder.join("manifest.json"), list(&["/etc/passwd"])).expect("a file");
            },
            expected: Refused("it is not in the folder"),
        },
        Case {
            name: "many images in one archive",
            build: |folder| {
                Image::new([Archive::default().file("a", "").bytes()]).write(folder);
                let index = fs::read(folder.join("index.json")).expect("an index");
                let index: serde_json::Value = serde_json::from_slice(&index).expect("JSON");
                let manifests = (0..200).map(|n| named(index["manifests"][0].clone(), &format!("many:{n}")));
                write_index(
                    folder,
                    json!({ "manifests": manifests.collect::<Vec<_>>() }).to_string().as_bytes(),
                );
            },
            expected: Refused("it has more than 100 images"),
        },
        Case {
            name: "an image beside one that is malformed",
            build: |folder| {
                Image::new([bash_layer()]).write(folder);
                fs::write(folder.join("blobs/sha256/..evil"), "text").expect("a file");
            },
            expected: Runs { script: "echo works", stdout: "works\n" },
        },
    ]);
}

#[test]
fn the_images_of_one_file_have_together_what_one_may_have() {
    let dir = TestDir::new();
    let folder = dir.path().join("hostile");
    let unpacked = Archive::default().raw(EntryType::Regular, b"large", &vec![0; 200 << 20], |_| {}).bytes();
    // They share the layer, and each has a root file system of its own.
    let (diff_id, layer) = (Digest::of(&unpacked), blob(&folder, &gzip(&unpacked)));
    let manifests = (0..3).map(|number| {
        let mut config = config(std::slice::from_ref(&diff_id));
        config["number"] = json!(number);
        let manifest = json!({ "config": blob(&folder, config.to_string().as_bytes()), "layers": [layer] });
        named(blob(&folder, manifest.to_string().as_bytes()), &format!("large:{number}"))
    });
    let index = json!({ "manifests": manifests.collect::<Vec<_>>() });
    write_index(&folder, index.to_string().as_bytes());
    let loaded = load_limited(&dir);
    let expected = "its images together have more bytes than one may have; those before it are loaded: load \
                    docker.io/library/large:2 from a file of its own";
    assert!(stderr(&loaded).contains(expected), "{}", stderr(&loaded));
    let list = stdout(&cofferdam(&dir, &["image", "list"]));
    assert!(list.contains("large:1") && !list.contains("large:2"), "{list}");
    assert!(cofferdam(&dir, &["image", "prune", "--all"]).status.success());
    assert!(stored(&dir).is_empty());
}

#[test]
fn an_archive_is_bounded_and_names_nothing_outside() {
    check(&[
        Case {
            name: "links to themselves and to what is missing",
            build: |path| {
                let archive = Archive::default()
                    .file("manifest.json", &list(&["a", "b"]))
                    .symlink("config.json", "config.json")
                    .symlink("a", "b")
                    .symlink("b", "a");
                fs::write(path, archive.bytes()).expect("a file");
            },
            expected: Refused("\"config.json\" is missing"),
        },
        Case {
            name: "paths that lead out",
            build: |path| {
                let archive = Archive::default()
                    .file("../cofferdam-escaped", "a")
                    .file("/cofferdam-escaped", "a")
                    .link(EntryType::Link, "config.json", "../../../../../etc/passwd")
                    .file("manifest.json", &list(&[]));
                fs::write(path, archive.bytes()).expect("a file");
            },
            expected: Refused("\"config.json\" is missing"),
        },
        Case {
            name: "more files than an image has",
            build: |path| {
                let files =
                    (0..100_001).fold(Archive::default(), |archive, n| archive.file(&n.to_string(), ""));
                fs::write(path, files.bytes()).expect("a file");
            },
            expected: Refused("it has more than 100000 files"),
        },
        Case {
            name: "a size beyond the end",
            build: |path| {
                let archive = Archive::default()
                    .raw(EntryType::Regular, b"index.json", b"", |header| header.set_size(1 << 40));
                fs::write(path, archive.bytes()).expect("a file");
            },
            expected: Refused("EOF while parsing"),
        },
    ]);
}
