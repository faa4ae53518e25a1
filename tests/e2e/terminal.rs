//! Nothing that somebody else has made up steers the terminal of whoever runs programs, or passes for a message of ours. What a
//! program prints is its own, and goes as it is.

use cofferdam_tests::program::{Place, stdout};
use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::ffi::OsStringExt,
    process::{Command, Stdio},
    thread,
};

/// It clears a screen, names a window, goes up a line, and ends with a line of its own.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}1A\r\ncofferdam: forged";
/// What is shown of it.
const SHOWN: &str = "\u{fffd}[2J\u{fffd}]0;owned\u{fffd}\u{fffd}1A";

/// What `cofferdam` writes to a terminal.
fn on_terminal(place: &Place, args: &[&str]) -> String {
    let inner = place.cofferdam(args);
    let words: Vec<String> = [inner.get_program()].into_iter().chain(inner.get_args()).map(in_shell).collect();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]).env("SHELL", "/bin/sh");
    script.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = script.current_dir(place.path()).stdin(Stdio::null()).output().expect("script, of util-linux");
    // Our own line of what goes on.
    stdout(&output).replace("\u{1b}[K", "")
}

fn in_shell(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}

fn assert_harmless(place: &Place, args: &[&str], part: &str) {
    let shown = on_terminal(place, args);
    assert!(shown.contains(part), "{args:?}: {shown:?} does not say {part:?}");
    let steers = |character: char| character.is_control() && !matches!(character, '\r' | '\n');
    assert!(!shown.contains(steers), "{args:?}: {shown:?}");
    assert!(!shown.contains("\ncofferdam: forged"), "{args:?}: {shown:?}");
}

#[test]
fn messages_contain_no_terminal_escapes() {
    let place = Place::new();
    place.write("p.py", "print(1)");
    place.write(&format!("{EVIL}.py"), b"\xff");
    place.write("file", "");
    let within = |before: &str, after: &str| format!("{before}{EVIL}{after}");
    for (args, part) in [
        (vec!["run".to_owned(), EVIL.into()], SHOWN),
        (vec!["run".into(), within("", ".py")], "is not a text in UTF-8"),
        (vec!["run".into(), "--language".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--network".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--env".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--label".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--label".into(), within("", "=1"), "p.py".into()], SHOWN),
        (vec!["run".into(), "--label".into(), within("a=", ""), "p.py".into()], "labels"),
        (vec!["run".into(), "--file".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--file".into(), within("p.py:../", ""), "p.py".into()], SHOWN),
        (vec!["run".into(), "--file".into(), within("", "/.."), "p.py".into()], SHOWN),
        (vec!["run".into(), "--out".into(), within("file/", ""), "p.py".into()], SHOWN),
        (vec!["run".into(), "--out".into(), "o".into(), "--collect".into(), within("../", ""), "p.py".into()], SHOWN),
        (vec!["run".into(), "--config".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--runsc".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--rootfs".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--kubeconfig".into(), EVIL.into(), "p.py".into()], SHOWN),
        (vec!["run".into(), "--timeout".into(), EVIL.into(), "p.py".into()], "forged"),
        (vec!["run".into(), "--memory".into(), EVIL.into(), "p.py".into()], "forged"),
        (vec!["run".into(), "--backend".into(), EVIL.into(), "p.py".into()], "forged"),
        (vec!["run".into(), within("--", ""), "p.py".into()], "forged"),
        (vec![EVIL.into()], "forged"),
        (vec!["serve".into(), "--listen".into(), within("unix:file/", "")], SHOWN),
        (vec!["serve".into(), "--token-file".into(), EVIL.into()], SHOWN),
        (vec!["component".into(), "-o".into(), within("file/", "")], SHOWN),
        (vec!["health".into(), within("unix:", "")], SHOWN),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_harmless(&place, &args, part);
    }
}

#[test]
fn errors_about_untrusted_settings_contain_no_terminal_escapes() {
    let place = Place::new();
    place.write("p.py", "print(1)");
    for text in [EVIL.to_owned(), format!("timeout_seconds = '{}'", EVIL.replace("\r\n", "")), format!("{EVIL:?} = 1")]
    {
        place.write("cofferdam.toml", text);
        assert_harmless(&place, &["run", "p.py"], "cofferdam: ");
    }
}

#[test]
fn names_of_skipped_files_are_printed_without_terminal_escapes() {
    let place = Place::new();
    let name: String = EVIL.chars().map(|character| format!("\\u{:04x}", u32::from(character))).collect();
    place.write("p.py", format!("import os\nos.symlink('nowhere', '{name}')"));
    // A folder is in the place of the file that comes.
    place.write("q.py", format!("open('{name}', 'w')"));
    fs::create_dir_all(place.path().join("o").join(EVIL)).expect("a folder");
    assert_harmless(&place, &["run", "--collect", "*cofferdam*", "--out", "o", "p.py"], &format!("`{SHOWN}"));
    assert_harmless(&place, &["run", "--collect", "*cofferdam*", "--out", "o", "q.py"], "cannot be written");
}

#[test]
fn errors_about_a_false_sidecar_contain_no_terminal_escapes() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = thread::spawn(move || {
        for answer in [format!("HTTP/1.1 500 X\r\n\r\n{EVIL}"), format!("HTTP/1.1 {EVIL}"), EVIL.to_owned()] {
            let (mut stream, _) = listener.accept().expect("a connection");
            let request = BufReader::new(&stream).lines().map_while(Result::ok);
            assert!(request.take_while(|line| !line.is_empty()).count() > 0);
            stream.write_all(answer.as_bytes()).expect("a reader");
        }
    });
    for _ in 0..3 {
        assert_harmless(&place, &["health", &address], "is not well");
    }
    server.join().expect("a server");
}

#[test]
fn a_name_that_is_not_utf8_is_printed_without_terminal_escapes() {
    let place = Place::new();
    let name = OsString::from_vec(b"\xff\x1b[2J".to_vec());
    let output = place.run([OsStr::new("run"), OsStr::new("--rootfs"), &name, OsStr::new("p.py")]);
    assert!(!output.stderr.contains(&0x1b), "{output:?}");
}

#[test]
fn program_output_reaches_the_terminal_unchanged() {
    let place = Place::new();
    place.write("p.py", r"print('\x1b[31mred\x1b[0m')");
    assert!(on_terminal(&place, &["run", "p.py"]).contains("\u{1b}[31mred\u{1b}[0m"));
}
