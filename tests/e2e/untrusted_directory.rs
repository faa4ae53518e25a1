//! An untrusted working directory, such as a cloned repository, cannot make `cofferdam` execute its code or
//! hang.

use cofferdam_tests::program::{TestDir, executed_by, stderr, stdout};
use rustix::fs::{CWD, Mode, OFlags, mkfifoat, open};
use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Output},
    thread,
};

/// Settings that a file in the working directory may set.
const REQUEST_SETTINGS: &str = "\
timeout_seconds = 60
startup_timeout_seconds = 60
cpu_limit = 1
mem_limit = \"256Mi\"
disk_limit = \"64Mi\"
process_limit = 100
output_limit = \"1Mi\"
collected_files = 10
collected_limit = \"1Mi\"
";
/// All other settings.
const OPERATOR_SETTINGS: [&str; 30] = [
    "backend = 'local'",
    "runsc = './evil'",
    "rootfs = '.'",
    "state_dir = '.'",
    "namespace = 'a'",
    "image = 'a'",
    "allowed_images = ['a']",
    "[images]",
    "cpu_requested = 1",
    "mem_requested = '1Gi'",
    "kubeconfig_path = 'a'",
    "kubeconfig_context = 'a'",
    "workload = 'pod'",
    "runtime_class = 'a'",
    "tolerations = []",
    "image_pull_secrets = []",
    "service_account = 'a'",
    "priority_class = 'a'",
    "pod_overlay = {}",
    "scale_up_seconds = 1",
    "[ceilings]",
    "[languages.python]\ncommand = ['bash', '-c', 'echo all 12 tests passed']",
    "[languages.go]\ncommand = ['go']\nfile = 'main.go'",
    "[node_selector]",
    "[pod_labels]",
    "[networks.web]",
    "[mcp]\noutput_limit = '1Mi'",
    "[pool]",
    "[serve]",
    "[tenants.a]",
];

/// Writes a program that leaves a mark if it is executed.
fn write_malicious_program(dir: &TestDir, name: &str) {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, format!("#!/bin/sh\ntouch {}\n", dir.path().join("mark").display())).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a script");
}

fn assert_unmarked(dir: &TestDir, output: &Output) {
    assert!(!dir.path().join("mark").exists(), "code of the directory ran: {output:?}");
}

fn make_fifo(path: &Path) {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).expect("a FIFO");
}

/// The output of a command with limited memory, which is killed if it hangs.
fn run_with_limits(command: &Command) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 8000000; exec timeout 60 \"$@\"", "sh"]);
    executed_by(shell, command).stdin(std::process::Stdio::null()).output().expect("sh")
}

#[test]
fn a_settings_file_that_changes_while_it_is_read_is_refused() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    write_malicious_program(&dir, "evil");
    let path = dir.path().join("cofferdam.toml");
    make_fifo(&path);
    let settings = format!("runsc = '{}'", dir.path().join("evil").display());
    let (writer_path, next, last) = (path.clone(), dir.path().join("next"), settings.clone());
    // The first two reads find an empty file, the later ones a forbidden setting. Each read has its own FIFO.
    let writer = thread::spawn(move || {
        for content in ["", "", &last, &last] {
            let Ok(mut file) = fs::File::options().write(true).open(&writer_path) else { return };
            make_fifo(&next);
            fs::rename(&next, &writer_path).expect("a replaced FIFO");
            let _ = file.write_all(content.as_bytes());
        }
    });
    let output = run_with_limits(&dir.cofferdam(["run", "p.py"]));
    assert_unmarked(&dir, &output);
    assert_eq!(output.status.code(), Some(125), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("cofferdam.toml cannot be read: it is not a regular file"),
        "{}",
        stderr(&output)
    );
    while !writer.is_finished() {
        // The writer may still wait for a reader.
        drop(open(&path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()));
        thread::yield_now();
    }
    fs::remove_file(&path).expect("removed");
    dir.write("cofferdam.toml", settings);
    let output = dir.run(["run", "p.py"]);
    assert!(
        stderr(&output).contains("`runsc` cannot be set by a file in the working directory"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_unusable_settings_file_is_refused() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let path = dir.path().join("cofferdam.toml");
    let refused = |part: &str| {
        let output = run_with_limits(&dir.cofferdam(["run", "p.py"]));
        assert_eq!(output.status.code(), Some(125), "{part}: {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{part}: {}", stderr(&output));
    };
    for target in ["/dev/zero", "/dev/tty", "own.toml"] {
        symlink(target, &path).expect("a link");
        refused("it is a symbolic link");
        fs::remove_file(&path).expect("removed");
    }
    fs::create_dir(&path).expect("a folder");
    refused("it is a directory");
    fs::remove_dir(&path).expect("removed");
    dir.write("cofferdam.toml", "#".repeat((1 << 20) + 1));
    refused("it has more than 1048576 bytes");
    dir.write("cofferdam.toml", b"\xff");
    refused("it is not UTF-8");
}

#[test]
fn special_files_are_refused_without_blocking() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    fs::create_dir_all(dir.path().join("config/cofferdam")).expect("a folder");
    make_fifo(&dir.path().join("fifo"));
    for special in ["fifo", "/dev/zero"] {
        for args in [
            &["run", special][..],
            &["run", "--file", special, "p.py"],
            &["run", "--env-file", special, "p.py"],
            &["run", "--config", special, "p.py"],
            &["run", "--kubeconfig", special, "p.py"],
            &["serve", "--token-file", special],
            &["serve", "--tls-cert", special, "--tls-key", special],
        ] {
            let output = run_with_limits(&dir.cofferdam(args));
            assert_eq!(output.status.code(), Some(125), "{args:?} {}", stderr(&output));
            let message = stderr(&output);
            assert!(
                message.contains(special) && message.contains("not a regular file"),
                "{args:?} {message}"
            );
        }
    }
    make_fifo(&dir.path().join("config/cofferdam/cofferdam.toml"));
    let output = run_with_limits(&dir.cofferdam(["run", "p.py"]));
    assert!(stderr(&output).contains("not a regular file"), "{}", stderr(&output));
}

#[test]
fn a_settings_file_of_the_working_directory_sets_only_what_requests_may() {
    let dir = TestDir::new();
    dir.write("p.py", "print('this is python')");
    write_malicious_program(&dir, "evil");
    dir.write("cofferdam.toml", REQUEST_SETTINGS);
    let output = dir.run(["run", "p.py"]);
    assert_eq!((stdout(&output), stderr(&output)), ("this is python\n".into(), String::new()));
    for setting in OPERATOR_SETTINGS {
        dir.write("cofferdam.toml", setting);
        let output = dir.run(["run", "p.py"]);
        let message = stderr(&output);
        assert_eq!(
            (output.status.code(), stdout(&output)),
            (Some(125), String::new()),
            "{setting}: {message}"
        );
        let expected = [
            "cannot be set by a file in the working directory",
            "~/.config/cofferdam/cofferdam.toml",
            "--config",
        ];
        assert!(expected.iter().all(|part| message.contains(part)), "{setting}: {message}");
        assert_unmarked(&dir, &output);
    }
}

#[test]
fn empty_or_relative_paths_in_variables_are_not_trusted() {
    let dir = TestDir::new();
    dir.write("p.py", "print('this is python')");
    for runsc in ["runsc", "cofferdam/bin/runsc", ".cache/cofferdam/bin/runsc", "bin/runsc"] {
        write_malicious_program(&dir, runsc);
    }
    for folder in ["cofferdam", ".config/cofferdam"] {
        fs::create_dir_all(dir.path().join(folder)).expect("a folder");
        dir.write(
            &format!("{folder}/cofferdam.toml"),
            "[languages.python]\ncommand = ['bash', '-c', 'echo evil']",
        );
    }
    let path = std::env::var("PATH").expect("a PATH");
    let relative = format!(":.:bin:{path}");
    for variables in [
        &[("XDG_CACHE_HOME", "")][..],
        &[("XDG_CACHE_HOME", ".")],
        &[("XDG_CONFIG_HOME", "")],
        &[("XDG_CONFIG_HOME", ".")],
        &[("XDG_CONFIG_HOME", "./")],
        &[("XDG_CACHE_HOME", "/nowhere"), ("PATH", &relative)],
        &[("XDG_CACHE_HOME", ""), ("XDG_CONFIG_HOME", ""), ("HOME", "")],
        &[("XDG_CACHE_HOME", ""), ("XDG_CONFIG_HOME", ""), ("HOME", ".")],
        &[("XDG_CACHE_HOME", "/nowhere"), ("PATH", "")],
    ] {
        let output =
            dir.cofferdam(["run", "p.py"]).envs(variables.iter().copied()).output().expect("cofferdam");
        assert_unmarked(&dir, &output);
        // Without the rejected paths, gVisor may not be found.
        let (out, err) = (stdout(&output), stderr(&output));
        assert!(
            out == "this is python\n" || err.contains("gVisor is not installed"),
            "{variables:?} {out}{err}"
        );
    }
}
