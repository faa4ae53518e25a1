//! How the language of a program is chosen.

use cofferdam_tests::program::{TestDir, stderr, stdout};
use std::process::Output;

/// The setting of docs/terminal.md, with a fake interpreter that prints its argument.
const NODE: &str = "[languages.node]\ncommand = ['sh', '-c', 'echo node runs $0']\nfile = 'main.mjs'\n";

fn run(dir: &TestDir, args: &[&str]) -> Output {
    dir.run(["run", "--config", "settings.toml"].iter().chain(args))
}

#[test]
fn the_language_comes_from_the_extension_or_the_shebang() {
    let dir = TestDir::new();
    dir.write("settings.toml", NODE);
    for (name, code, expected) in [
        ("a.py", "print('python')", "python\n"),
        ("a.sh", "echo bash $BASH_VERSINFO | cut -c 1-4", "bash\n"),
        ("a.bash", "echo bash $BASH_VERSINFO | cut -c 1-4", "bash\n"),
        ("a.js", "console.log(1)", "node runs main.mjs\n"),
        ("a.mjs", "console.log(1)", "node runs main.mjs\n"),
        ("a.cjs", "console.log(1)", "node runs main.mjs\n"),
        ("script", "#!/bin/sh\necho shell", "shell\n"),
        ("tool", "#!/usr/bin/env -S python3 -u\nprint('python')", "python\n"),
        ("app", "#!/usr/bin/env node\nconsole.log(1)", "node runs main.mjs\n"),
        ("plain", "print('python')", "python\n"),
    ] {
        dir.write(name, code);
        let output = run(&dir, &[name]);
        assert_eq!(stdout(&output), expected, "{name}: {}", stderr(&output));
    }
    assert_eq!(dir.run_with_stdin(["run", "-"], b"#!/bin/bash\necho $BASH_SUBSHELL").stdout, b"0\n");
    dir.write("a.js", "print('named')");
    assert_eq!(stdout(&run(&dir, &["--language", "python", "a.js"])), "named\n");
}

#[test]
fn a_program_in_an_unknown_language_is_not_run_as_python() {
    let dir = TestDir::new();
    for (name, code, parts) in [
        ("a.js", "console.log(1)", ["`a.js`", "`languages.node`"]),
        ("a.rb", "puts 1", ["`a.rb`", "`languages.NAME`"]),
        ("tool", "#!/usr/bin/perl\nprint 1", ["`#!perl`", "`languages.NAME`"]),
    ] {
        dir.write(name, code);
        let output = dir.run(["run", name]);
        let message = stderr(&output);
        assert_eq!((output.status.code(), stdout(&output)), (Some(125), String::new()), "{message}");
        assert!(
            message.contains("--language") && parts.iter().all(|part| message.contains(part)),
            "{message}"
        );
    }
}
