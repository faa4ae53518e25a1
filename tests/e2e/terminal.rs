//! Untrusted text in messages cannot control the user's terminal or forge a message. The output of a program
//! is passed on unchanged.

use cofferdam_tests::program::{TestDir, stdout};
use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::ffi::OsStringExt,
    process::{Command, Stdio},
    thread,
};

/// Clears the screen, sets the window title, moves up a line, and forges a message.
const MALICIOUS: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}1A\r\ncofferdam: forged";
/// The beginning of its sanitized form.
const SANITIZED: &str = "\u{fffd}[2J\u{fffd}]0;owned\u{fffd}\u{fffd}1A";

/// What `cofferdam` writes to a terminal.
fn on_terminal(dir: &TestDir, args: &[&str]) -> String {
    let inner = dir.cofferdam(args);
    let words: Vec<String> =
        [inner.get_program()].into_iter().chain(inner.get_args()).map(shell_quote).collect();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]).env("SHELL", "/bin/sh");
    script.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = script.current_dir(dir.path()).stdin(Stdio::null()).output().expect("script, of util-linux");
    // Without the status line.
    stdout(&output).replace("\u{1b}[K", "")
}

fn shell_quote(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}

fn assert_no_escapes(dir: &TestDir, args: &[&str], part: &str) {
    let shown = on_terminal(dir, args);
    assert!(shown.contains(part), "{args:?}: {shown:?} lacks {part:?}");
    let is_escape = |character: char| character.is_control() && !matches!(character, '\r' | '\n');
    assert!(!shown.contains(is_escape), "{args:?}: {shown:?}");
    assert!(!shown.contains("\ncofferdam: forged"), "{args:?}: {shown:?}");
}

#[test]
fn messages_contain_no_terminal_escapes() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    dir.write(&format!("{MALICIOUS}.py"), b"\xff");
    dir.write("file", "");
    let within = |before: &str, after: &str| format!("{before}{MALICIOUS}{after}");
    for (args, part) in [
        (vec!["run".to_owned(), MALICIOUS.into()], SANITIZED),
        (vec!["run".into(), within("", ".py")], "is not UTF-8"),
        (vec!["run".into(), "--language".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--network".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--env".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--label".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--label".into(), within("", "=1"), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--label".into(), within("a=", ""), "p.py".into()], "labels"),
        (vec!["run".into(), "--file".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--file".into(), within("p.py:../", ""), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--file".into(), within("", "/.."), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--out".into(), within("file/", ""), "p.py".into()], SANITIZED),
        (
            vec![
                "run".into(),
                "--out".into(),
                "o".into(),
                "--collect".into(),
                within("../", ""),
                "p.py".into(),
            ],
            SANITIZED,
        ),
        (vec!["run".into(), "--config".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--runsc".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--rootfs".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--kubeconfig".into(), MALICIOUS.into(), "p.py".into()], SANITIZED),
        (vec!["run".into(), "--timeout".into(), MALICIOUS.into(), "p.py".into()], "forged"),
        (vec!["run".into(), "--memory".into(), MALICIOUS.into(), "p.py".into()], "forged"),
        (vec!["run".into(), "--backend".into(), MALICIOUS.into(), "p.py".into()], "forged"),
        (vec!["run".into(), within("--", ""), "p.py".into()], "forged"),
        (vec![MALICIOUS.into()], "forged"),
        (vec!["serve".into(), "--listen".into(), within("unix:file/", "")], SANITIZED),
        (vec!["serve".into(), "--token-file".into(), MALICIOUS.into()], SANITIZED),
        (vec!["component".into(), "-o".into(), within("file/", "")], SANITIZED),
        (vec!["health".into(), within("unix:", "")], SANITIZED),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_no_escapes(&dir, &args, part);
    }
}

#[test]
fn errors_about_untrusted_settings_contain_no_terminal_escapes() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    for text in [
        MALICIOUS.to_owned(),
        format!("timeout_seconds = '{}'", MALICIOUS.replace("\r\n", "")),
        format!("{MALICIOUS:?} = 1"),
    ] {
        dir.write("cofferdam.toml", text);
        assert_no_escapes(&dir, &["run", "p.py"], "cofferdam: ");
    }
}

#[test]
fn names_of_skipped_files_are_printed_without_terminal_escapes() {
    let dir = TestDir::new();
    let name: String =
        MALICIOUS.chars().map(|character| format!("\\u{:04x}", u32::from(character))).collect();
    dir.write("p.py", format!("import os\nos.symlink('nowhere', '{name}')"));
    // A folder exists at the path of the collected file.
    dir.write("q.py", format!("open('{name}', 'w')"));
    fs::create_dir_all(dir.path().join("o").join(MALICIOUS)).expect("a folder");
    assert_no_escapes(
        &dir,
        &["run", "--collect", "*cofferdam*", "--out", "o", "p.py"],
        &format!("`{SANITIZED}"),
    );
    assert_no_escapes(&dir, &["run", "--collect", "*cofferdam*", "--out", "o", "q.py"], "cannot be written");
}

#[test]
fn errors_about_a_false_sidecar_contain_no_terminal_escapes() {
    let dir = TestDir::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = thread::spawn(move || {
        for response in [
            format!("HTTP/1.1 500 X\r\n\r\n{MALICIOUS}"),
            format!("HTTP/1.1 {MALICIOUS}"),
            MALICIOUS.to_owned(),
        ] {
            let (mut stream, _) = listener.accept().expect("a connection");
            let request = BufReader::new(&stream).lines().map_while(Result::ok);
            assert!(request.take_while(|line| !line.is_empty()).count() > 0);
            stream.write_all(response.as_bytes()).expect("a reader");
        }
    });
    for _ in 0..3 {
        assert_no_escapes(&dir, &["health", &address], "is unhealthy");
    }
    server.join().expect("a server");
}

#[test]
fn a_name_that_is_not_utf8_is_printed_without_terminal_escapes() {
    let dir = TestDir::new();
    let name = OsString::from_vec(b"\xff\x1b[2J".to_vec());
    let output = dir.run([OsStr::new("run"), OsStr::new("--rootfs"), &name, OsStr::new("p.py")]);
    assert!(!output.stderr.contains(&0x1b), "{output:?}");
}

#[test]
fn program_output_reaches_the_terminal_unchanged() {
    let dir = TestDir::new();
    dir.write("p.py", r"print('\x1b[31mred\x1b[0m')");
    assert!(on_terminal(&dir, &["run", "p.py"]).contains("\u{1b}[31mred\u{1b}[0m"));
}
