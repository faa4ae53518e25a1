//! The default image, in a store of the tests.

use crate::program::root;
use cofferdam::images::{Store, UnpackLimits, load};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

/// The store. The first test of a process loads the image; `scripts/sandbox-image.sh` builds it where it is new.
#[expect(clippy::expect_used, reason = "a test without its image has failed")]
static STORE: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = Command::new(root().join("scripts/sandbox-image.sh"))
        .arg("archive")
        .stderr(Stdio::inherit())
        .output()
        .expect("bash");
    assert!(script.status.success(), "scripts/sandbox-image.sh failed");
    let archive = String::from_utf8(script.stdout).expect("a path");
    let folder = root().join("target/test-images");
    let store = Store::open(&folder, UnpackLimits::default(), u64::MAX).expect("a store");
    // The image of an earlier test goes unless it is the same.
    load(&store, Path::new(archive.trim_end()), None).expect("loaded");
    store.prune(None).expect("pruned");
    folder
});

/// The folder of a store that has the default image.
#[must_use]
pub fn store() -> &'static Path {
    &STORE
}

/// The unpacked files of the image, which `make sandbox-image` leaves.
///
/// # Panics
///
/// They are missing.
#[must_use]
pub fn unpacked() -> PathBuf {
    let folder = root().join("target/sandbox-image/root");
    assert!(folder.is_dir(), "{} is missing: run `make sandbox-image`", folder.display());
    folder
}
