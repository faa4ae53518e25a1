//! `cofferdam run` behaves like an interpreter: its streams, files, variables and exit codes.

use cofferdam_tests::program::{TestDir, executed_by, stderr, stdout};
use rustix::process::{Pid, Signal, kill_process};
use std::{fs, io::Read, process::Command};

fn exit_code(dir: &TestDir, program: &str, options: &[&str]) -> Option<i32> {
    dir.write("program.py", program);
    dir.run(["run"].iter().chain(options).chain(&["program.py"])).status.code()
}

#[test]
fn streams_and_exit_code_are_passed_through() {
    let dir = TestDir::new();
    dir.write("p.py", "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)");
    let output = dir.run(["run", "p.py"]);
    assert_eq!(
        (stdout(&output), stderr(&output), output.status.code()),
        ("out\n".into(), "err\n".into(), Some(3))
    );
}

#[test]
fn binary_output_is_passed_through() {
    let dir = TestDir::new();
    dir.write("p.py", "import os\nos.write(1, bytes(range(256)))\nos.write(2, b'\\xff\\x00')");
    let output = dir.run(["run", "p.py"]);
    assert_eq!(output.stdout, (0..=255).collect::<Vec<u8>>());
    assert_eq!(output.stderr, b"\xff\x00");
}

#[test]
fn each_cause_of_termination_has_its_exit_code() {
    let dir = TestDir::new();
    for (program, options, expected) in [
        ("import os; os.kill(os.getpid(), 11)", &[][..], 139),
        ("import os; os.kill(os.getpid(), 15)", &[], 143),
        ("while True: pass", &["--timeout", "1"], 124),
        ("x = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1", &["--memory", "64Mi"], 137),
        ("import os, time\nwhile True:\n os.fork() or time.sleep(60)", &["--processes", "20"], 137),
        ("open('f', 'wb').write(bytes(64 << 20))", &["--disk", "8Mi"], 1),
        ("raise SystemExit(124)", &[], 124),
    ] {
        assert_eq!(exit_code(&dir, program, options), Some(expected), "{program}");
    }
}

#[test]
fn a_timeout_is_explained_on_stderr() {
    let dir = TestDir::new();
    dir.write("p.py", "print('so far')\nwhile True: pass");
    let output = dir.run(["run", "--timeout", "1", "p.py"]);
    assert_eq!(stdout(&output), "so far\n");
    assert!(stderr(&output).contains("--timeout"), "{}", stderr(&output));
}

#[test]
fn a_program_killed_by_a_signal_is_reported_as_such() {
    let dir = TestDir::new();
    dir.write("p.py", "import ctypes\nctypes.string_at(0)");
    let output = dir.run(["run", "p.py"]);
    let expected = "cofferdam: the program was killed by signal 11 (SIGSEGV, a segmentation fault)\n";
    assert_eq!((stderr(&output).as_str(), output.status.code()), (expected, Some(139)));
    dir.write("p.sh", "kill -TERM $$");
    let output = dir.run(["run", "p.sh"]);
    assert_eq!(stderr(&output), "cofferdam: the program was killed by signal 15 (SIGTERM)\n");
}

#[test]
fn the_program_is_read_from_stdin() {
    let output = TestDir::new()
        .run_with_stdin(["run", "-", "--", "a b"], b"import sys; print(sys.argv[1:], sys.stdin.read())");
    assert_eq!(stdout(&output), "['a b'] \n");
}

#[test]
fn piped_input_reaches_the_program() {
    let dir = TestDir::new();
    dir.write("p.py", "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])");
    assert_eq!(dir.run_with_stdin(["run", "p.py"], b"\x00abc\xff").stdout, b"\xffcba\x00");
    assert_eq!(dir.run_with_stdin(["run", "--stdin", "none", "p.py"], b"").stdout, b"");
}

#[test]
fn a_silent_open_stdin_does_not_block_the_execution() {
    let dir = TestDir::new();
    dir.write("p.py", "import sys; print(repr(sys.stdin.read()))");
    let mut child =
        dir.cofferdam(["run", "p.py"]).stdin(std::process::Stdio::piped()).spawn().expect("cofferdam");
    let open = child.stdin.take();
    let output = child.wait_with_output().expect("cofferdam ends");
    drop(open);
    assert_eq!(stdout(&output), "''\n");
    assert!(stderr(&output).contains("standard input"), "{}", stderr(&output));
}

#[test]
fn the_language_comes_from_the_extension_or_the_option() {
    let dir = TestDir::new();
    dir.write("p.sh", "echo \"$BASH_VERSINFO\" | grep -q . && echo bash \"$1\"");
    dir.write("noname", "print('python')");
    assert_eq!(stdout(&dir.run(["run", "p.sh", "--", "x"])), "bash x\n");
    assert_eq!(stdout(&dir.run(["run", "--language", "bash", "p.sh"])), "bash \n");
    assert_eq!(stdout(&dir.run(["run", "noname"])), "python\n");
}

#[test]
fn files_are_copied_in_and_collected() {
    let dir = TestDir::new();
    dir.write("in.csv", "a,b\n1,2\n");
    dir.write(
        "p.py",
        "import os\nos.makedirs('out/deep')\nopen('out/deep/copy', 'w').write(open('in.csv').read() + open('d/x').read())",
    );
    let output = dir.run([
        "run",
        "--file",
        "in.csv",
        "--file",
        "in.csv:d/x",
        "--collect",
        "out/**",
        "--out",
        "results",
        "p.py",
    ]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let copy = fs::read_to_string(dir.path().join("results/out/deep/copy")).expect("the file");
    assert_eq!(copy, "a,b\n1,2\na,b\n1,2\n");
}

#[test]
fn environment_variables_are_set_or_inherited_by_name() {
    let dir = TestDir::new();
    dir.write("p.py", "import os; print(os.environ['A'], os.environ['B'], 'C' in os.environ)");
    let command = &mut dir.cofferdam(["run", "--env", "A=1=2", "--env", "B", "p.py"]);
    let output = command.env("B", "ours").env("C", "secret").output().expect("cofferdam");
    assert_eq!(stdout(&output), "1=2 ours False\n");
}

#[test]
fn environment_variables_are_read_from_a_file() {
    let dir = TestDir::new();
    dir.write("p.py", "import os; print([os.environ[name] for name in 'ABC'])");
    dir.write("lines", "# ours\n\nA=1=2\nB= x \nC=of the file\n");
    dir.write("exact", "A=1\n2\0B=#\0C=\0");
    let run = |file: &str| stdout(&dir.run(["run", "--env-file", file, "--env", "C=3", "p.py"]));
    assert_eq!(run("lines"), "['1=2', ' x ', '3']\n");
    assert_eq!(run("exact"), "['1\\n2', '#', '3']\n");
}

#[test]
fn json_contains_the_whole_outcome() {
    let dir = TestDir::new();
    dir.write(
        "p.py",
        "import os\nopen('f', 'wb').write(b'\\x00')\nos.write(1, b'\\xff')\nos.kill(os.getpid(), 9)",
    );
    let output = dir.run(["run", "--json", "--collect", "f", "p.py"]);
    assert_eq!(output.status.code(), Some(137));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["status"], serde_json::json!({ "killed": 9 }));
    assert_eq!(json["exit_code"], 137);
    assert_eq!(json["stdout"], serde_json::json!({ "content": { "base64": "/w==" }, "length": 1 }));
    assert_eq!(json["files"], serde_json::json!([{ "path": "f", "content": { "base64": "AA==" } }]));
    assert!(json["id"].as_str().is_some_and(|id| id.starts_with("run-")));
    assert!(json["timings_ms"]["started"].is_u64());
}

#[test]
fn a_truncated_stream_is_marked_and_reported() {
    let dir = TestDir::new();
    dir.write("p.py", "print('a' * 1000 + 'z' * 1000)");
    let output = dir.run(["run", "--output-limit", "100", "p.py"]);
    assert_eq!(
        stdout(&output),
        format!("{}\n[... 1851 bytes cut ...]\n{}\n", "a".repeat(100), "z".repeat(49))
    );
    assert!(stderr(&output).contains("stdout was cut: 150 of 2001 bytes"), "{}", stderr(&output));
    let output = dir.run(["run", "--output-limit", "1900", "p.py"]);
    assert_eq!(stdout(&output), format!("{}{}\n", "a".repeat(1000), "z".repeat(1000)));
    assert_eq!(stderr(&output), "");
}

#[test]
fn sigterm_kills_the_program() {
    let dir = TestDir::new();
    dir.write("p.py", "while True: pass");
    let mut command = dir.cofferdam(["run", "p.py"]);
    let child = command.env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
    let output = super::cleanup::signal_when(child, "the program runs", rustix::process::Signal::TERM);
    assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
    super::cleanup::assert_no_leaks(&dir);
}

#[test]
fn output_is_streamed_while_the_program_runs() {
    let dir = TestDir::new();
    dir.write("p.py", "import os, time\nos.write(1, b'now')\nos.write(2, b'too')\ntime.sleep(600)");
    let mut child = dir.cofferdam(["run", "p.py"]).spawn().expect("cofferdam");
    let (mut out, mut err) = ([0; 3], [0; 3]);
    child.stdout.as_mut().expect("a pipe").read_exact(&mut out).expect("output");
    child.stderr.as_mut().expect("a pipe").read_exact(&mut err).expect("output");
    assert_eq!((&out, &err), (b"now", b"too"));
    kill_process(Pid::from_child(&child), Signal::TERM).expect("a signal");
    let output = child.wait_with_output().expect("cofferdam ends");
    assert_eq!((stdout(&output), output.status.code()), (String::new(), Some(143)));
    super::cleanup::assert_no_leaks(&dir);
}

#[test]
fn a_closed_stdout_ends_the_program() {
    let dir = TestDir::new();
    dir.write("p.py", "while True: print('x')");
    let mut child = dir.cofferdam(["run", "p.py"]).spawn().expect("cofferdam");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("cofferdam ends");
    assert_eq!((output.status.code(), stderr(&output)), (Some(141), String::new()));
    super::cleanup::assert_no_leaks(&dir);
}

#[test]
fn output_of_a_child_that_outlives_the_program_is_kept() {
    let dir = TestDir::new();
    dir.write("p.sh", "exec > >(sed 's/^/log: /')\necho hello");
    dir.write("p.py", "import subprocess\nsubprocess.Popen(['echo', 'late'])");
    assert_eq!(stdout(&dir.run(["run", "p.sh"])), "log: hello\n");
    assert_eq!(stdout(&dir.run(["run", "p.py"])), "late\n");
}

#[test]
fn output_up_to_the_ceiling_is_exact() {
    let dir = TestDir::new();
    dir.write(
        "p.py",
        "import os\nfor _ in range(48):\n os.write(1, bytes(range(256)) * 4096)\n os.write(2, b'\\xff' * (1 << 20))",
    );
    let output = dir.run(["run", "--output-limit", "64Mi", "p.py"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == (0..=255).collect::<Vec<u8>>().repeat(4096 * 48));
    assert!(output.stderr == [0xff].repeat(48 << 20));
}

#[test]
fn a_failed_write_of_the_output_is_an_error() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = dir.cofferdam(["run", "p.py"]).stdout(full).output().expect("cofferdam");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("standard output cannot be written"), "{}", stderr(&output));
}

#[test]
fn symlinks_in_the_output_directory_are_not_followed() {
    let dir = TestDir::new();
    dir.write(
        "p.py",
        "import os\nos.mkdir('d')\nopen('d/f', 'w').write('x')\nopen('g', 'w').write('x')\nprint('ran')",
    );
    fs::create_dir_all(dir.path().join("out")).expect("a folder");
    fs::create_dir_all(dir.path().join("elsewhere")).expect("a folder");
    dir.write("target", "untouched");
    std::os::unix::fs::symlink("../elsewhere", dir.path().join("out/d")).expect("a link");
    std::os::unix::fs::symlink("../target", dir.path().join("out/g")).expect("a link");
    let output = dir.run(["run", "--collect", "**", "--out", "out", "p.py"]);
    assert_eq!((stdout(&output), output.status.code()), ("ran\n".into(), Some(1)), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(dir.path().join("target")).expect("the file"), "untouched");
    assert!(!dir.path().join("elsewhere/f").exists());
}

#[test]
fn no_umask_keeps_the_root_file_system_from_the_program() {
    let dir = TestDir::new();
    dir.write("p.py", "import pwd\nprint(pwd.getpwuid(1001).pw_name)");
    for mask in ["022", "077"] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask $0 && exec \"$@\"", mask]);
        let output = executed_by(shell, &dir.cofferdam(["run", "--image", "", "p.py"])).output().expect("sh");
        assert_eq!(stdout(&output), "user\n", "{mask}: {}", stderr(&output));
    }
}
