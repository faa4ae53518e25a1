//! Files and folders that `cofferdam run` copies into the working directory, here and on a sidecar.

use cofferdam_tests::{
    leaks::assert_no_leaks,
    program::{TestDir, stderr, stdout},
    sidecar::Sidecar,
};
use rustix::process::Signal;
use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    process::Output,
};

/// Prints each entry of the working directory: its path, its mode, and its target or its length.
const LIST: &str = "
import os
for folder, folders, files in sorted(os.walk('.')):
    for name in sorted(folders + files):
        path = os.path.join(folder, name)
        stat = os.lstat(path)
        what = os.readlink(path) if os.path.islink(path) else stat.st_size if os.path.isfile(path) else ''
        print(ascii(path[2:]), oct(stat.st_mode & 0o7777) if not os.path.islink(path) else '', what)
";

/// Runs the program `p.py` here, then on a sidecar. Both give the same result.
fn run_twice(dir: &TestDir, options: &[&str]) -> Output {
    let here = dir.run(["run"].iter().chain(options).chain(&["p.py"]));
    assert_no_leaks(dir);
    let sidecar = Sidecar::start(dir, &[], &[]);
    let url = sidecar.url();
    let there = dir.run(["run", "--sidecar", &url].iter().chain(options).chain(&["p.py"]));
    sidecar.signal(Signal::TERM);
    sidecar.end();
    assert_eq!(
        (stdout(&here), stderr(&here), here.status.code()),
        (stdout(&there), stderr(&there), there.status.code())
    );
    here
}

fn set_mode(dir: &TestDir, name: &str, mode: u32) {
    fs::set_permissions(dir.path().join(name), Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_folder_arrives_with_modes_links_odd_names_and_empty_folders() {
    let dir = TestDir::new();
    dir.write("p.py", LIST);
    for folder in ["d", "d/empty", "d/sub"] {
        fs::create_dir(dir.path().join(folder)).expect("a folder");
        set_mode(&dir, folder, 0o755);
    }
    for (name, mode) in [
        ("d/run.sh", 0o4755),
        ("d/sub/private", 0o600),
        ("d/sub/a \"b\"%22;\n\u{f6}'", 0o444),
        ("d/.hidden", 0o644),
    ] {
        dir.write(name, "12");
        set_mode(&dir, name, mode);
    }
    symlink("../run.sh", dir.path().join("d/sub/link")).expect("a link");
    set_mode(&dir, "d/sub", 0o555);
    let output = run_twice(&dir, &["--file", "d", "--file", "p.py:copy.py"]);
    set_mode(&dir, "d/sub", 0o755);
    let expected = format!(
        "'copy.py' 0o644 {}\n'd' 0o755 \n'main.py' 0o644 {0}\n'd/.hidden' 0o644 2\n'd/empty' 0o755 \n\
         'd/run.sh' 0o755 2\n'd/sub' 0o555 \n'd/sub/a \"b\"%22;\\n\\xf6\\'' 0o444 2\n'd/sub/link'  ../run.sh\n\
         'd/sub/private' 0o600 2\n",
        LIST.len()
    );
    assert_eq!((stdout(&output), stderr(&output)), (expected, String::new()));
    let inside = dir.run(["run", "--file", "d:.", "--file", "d/empty:x/y/", "p.py"]);
    let paths: Vec<String> =
        stdout(&inside).lines().map(|line| line.split('\'').nth(1).unwrap_or_default().into()).collect();
    assert!(
        ["run.sh", "x/y", "sub/link"].iter().all(|path| paths.contains(&(*path).into())),
        "{paths:?} {}",
        stderr(&inside)
    );
}

#[test]
fn what_cannot_be_copied_is_refused_by_its_name() {
    let dir = TestDir::new();
    dir.write("p.py", "print('ran')");
    let leads_out = "is a symbolic link that leads out of the folder";
    for (name, part) in [("socket", "is a socket"), ("absolute", leads_out), ("outside", leads_out)] {
        let folder = dir.path().join(name);
        fs::create_dir(&folder).expect("a folder");
        match name {
            "socket" => drop(UnixListener::bind(folder.join("x")).expect("a socket")),
            "absolute" => symlink("/etc/passwd", folder.join("x")).expect("a link"),
            _ => symlink("../p.py", folder.join("x")).expect("a link"),
        }
        let output = run_twice(&dir, &["--file", name]);
        let shown = stderr(&output);
        assert!(shown.contains(&format!("{name}/x` {part}")), "{shown}");
        assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(125)));
    }
    for without_path in ["socket:", "socket:/", "p.py:"] {
        let output = dir.run(["run", "--file", without_path, "p.py"]);
        assert!(stderr(&output).contains("ends without a PATH"), "{}", stderr(&output));
    }
    let twice = run_twice(&dir, &["--file", "socket:a", "--file", "p.py:a"]);
    assert_eq!(twice.status.code(), Some(125), "{}", stderr(&twice));
}

#[test]
fn files_up_to_the_disk_limit_arrive_and_larger_ones_are_refused() {
    let dir = TestDir::new();
    dir.write("p.py", "import os\nprint(os.path.getsize('big'), open('big', 'rb').read(3))");
    let content = [b"abc".as_slice(), &vec![7; 40 << 20]].concat();
    dir.write("big", &content);
    let output = run_twice(&dir, &["--file", "big"]);
    assert_eq!(stdout(&output), format!("{} b'abc'\n", content.len()), "{}", stderr(&output));
    let output = run_twice(&dir, &["--file", "big", "--disk", "32Mi"]);
    assert!(stderr(&output).contains("disk-bytes"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(125));
    assert_no_leaks(&dir);
}

#[test]
fn ten_thousand_files_arrive() {
    let dir = TestDir::new();
    dir.write("p.py", "import os\nprint(sum(len(files) for _, _, files in os.walk('many')))");
    for number in 0..10_000 {
        let folder = format!("many/{}", number % 100);
        if number < 100 {
            fs::create_dir_all(dir.path().join(&folder)).expect("a folder");
        }
        dir.write(&format!("{folder}/{number}"), "x");
    }
    let output = run_twice(&dir, &["--file", "many"]);
    assert_eq!(stdout(&output), "10000\n", "{}", stderr(&output));
}

#[test]
fn streamed_files_are_collected_only_if_they_changed_and_modes_are_kept() {
    let dir = TestDir::new();
    let program = "import os\nopen('d/changed', 'w').write('new')\nopen('d/same', 'w').write('same')\n\
                   os.chmod('d/mode', 0o755)\nopen('made', 'w').write('1')\nos.chmod('made', 0o4751)";
    dir.write("p.py", program);
    fs::create_dir(dir.path().join("d")).expect("a folder");
    for name in ["changed", "same", "mode", "untouched"] {
        dir.write(&format!("d/{name}"), name);
    }
    symlink("same", dir.path().join("d/link")).expect("a link");
    // The link has not changed, so it is not reported either.
    let output = dir.run(["run", "--file", "d", "--collect", "**", "--out", "out", "p.py"]);
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)));
    let mode = |name: &str| {
        let path = dir.path().join("out").join(name);
        fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o7700)
    };
    assert_eq!([mode("made"), mode("d/mode"), mode("d/changed")], [Some(0o700), Some(0o700), Some(0o600)]);
    assert_eq!([mode("d/same"), mode("d/untouched")], [None, None]);
}
