//! Images by an attacker. Each is refused with an error that says why, or has a stated outcome; and each leaves
//! nothing: no file outside the store, nothing in it, and a store from which a benign image is executed.

pub(super) mod archive;
mod bombs;
mod documents;
mod entries;
mod files;
pub(super) mod image;
mod names;
pub(super) mod process;
mod roots;

use super::{bash, cofferdam, command, load, run};
use cofferdam_tests::{
    images::{Layer, Layout},
    program::{TestDir, executed_by, stderr, stdout},
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// The name that no file may have outside the image.
const ESCAPED: &str = "cofferdam-escaped";
/// Address space and processor time of each process that loads an image, in KiB and seconds. What is refused before is
/// refused by the program's own limits.
const LIMITS: &str = "ulimit -v 1500000 -t 120";
/// The setting `images.max_image_size` of the tests.
const MAX_IMAGE_SIZE: u64 = 512 << 20;

/// A hostile image.
struct Case {
    name: &'static str,
    /// Writes it into a folder that does not exist, beside the folder `outside`.
    build: fn(&Path),
    expected: Expected,
}

enum Expected {
    /// It is not loaded, and the error has this text.
    Refused(&'static str),
    /// This script in it has this output.
    Runs { script: &'static str, stdout: &'static str },
}

/// The files of bash, as a layer of an image in which a script is executed.
fn bash_layer() -> Vec<u8> {
    static LAYER: OnceLock<Vec<u8>> = OnceLock::new();
    LAYER.get_or_init(|| bash().archive()).clone()
}

/// Loads the images one after another into one store, with a benign one after each.
fn check(cases: &[Case]) {
    let dir = TestDir::new();
    fs::create_dir(dir.path().join("outside")).expect("a folder");
    dir.write("outside/secret", "secret");
    let benign = Layout::new(vec![bash(), Layer::default().file("benign", "")]);
    for case in cases {
        println!("{}", case.name);
        let layout = dir.path().join("hostile");
        (case.build)(&layout);
        let before = outside(&dir);
        let loaded = load_limited(&dir);
        let message = stderr(&loaded);
        assert!(message.chars().all(|c| c == '\n' || !c.is_control()), "{}: {message:?}", case.name);
        match case.expected {
            Expected::Refused(text) => {
                assert!(message.contains(text), "{}: {message}", case.name);
                assert!(message.len() < 3000, "{}: {message}", case.name);
                assert_eq!(loaded.status.code(), Some(125), "{}", case.name);
            }
            Expected::Runs { script, stdout: expected } => {
                assert!(loaded.status.success(), "{}: {message}", case.name);
                let output = run(&dir, image::NAME, script);
                assert_eq!(stdout(&output), expected, "{}: {}", case.name, stderr(&output));
                let removed = cofferdam(&dir, &["image", "remove", image::NAME]);
                assert!(removed.status.success(), "{}: {}", case.name, stderr(&removed));
            }
        }
        let removed = if layout.is_dir() { fs::remove_dir_all(&layout) } else { fs::remove_file(&layout) };
        removed.expect("the layout");
        assert_eq!(outside(&dir), before, "{}: a file was written outside the store", case.name);
        assert_eq!(stored(&dir), Vec::<PathBuf>::new(), "{}: something is left", case.name);
        load(&dir, "benign:1", &benign);
        let output = run(&dir, "benign:1", "[ -e /benign ] && echo benign");
        assert_eq!(stdout(&output), "benign\n", "after {}: {}", case.name, stderr(&output));
        let pruned = cofferdam(&dir, &["image", "prune", "--all"]);
        assert!(pruned.status.success(), "{}", stderr(&pruned));
    }
    super::super::cleanup::assert_no_leaks(&dir);
}

/// Loads what is in the folder `hostile`.
fn load_limited(dir: &TestDir) -> Output {
    limited(dir, &["image", "load", "hostile"]).output().expect("a shell")
}

/// The command with these arguments, with the limits of the tests.
fn limited(dir: &TestDir, args: &[&str]) -> Command {
    let shell = dir.command("bash", ["-c", &format!("{LIMITS}; exec \"$@\""), "bash"]);
    let mut limited = executed_by(shell, &command(dir, args));
    limited.env("COFFERDAM_IMAGES__MAX_IMAGE_SIZE", MAX_IMAGE_SIZE.to_string());
    limited
}

/// The files that an image could have created outside the store, with their sizes and modes.
fn outside(dir: &TestDir) -> BTreeMap<PathBuf, (u64, u32)> {
    let is_own = |path: &Path| {
        ["images", "state", "hostile", "layout", "p.sh"].iter().any(|name| path == dir.path().join(name))
    };
    let (mut found, mut folders) = (BTreeMap::new(), vec![dir.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten().filter(|entry| !is_own(&entry.path()))
        {
            let metadata = entry.metadata().expect("a file");
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path(), (metadata.len(), metadata.mode()));
        }
    }
    for folder in ["/", "/tmp", "/dev/shm", "/etc", "/proc/self/cwd"] {
        let path = Path::new(folder).join(ESCAPED);
        assert!(path.symlink_metadata().is_err(), "{} exists", path.display());
    }
    found
}

/// The parts and root file systems in the store, and temporary files.
pub(super) fn stored(dir: &TestDir) -> Vec<PathBuf> {
    let store = dir.path().join("images");
    let folders = fs::read_dir(&store).expect("a store").flatten().map(|entry| entry.path());
    let roots = folders
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("roots-")));
    let parts = roots.chain([store.join("blobs/sha256"), store.join("tmp")]);
    parts.flat_map(|part| fs::read_dir(part).expect("a folder").flatten().map(|entry| entry.path())).collect()
}
