//! Manifests, configurations and indexes that are too large, too deep, or wrong.

use super::{
    Case,
    Expected::Refused,
    archive::Archive,
    check,
    image::{Document, Image, NAME, blob, write_index, write_manifest},
};
use cofferdam::images::Digest;
use cofferdam_tests::images::named;
use serde_json::{Value, json};
use std::fs;

/// More than a document may have.
const LARGE: usize = 5 << 20;

fn image() -> Image {
    Image::new([Archive::default().file("a", "").bytes()])
}

/// A document that is nested too deeply for any reader that uses the stack.
fn deep() -> Vec<u8> {
    [b"{\"layers\":".to_vec(), vec![b'['; 200_000], vec![b']'; 200_000], b"}".to_vec()].concat()
}

#[test]
fn documents_are_bounded() {
    check(&[
        Case {
            name: "a large manifest",
            build: |folder| write_manifest(folder, &vec![b' '; LARGE]),
            expected: Refused("has more than 4194304 bytes"),
        },
        Case {
            name: "a large index",
            build: |folder| write_index(folder, &vec![b' '; LARGE]),
            expected: Refused("\"index.json\" has more than 4194304 bytes"),
        },
        Case {
            name: "a large configuration",
            build: |folder| {
                image().write_changed(folder, Document::Config, |json| {
                    json["padding"] = "x".repeat(LARGE).into();
                });
            },
            expected: Refused("configuration is not one of OCI or Docker: it has more than 4194304 bytes"),
        },
        Case {
            name: "a deep manifest",
            build: |folder| write_manifest(folder, &deep()),
            expected: Refused("recursion limit exceeded"),
        },
        Case {
            name: "a deep index",
            build: |folder| write_index(folder, &deep()),
            expected: Refused("recursion limit exceeded"),
        },
        Case {
            name: "thousands of layers",
            build: |folder| {
                image().write_changed(folder, Document::Manifest, |json| {
                    json["layers"] = vec![json["layers"][0].clone(); 3000].into();
                });
            },
            expected: Refused("it has more than 512 layers"),
        },
        Case {
            name: "thousands of manifests",
            build: |folder| {
                image().write_changed(folder, Document::Index, |json| {
                    json["manifests"] = vec![json["manifests"][0].clone(); 3000].into();
                });
            },
            expected: Refused("it has more than 1024 manifests"),
        },
        Case {
            name: "indexes in indexes",
            build: |folder| {
                image().write_changed(folder, Document::Index, |json| {
                    for _ in 0..10 {
                        let outer = blob(folder, json.to_string().as_bytes());
                        *json = json!({ "manifests": [named(outer, NAME)] });
                    }
                });
            },
            expected: Refused("its indexes are nested too deeply"),
        },
        Case {
            name: "an index that names itself",
            build: |folder| {
                let digest = Digest::of(b"any");
                let index = json!({ "manifests": [named(json!({ "digest": digest, "size": 10 }), NAME)] });
                write_index(folder, index.to_string().as_bytes());
                fs::write(folder.join("blobs/sha256").join(digest.hex()), index.to_string()).expect("a blob");
            },
            expected: Refused("content with the digest"),
        },
        Case {
            name: "a manifest that is an index too",
            build: |folder| write_manifest(folder, br#"{"layers":[],"manifests":[]}"#),
            expected: Refused("it is both a manifest and an index"),
        },
        Case {
            name: "control characters in a media type",
            build: |folder| {
                image().write_changed(folder, Document::Manifest, |json| {
                    json["layers"][0]["mediaType"] = "\u{1b}[2J\r\nerror: \u{202e}x".into();
                });
            },
            expected: Refused("is no part of a root file system"),
        },
        Case {
            name: "control characters in the name of an image",
            build: |folder| {
                image().write_changed(folder, Document::Index, |json| {
                    json["manifests"][0] = named(json["manifests"][0].clone(), "a\u{1b}[2J\n:1");
                });
            },
            expected: Refused("it names no image"),
        },
        Case {
            name: "control characters in a platform",
            build: |folder| {
                image().write_changed(folder, Document::Config, |json| {
                    json["architecture"] = "\u{1b}[2J\r\nerror: \u{202e}x".into();
                });
            },
            expected: Refused("the image is not for linux/"),
        },
    ]);
}

/// Writes the image after a change of the descriptor of its layer.
fn with_layer(folder: &std::path::Path, change: impl Fn(&mut Value)) {
    image().write_changed(folder, Document::Manifest, |json| {
        change(&mut json["layers"][0]);
    });
}

#[test]
fn digests_and_sizes_that_lie_are_refused() {
    check(&[
        Case {
            name: "the content of a layer is another",
            build: |folder| {
                image().write(folder);
                for entry in fs::read_dir(folder.join("blobs/sha256")).expect("blobs").flatten() {
                    let content = fs::read(entry.path()).expect("a blob");
                    if content[0] == b'a' {
                        fs::write(entry.path(), [&content[1..], b"x"].concat()).expect("a blob");
                    }
                }
            },
            expected: Refused("content with the digest"),
        },
        Case {
            name: "a layer is smaller than its size",
            build: |folder| with_layer(folder, |layer| layer["size"] = 1_000_000.into()),
            expected: Refused("bytes, and its size is given as 1000000"),
        },
        Case {
            name: "a layer is larger than its size",
            build: |folder| with_layer(folder, |layer| layer["size"] = 1.into()),
            expected: Refused("content with the digest"),
        },
        Case {
            name: "a size of 2^64 - 1",
            build: |folder| with_layer(folder, |layer| layer["size"] = u64::MAX.into()),
            expected: Refused("the image has more than 536870912 bytes"),
        },
        Case {
            name: "a negative size in a manifest",
            build: |folder| with_layer(folder, |layer| layer["size"] = (-1).into()),
            expected: Refused("the manifest is not one of OCI or Docker"),
        },
        Case {
            name: "a digest that is a path",
            build: |folder| {
                with_layer(folder, |layer| layer["digest"] = "sha256:../../../../etc/passwd".into())
            },
            expected: Refused("the manifest is not one of OCI or Docker"),
        },
        Case {
            name: "a digest of what a layer does not unpack to",
            build: |folder| {
                let layer = Archive::default().file("a", "").bytes();
                Image::new([]).stored(layer, b"another").write(folder);
            },
            expected: Refused("content with the digest"),
        },
        Case {
            name: "fewer digests than layers",
            build: |folder| {
                image().write_changed(folder, Document::Config, |json| {
                    json["rootfs"]["diff_ids"] = json!([]);
                });
            },
            expected: Refused("it has 0 layers, and the manifest has 1"),
        },
        Case {
            name: "a layer that is missing",
            build: |folder| with_layer(folder, |layer| layer["digest"] = json!(Digest::of(b"missing"))),
            expected: Refused("is missing"),
        },
    ]);
}
