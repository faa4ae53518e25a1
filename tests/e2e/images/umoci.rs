//! `umoci` unpacks the same images to the same files. They are read back by `fsck.erofs`, which is another's too.

use cofferdam::images::Digest;
use cofferdam_tests::{
    images::{Registry, Shape, debian},
    program::{TestDir, stderr, stdout},
};
use rustix::process::geteuid;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};

/// Shapes with all kinds of entries, and packages of Debian. umoci knows neither Docker's media types nor Zstandard.
const SHAPES: [&str; 8] = [
    "alpine",
    "debian",
    "distroless-python",
    "hard-link-across-layers",
    "hard-links",
    "long-names",
    "many-layers",
    "owners",
];
/// What each image has of ours, and the folders that change by it.
const OURS: [&str; 14] = [
    "",
    "cofferdam",
    "dev",
    "etc",
    "etc/hostname",
    "etc/hosts",
    "home",
    "home/user",
    "proc",
    "sys",
    "tmp",
    "var",
    "var/tmp",
    "work",
];

/// Files by their paths.
type Files = BTreeMap<PathBuf, File>;

/// A file as it is in an image.
#[derive(Debug, PartialEq, Eq)]
struct File {
    mode: u32,
    owner: (u32, u32),
    mtime: (i64, i64),
    /// The target of a link, or the digest of a file.
    content: String,
}

#[test]
fn umoci_unpacks_an_image_to_the_same_files() {
    if !geteuid().is_root() {
        println!("skipped: only root can create files of other owners");
        return;
    }
    let dir = TestDir::new();
    let registry = Registry::start(&dir.path().join("registry"), false);
    dir.write("settings.toml", format!("[images]\ninsecure_registries = [{:?}]\n", registry.host));
    let shapes = Shape::all();
    let chosen: Vec<_> = shapes.iter().filter(|shape| SHAPES.contains(&&*shape.name)).collect();
    assert_eq!(chosen.len(), SHAPES.len());
    let linked: usize = chosen.iter().map(|shape| assert_same(&dir, &registry, shape)).sum();
    assert!(linked > 1, "{linked} files with several names");
}

/// Returns the number of files with several names.
fn assert_same(dir: &TestDir, registry: &Registry, shape: &Shape) -> usize {
    let start = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
    let cofferdam = |args: &[&str]| dir.cofferdam([&["image", "--config", "settings.toml"], args].concat());
    let (image, _) = shape.provide(dir.path(), &registry.host);
    let mut umoci = Command::new(debian::program("umoci", "/usr/bin/umoci"));
    let layout = format!("{}:1", dir.path().join("layout").display());
    succeeded(umoci.args(["unpack", "--image", &layout]).arg(&theirs).output());
    succeeded(cofferdam(&["pull", &image]).output());
    let roots = fs::read_dir(dir.path().join("images/roots-1")).expect("images").flatten();
    let root = roots.map(|root| root.path()).next().expect("an image");
    let mut fsck = Command::new(debian::program("erofs-utils", "/usr/bin/fsck.erofs"));
    succeeded(fsck.arg(format!("--extract={}", ours.display())).arg(&root).output());
    let (ours_read, mut theirs_read) = (files(&ours), files(&theirs.join("rootfs")));
    for file in theirs_read.values_mut().filter(|file| file.mtime.0.cast_unsigned() >= start) {
        // A folder that no archive has is as old as this test there, and of 1970 in our images.
        file.mtime = (0, 0);
    }
    let only_in = |one: &Files, other: &Files| -> Vec<_> {
        let differs = |(path, file): &(&PathBuf, &File)| other.get(*path) != Some(file);
        one.iter().filter(differs).map(|(path, file)| format!("{} {file:?}", path.display())).collect()
    };
    let (ours_only, theirs_only) = (only_in(&ours_read, &theirs_read), only_in(&theirs_read, &ours_read));
    assert!(theirs_read.len() > 4, "{}", shape.name);
    assert!(
        ours_only.is_empty() && theirs_only.is_empty(),
        "{}\nours: {ours_only:#?}\ntheirs: {theirs_only:#?}",
        shape.name
    );
    let linked = assert_links(&root, &theirs.join("rootfs"), theirs_read.keys());
    succeeded(cofferdam(&["remove", &image]).output());
    [ours, theirs].iter().for_each(|folder| fs::remove_dir_all(folder).expect("removed"));
    linked
}

/// Names are of one file in the image if they are in a folder, by what `dump.erofs` prints. `fsck.erofs` copies them.
/// Returns the number of files with several names.
fn assert_links<'a>(image: &Path, folder: &Path, paths: impl Iterator<Item = &'a PathBuf>) -> usize {
    let dump = debian::program("erofs-utils", "/usr/bin/dump.erofs");
    let mut links: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        let metadata = folder.join(path).symlink_metadata().expect("a file");
        if metadata.nlink() > 1 && !metadata.is_dir() {
            let output = Command::new(&dump).arg(format!("--path=/{}", path.display())).arg(image).output();
            let text = stdout(&output.expect("dump.erofs"));
            let number = text.split_once("NID: ").and_then(|(_, rest)| rest.split(' ').next());
            links.entry(metadata.ino()).or_default().insert(number.expect("a number").to_owned());
        }
    }
    assert!(links.values().all(|numbers| numbers.len() == 1), "{links:?}");
    assert_eq!(links.values().flatten().collect::<BTreeSet<_>>().len(), links.len(), "{links:?}");
    links.len()
}

fn succeeded(output: std::io::Result<Output>) {
    let output = output.expect("a program");
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
}

/// The files below a folder by their paths, without those that each image has of ours.
fn files(root: &Path) -> Files {
    let (mut files, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, metadata) = (entry.path(), entry.metadata().expect("a file"));
            let kind = metadata.file_type();
            let content = if kind.is_symlink() {
                fs::read_link(&path).expect("a link").display().to_string()
            } else if kind.is_file() {
                Digest::of(&fs::read(&path).expect("a file")).to_string()
            } else {
                String::new()
            };
            if kind.is_dir() {
                folders.push(path.clone());
            }
            let name = path.strip_prefix(root).expect("a path below").to_owned();
            if OURS.iter().any(|ours| *ours == name.as_os_str()) {
                continue;
            }
            // Setuid and setgid bits are not kept.
            let mode = metadata.mode() & !0o6000;
            let (owner, mtime) =
                ((metadata.uid(), metadata.gid()), (metadata.mtime(), metadata.mtime_nsec()));
            files.insert(name, File { mode, owner, mtime, content });
        }
    }
    files
}
