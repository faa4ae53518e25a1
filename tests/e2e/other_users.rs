//! Other users of the machine and its administrator do not affect an execution, nor can they access one. Only
//! root can create other users.

use super::cleanup::{assert_no_leaks, id_in, read_until, signal_when};
use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_tests::{
    processes::descendants,
    program::{TestDir, executed_by, root, stderr, stdout},
};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::{
    fs,
    io::{BufReader, Read, Write},
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, PoisonError},
};

/// Two user ids that no other process of the machine uses.
fn users() -> [u32; 2] {
    let first = 100_000 + std::process::id() % 100_000 * 2;
    [first, first + 1]
}

/// Serialises the tests that prepare the default state directory of the first user.
static DEFAULT_STATE_DIR: Mutex<()> = Mutex::new(());

/// A command that runs as another user.
fn as_user(user: u32, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    let user = user.to_string();
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]).arg(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `cofferdam run p.py` as another user, in a directory of that user that has copies of the programs it
/// needs.
fn run_as(dir: &TestDir, user: u32, program: &str, options: &[&str]) -> Command {
    let local = LocalBackend::new(&Settings::default().local()).expect("`make setup` installs gVisor");
    for (from, name) in
        [(root().join("target/release/cofferdam"), "cofferdam"), (local.runsc().to_owned(), "runsc")]
    {
        fs::copy(from, dir.path().join(name)).expect("a copy");
    }
    dir.write("p.py", program);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("a folder");
    chown(dir.path(), Some(user), Some(user)).expect("root");
    let mut command = as_user(user, dir.path().join("cofferdam"));
    command.args(["run", "--runsc", "./runsc"]).args(options).arg("p.py").current_dir(dir.path());
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", dir.path());
    command
}

/// A process of another user that uses much memory and has the path of an execution in its command line.
struct ForeignProcess(Child);

impl ForeignProcess {
    fn start(user: u32, run: &Path) -> Self {
        let script = "held = bytearray(700 << 20)\nprint('held', flush=True)\ninput()\nprint('alive')";
        let mut command = as_user(user, "/usr/bin/env");
        command.args(["python3", "-c", script]).arg(run.join("runsc")).stdin(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let mut text = [0; 5];
        process.stdout.as_mut().expect("a pipe").read_exact(&mut text).expect("it holds its memory");
        Self(process)
    }

    /// Whether it was not killed. A dying process may still look alive, so it has to respond.
    fn ends_by_itself(mut self) -> bool {
        let _ = self.0.stdin.take().expect("a pipe").write_all(b"\n");
        let output = self.0.wait_with_output().expect("an end");
        output.status.success() && output.stdout == b"alive\n"
    }
}

#[test]
fn another_users_process_does_not_count_as_part_of_an_execution() {
    if !geteuid().is_root() {
        return;
    }
    let [user, other] = users();
    let dir = TestDir::new();
    let mut command = run_as(
        &dir,
        user,
        "import time\ntime.sleep(4)\nprint('done')",
        &["--memory", "64Mi", "--disk", "16Mi"],
    );
    command.env("COFFERDAM_LOG", "cofferdam=debug").env("COFFERDAM_STATE_DIR", dir.state());
    let mut run = command.spawn().expect("cofferdam");
    let mut log = BufReader::new(run.stderr.take().expect("a pipe"));
    let id = id_in(&read_until(&mut log, "the program runs")).expect("an id");
    let foreign = ForeignProcess::start(other, &dir.state().join(id));
    let mut rest = String::new();
    log.read_to_string(&mut rest).expect("a log");
    let output = run.wait_with_output().expect("an end");
    let is_alive = foreign.ends_by_itself();
    assert_eq!((stdout(&output), output.status.code(), is_alive), ("done\n".into(), Some(0), true), "{rest}");
    assert_no_leaks(&dir);
}

#[test]
fn gc_does_not_kill_another_users_process() {
    if !geteuid().is_root() {
        return;
    }
    let dir = TestDir::new();
    dir.write("p.py", "while True: pass");
    let child =
        dir.cofferdam(["run", "p.py"]).env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
    let output = signal_when(child, "the program runs", Signal::KILL);
    let id = id_in(&stderr(&output)).expect("an id");
    let foreign = ForeignProcess::start(users()[1], &dir.state().join(id));
    let gc = dir.run(["gc"]);
    assert!(foreign.ends_by_itself(), "{} {}", stdout(&gc), stderr(&gc));
    assert_eq!(stdout(&gc), "deleted the leftovers of 1 execution\n");
    assert_no_leaks(&dir);
}

/// The output of an execution that uses the default state directory, which another user has prepared.
fn run_with_default_state_dir(prepare: impl FnOnce(&Path, &TestDir)) -> Output {
    let _guard = DEFAULT_STATE_DIR.lock().unwrap_or_else(PoisonError::into_inner);
    let [user, _] = users();
    let dir = TestDir::new();
    let default_dir = Path::new("/dev/shm").join(format!("cofferdam-{user}"));
    let mut command = run_as(&dir, user, "print('ran')", &[]);
    prepare(&default_dir, &dir);
    let output = command.env("TMPDIR", dir.path()).output().expect("cofferdam");
    let _ = fs::remove_dir_all(&default_dir).or_else(|_| fs::remove_file(&default_dir));
    output
}

#[test]
fn a_state_directory_owned_by_another_user_is_not_used() {
    if !geteuid().is_root() {
        return;
    }
    let output = run_with_default_state_dir(|default_dir, _| fs::create_dir(default_dir).expect("a folder"));
    assert_eq!((stdout(&output), stderr(&output)), ("ran\n".into(), String::new()));
}

#[test]
fn a_symlink_as_the_state_directory_is_not_followed() {
    if !geteuid().is_root() {
        return;
    }
    let mut target = PathBuf::new();
    let output = run_with_default_state_dir(|default_dir, dir| {
        target = dir.path().join("ours");
        fs::create_dir(&target).expect("a folder");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o700)).expect("a folder");
        chown(&target, Some(users()[0]), Some(users()[0])).expect("root");
        // The lock file cannot be created here, so that any use of the directory fails.
        fs::create_dir(target.join("gate")).expect("a folder");
        symlink(&target, default_dir).expect("a link");
    });
    assert_eq!((stdout(&output), stderr(&output)), ("ran\n".into(), String::new()));
}

#[test]
fn an_empty_or_relative_xdg_runtime_dir_is_ignored() {
    if !geteuid().is_root() {
        return;
    }
    let _guard = DEFAULT_STATE_DIR.lock().unwrap_or_else(PoisonError::into_inner);
    for folder in ["", "here", "."] {
        let dir = TestDir::new();
        let mut command = run_as(&dir, users()[0], "print('ran')", &[]);
        fs::create_dir(dir.path().join("here")).expect("a folder");
        chown(dir.path().join("here"), Some(users()[0]), None).expect("root");
        let output = command.env("XDG_RUNTIME_DIR", folder).output().expect("cofferdam");
        assert_eq!((stdout(&output), stderr(&output)), ("ran\n".into(), String::new()), "{folder:?}");
        let made = |folder: PathBuf| folder.join(format!("cofferdam-{}", users()[0])).exists();
        assert!(!made(dir.path().to_owned()) && !made(dir.path().join("here")), "{folder:?}");
    }
    let _ = fs::remove_dir_all(Path::new("/dev/shm").join(format!("cofferdam-{}", users()[0])));
}

#[test]
fn files_of_a_host_user_with_the_programs_uid_are_not_readable() {
    if !geteuid().is_root() {
        return;
    }
    let dir = TestDir::new();
    let image = dir.path().join("image");
    for folder in ["usr", "data"] {
        fs::create_dir_all(image.join(folder)).expect("a folder");
    }
    for name in ["bin", "lib", "lib64", "sbin"] {
        let _ = fs::read_link(Path::new("/").join(name)).map(|target| symlink(target, image.join(name)));
    }
    // The program's uid, as a user and as a group of the host.
    for (name, owner, group, mode) in
        [("of-user", 1001, 0, 0o600), ("of-group", 0, 1001, 0o640), ("open", 1001, 1001, 0o644)]
    {
        let file = image.join("data").join(name);
        fs::write(&file, name).expect("a file");
        chown(&file, Some(owner), Some(group)).expect("root");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a file");
    }
    let program = "\
import os
print(os.getuid(), os.getgid())
for name in ('of-user', 'of-group', 'open'):
    try:
        print(name, open('/data/' + name).read() == name)
    except PermissionError:
        print(name, 'denied')";
    dir.write("p.py", program);
    // The image uses the host's /usr, without a copy.
    let script = "mount --bind /usr image/usr && exec \"$@\"";
    let inner = dir.cofferdam(["run", "--rootfs", "image", "p.py"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    let output = executed_by(command, &inner).stdin(Stdio::null()).output().expect("unshare, of util-linux");
    let expected = "1001 1001\nof-user denied\nof-group denied\nopen True\n";
    assert_eq!(stdout(&output), expected, "{}", stderr(&output));
    assert_no_leaks(&dir);
}

#[test]
fn host_configuration_in_etc_is_not_visible() {
    let dir = TestDir::new();
    let program = "\
import os
print(len(open('/etc/profile').read().splitlines()), len(open('/etc/bash.bashrc').read().splitlines()))
certificates = '/etc/ssl/certs'
for name in os.listdir(certificates):
    path = os.path.join(certificates, name)
    if name != 'ca-certificates.crt' and not os.path.realpath(path).startswith('/usr/share/'):
        print(name)";
    dir.write("p.py", program);
    dir.write("p.sh", "bash -lc 'echo \"$PATH\"'; bash -ic 'echo \"$PS1\"' 2>/dev/null; sh -lc 'echo ok'");
    let output = dir.run(["run", "p.py"]);
    assert_eq!((stdout(&output), stderr(&output)), ("3 3\n".into(), String::new()));
    let output = dir.run(["run", "p.sh"]);
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(stdout(&output), format!("{path}\n\\u@\\h:\\w\\$ \nok\n"), "{}", stderr(&output));
}

#[test]
fn sandbox_processes_do_not_inherit_the_environment() {
    let dir = TestDir::new();
    dir.write("p.py", "import time\ntime.sleep(600)");
    let secret = "a-secret-of-the-environment";
    let mut command = dir.cofferdam(["run", "p.py"]);
    command.envs([
        ("COFFERDAM_TOKEN", secret),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("COFFERDAM_LOG", "cofferdam=debug"),
    ]);
    let mut run = command.spawn().expect("cofferdam");
    let mut log = BufReader::new(run.stderr.take().expect("a pipe"));
    read_until(&mut log, "the program runs");
    let environments: Vec<(u32, String)> = descendants(run.id())
        .into_iter()
        .filter_map(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            Some((pid, String::from_utf8_lossy(&environment).into_owned()))
        })
        .collect();
    kill_process(Pid::from_child(&run), Signal::TERM).expect("a signal");
    log.read_to_string(&mut String::new()).expect("a log");
    run.wait().expect("an end");
    // At least runsc, its gofer and its sandbox.
    assert!(environments.len() >= 3, "{environments:?}");
    let exposed: Vec<_> =
        environments.iter().filter(|(_, environment)| environment.contains(secret)).collect();
    assert!(exposed.is_empty(), "{exposed:?}");
    assert_no_leaks(&dir);
}
