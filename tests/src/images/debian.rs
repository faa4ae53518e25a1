//! Programs of Debian and of this machine.

use crate::program::root;
use std::{
    env::consts::ARCH,
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};
use tar::Archive;

/// The path of a program in a package of Debian, which is downloaded once.
///
/// # Panics
///
/// It cannot be downloaded.
#[must_use]
pub fn program(package: &str, path: &str) -> PathBuf {
    script("debian-program.sh", [package, path])
}

/// A tar archive of Debian packages with all that they depend on, in the cache, and its SHA-256 in hexadecimal.
pub(super) fn packages(names: &[String]) -> (PathBuf, String) {
    let path = script("debian-layer.sh", names);
    let hex = fs::read_to_string(path.with_added_extension("sha256")).expect("a digest");
    (path, hex.trim_end().to_owned())
}

/// The path that a script prints.
fn script(name: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> PathBuf {
    let mut script = Command::new(root().join("scripts").join(name));
    let script = script.args(arguments).stderr(Stdio::inherit()).output().expect("bash");
    assert!(script.status.success(), "{name} failed");
    PathBuf::from(String::from_utf8(script.stdout).expect("a path").trim_end())
}

/// The paths of a program's libraries on this machine.
pub(super) fn libraries(program: &str) -> Vec<String> {
    let libraries = Command::new("ldd").arg(program).output().expect("ldd").stdout;
    let libraries = String::from_utf8(libraries).expect("text");
    libraries.split_whitespace().filter(|word| word.starts_with('/')).map(ToOwned::to_owned).collect()
}

/// Compiles a program in C, without headers, and links it with Debian's musl.
pub(super) fn musl_program(source: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (library, program) = (folder.path().join("libc.so"), folder.path().join("program"));
    let mut layer = Archive::new(File::open(packages(&["musl".to_owned()]).0).expect("a layer"));
    let mut entries = layer.entries().expect("an archive").map(|entry| entry.expect("an entry"));
    let mut found = entries
        .find(|entry| entry.path().is_ok_and(|path| path.file_name() == Some("libc.so".as_ref())))
        .expect("musl");
    found.unpack(&library).expect("a file");
    let mut compiler = Command::new("cc")
        .args(["-nostdlib", "-fno-stack-protector", "-fno-pie", "-no-pie", "-O1", "-s", "-x", "c", "-", "-o"])
        .arg(&program)
        .args(["-x", "none", "-L"])
        .arg(folder.path())
        .arg("-l:libc.so")
        .arg(format!("-Wl,--dynamic-linker=/lib/ld-musl-{ARCH}.so.1"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("cc");
    compiler.stdin.take().expect("a pipe").write_all(source.as_bytes()).expect("cc reads");
    assert!(compiler.wait().expect("cc ends").success(), "a program for musl cannot be compiled");
    fs::read(program).expect("a program")
}
