//! Where collected files are written, and how those that are not written are reported.

use cofferdam_tests::program::{TestDir, stderr, stdout};
use std::{fs, os::unix::fs::symlink, path::Path};

/// Writes files that the tools of a repository would read or execute.
const WRITES_DOTFILES: &str = "
import os
for name in ['.git/config', '.GIT/hooks/x', '.envrc', 'a/.vscode/tasks.json', '\\u200b.bashrc', 'plain/file']:
    os.makedirs(os.path.dirname(name) or '.', exist_ok=True)
    open(name, 'w').write('written')
";

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn existing_files_are_replaced_only_with_overwrite() {
    let dir = TestDir::new();
    dir.write("p.py", "open('Makefile', 'w').write('new')\nopen('other', 'w').write('new')");
    fs::create_dir(dir.path().join("out")).expect("a folder");
    dir.write("out/Makefile", "old");
    fs::hard_link(dir.path().join("out/Makefile"), dir.path().join("same")).expect("a link");
    let run = |options: &[&str]| {
        dir.run(["run", "--collect", "*", "--out", "out"].iter().chain(options).chain(&["p.py"]))
    };
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect("a file");
    let output = run(&[]);
    let expected =
        "cofferdam: `out/Makefile` cannot be written: it exists already, and --overwrite was not given\n";
    assert_eq!((stderr(&output).as_str(), output.status.code()), (expected, Some(1)));
    assert_eq!([read("out/Makefile"), read("out/other")], ["old", "new"]);
    let output = run(&["--overwrite"]);
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)));
    // Other hard links of a replaced file keep its old content.
    assert_eq!([read("out/Makefile"), read("same")], ["new", "old"]);
    fs::remove_file(dir.path().join("out/other")).expect("removed");
    symlink("../same", dir.path().join("out/other")).expect("a link");
    let output = run(&["--overwrite"]);
    assert!(
        stderr(&output).contains("`out/other` cannot be written: the existing one is not a regular file")
    );
    assert_eq!((read("same").as_str(), output.status.code()), ("old", Some(1)));
}

#[test]
fn a_symlink_as_the_output_directory_is_refused() {
    let dir = TestDir::new();
    dir.write("p.py", "print('ran')\nopen('f', 'w').write('x')");
    fs::create_dir(dir.path().join("elsewhere")).expect("a folder");
    symlink("elsewhere", dir.path().join("link")).expect("a link");
    for out in ["link", "link/", "./link/."] {
        let output = dir.run(["run", "--collect", "*", "--out", out, "p.py"]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(125), String::new()), "{out}");
        assert!(stderr(&output).contains("is a symbolic link"), "{out}: {}", stderr(&output));
        assert_eq!(names(&dir.path().join("elsewhere")), [""; 0], "{out}");
    }
    // Parent directories may be symlinks.
    let output = dir.run(["run", "--collect", "*", "--out", "link/deep", "p.py"]);
    assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
    assert_eq!(names(&dir.path().join("elsewhere/deep")), ["f"]);
}

#[test]
fn dotfiles_are_written_only_if_a_pattern_names_them() {
    let dir = TestDir::new();
    dir.write("p.py", WRITES_DOTFILES);
    let run = |out: &str, patterns: &[&str]| {
        let patterns = patterns.iter().flat_map(|pattern| ["--collect", *pattern]);
        dir.run(["run", "--out", out].into_iter().chain(patterns).chain(["p.py"]))
    };
    let output = run("out", &["**"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(names(&dir.path().join("out")), ["plain"]);
    let message = stderr(&output);
    assert_eq!(message.lines().count(), 1, "{message}");
    for part in
        ["5 files cannot be written: `out/.GIT/hooks/x`, `out/.envrc`, `out/.git/config` and 2 more", "a dot"]
    {
        assert!(message.contains(part), "{message}");
    }
    let output = run("asked", &["plain/*", ".git/**", "a/.vscode/*"]);
    assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
    assert_eq!(names(&dir.path().join("asked")), [".git", "a", "plain"]);
    let output = run("literal", &[".envrc"]);
    assert_eq!((names(&dir.path().join("literal")), output.status.code()), (vec![".envrc".into()], Some(0)));
}

#[test]
fn bidirectional_control_characters_in_names_are_replaced() {
    let dir = TestDir::new();
    dir.write("p.py", "import os\nfor name in ['a\\u202egpj.exe', '\\u2066b']: os.symlink('x', name)");
    let message = stderr(&dir.run(["run", "--collect", "**", "--out", "o", "p.py"]));
    assert!(message.contains("`a\u{fffd}gpj.exe`") && message.contains("`\u{fffd}b`"), "{message:?}");
    assert!(!message.contains(['\u{202e}', '\u{2066}']), "{message:?}");
}

#[test]
fn ten_thousand_skipped_files_are_reported_in_one_line() {
    let dir = TestDir::new();
    let program = "
import os
for d in range(100):
    os.mkdir(f'd{d:02}')
    for i in range(100): open(f'd{d:02}/f{i:02}', 'w').write(str(i))
print('made', 10000)
";
    dir.write("p.py", program);
    let output = dir.run(["run", "--collect", "**", "--out", "out", "p.py"]);
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("made 10000\n", Some(0)));
    let expected = "cofferdam: 9900 files were not returned: `d01/f00`, `d01/f01`, `d01/f02` and 9897 more; the first: as many \
                files as allowed were brought back before it (--collected-files)\n";
    assert_eq!(stderr(&output), expected);
    assert_eq!(names(&dir.path().join("out/d00")).len(), 100);
    let output = dir.run(["run", "--collected-files", "1000", "--collect", "*/*0", "--out", "more", "p.py"]);
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)));
    assert_eq!(names(&dir.path().join("more")).len(), 100);
}

#[test]
fn a_missing_result_is_an_error_unless_its_pattern_is_a_wildcard() {
    let dir = TestDir::new();
    dir.write(
        "p.py",
        "import os\nos.mkdir('d')\nopen('big', 'w').write('x' * 2000)\nopen('d/deep.txt', 'w').write('x')",
    );
    for (patterns, options, code, parts) in [
        (
            &["big"][..],
            &["--collected-limit", "1000"][..],
            1,
            &["`big` was not returned", "(--collected-limit)"][..],
        ),
        (&["big"], &["--collected-limit", "1Mi"], 0, &[]),
        (&["nothing"], &[], 1, &["no file matches --collect `nothing`"]),
        (&["d"], &[], 1, &["`d/**` matches all files of a folder"]),
        (&["*.txt"], &[], 0, &["no file matches --collect `*.txt`", "`*` stays within one folder"]),
        (&["**/*.txt", "*.png"], &[], 0, &["no file matches --collect `*.png`"]),
        (&["**/*.txt"], &[], 0, &[]),
    ] {
        let patterns = patterns.iter().flat_map(|pattern| ["--collect", *pattern]);
        let args =
            ["run", "--overwrite", "--out", "out"].into_iter().chain(options.iter().copied()).chain(patterns);
        let output = dir.run(args.chain(["p.py"]));
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        assert_eq!(message.lines().count(), usize::from(!parts.is_empty()), "{message}");
    }
}
