//! Other users of the machine, and its administrator: what is theirs does not reach a run, nor do they get at one. Who they are
//! takes root to make up.

use super::cleanup::{assert_nothing_left, signal_when};
use cofferdam::{config::Settings, sandbox::local::Local};
use cofferdam_tests::{
    processes::descendants,
    program::{Place, root, stderr, stdout},
};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, PoisonError},
};

/// Two users that no test shares with another process of the machine.
fn users() -> [u32; 2] {
    let own = 100_000 + std::process::id() % 100_000 * 2;
    [own, own + 1]
}

/// The folder for runs that the first of them has by default, which only one test at a time may prepare.
static USUAL_PLACE: Mutex<()> = Mutex::new(());

/// A command that another user gives.
fn as_user(user: u32, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    let user = user.to_string();
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]).arg(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `cofferdam run p.py` by another user in a place of theirs, with a copy of all that it needs.
fn run_as(place: &Place, user: u32, program: &str, options: &[&str]) -> Command {
    let local = Local::new(&Settings::default()).expect("`make setup` installs gVisor");
    for (from, name) in [(root().join("target/release/cofferdam"), "cofferdam"), (local.runsc().to_owned(), "runsc")] {
        fs::copy(from, place.path().join(name)).expect("a copy");
    }
    place.write("p.py", program);
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("a folder");
    chown(place.path(), Some(user), Some(user)).expect("root");
    let mut command = as_user(user, place.path().join("cofferdam"));
    command.args(["run", "--runsc", "./runsc"]).args(options).arg("p.py").current_dir(place.path());
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", place.path());
    command
}

/// Another user's process that holds memory and names a run in its command line.
struct Stranger(Child);

impl Stranger {
    fn start(user: u32, run: &Path) -> Self {
        let script = "held = bytearray(700 << 20)\nprint('held', flush=True)\ninput()\nprint('alive')";
        let mut command = as_user(user, "/usr/bin/env");
        command.args(["python3", "-c", script]).arg(run.join("runsc")).stdin(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let mut said = [0; 5];
        process.stdout.as_mut().expect("a pipe").read_exact(&mut said).expect("it holds its memory");
        Self(process)
    }

    /// Whether nobody has killed it. One that is dying only looks alive, so it is asked to answer.
    fn ends_by_itself(mut self) -> bool {
        let _ = self.0.stdin.take().expect("a pipe").write_all(b"\n");
        let output = self.0.wait_with_output().expect("an end");
        output.status.success() && output.stdout == b"alive\n"
    }
}

/// Reads a log up to a line that says this, and gives the run's id.
fn id_when(log: &mut impl BufRead, event: &str) -> String {
    let mut said = String::new();
    while !said.lines().last().is_some_and(|line| line.contains(event)) {
        assert_ne!(log.read_line(&mut said).expect("a log"), 0, "it ended before {event:?}:\n{said}");
    }
    let at = said.find("run-").expect("an id");
    said[at..at + 24].to_owned()
}

#[test]
fn another_users_process_does_not_count_as_part_of_an_execution() {
    if !geteuid().is_root() {
        return;
    }
    let [user, other] = users();
    let place = Place::new();
    let mut command =
        run_as(&place, user, "import time\ntime.sleep(4)\nprint('done')", &["--memory", "64Mi", "--disk", "16Mi"]);
    command.env("COFFERDAM_LOG", "cofferdam=debug").env("COFFERDAM_STATE_DIR", place.state());
    let mut run = command.spawn().expect("cofferdam");
    let mut log = BufReader::new(run.stderr.take().expect("a pipe"));
    let id = id_when(&mut log, "the program runs");
    let stranger = Stranger::start(other, &place.state().join(id));
    let mut rest = String::new();
    log.read_to_string(&mut rest).expect("a log");
    let output = run.wait_with_output().expect("an end");
    let is_alive = stranger.ends_by_itself();
    assert_eq!((stdout(&output), output.status.code(), is_alive), ("done\n".into(), Some(0), true), "{rest}");
    assert_nothing_left(&place);
}

#[test]
fn gc_does_not_kill_another_users_process() {
    if !geteuid().is_root() {
        return;
    }
    let place = Place::new();
    place.write("p.py", "while True: pass");
    let child = place.cofferdam(["run", "p.py"]).env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
    let output = signal_when(child, "the program runs", Signal::KILL);
    let log = stderr(&output);
    let at = log.find("run-").expect("an id");
    let stranger = Stranger::start(users()[1], &place.state().join(&log[at..at + 24]));
    let gc = place.run(["gc"]);
    assert!(stranger.ends_by_itself(), "{} {}", stdout(&gc), stderr(&gc));
    assert_eq!(stdout(&gc), "removed what 1 run had left\n");
    assert_nothing_left(&place);
}

/// What comes of a run whose user has not named a folder for runs, while another user has `made` something in the usual place.
fn with_usual_place_taken(made: impl FnOnce(&Path, &Place)) -> Output {
    let _alone = USUAL_PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let [user, _] = users();
    let place = Place::new();
    let usual = Path::new("/dev/shm").join(format!("cofferdam-{user}"));
    let mut command = run_as(&place, user, "print('ran')", &[]);
    made(&usual, &place);
    let output = command.env("TMPDIR", place.path()).output().expect("cofferdam");
    let _ = fs::remove_dir_all(&usual).or_else(|_| fs::remove_file(&usual));
    output
}

#[test]
fn a_state_directory_owned_by_another_user_is_not_used() {
    if !geteuid().is_root() {
        return;
    }
    let output = with_usual_place_taken(|usual, _| fs::create_dir(usual).expect("a folder"));
    assert_eq!((stdout(&output), stderr(&output)), ("ran\n".into(), String::new()));
}

#[test]
fn a_symlink_as_the_state_directory_is_not_followed() {
    if !geteuid().is_root() {
        return;
    }
    let mut target = PathBuf::new();
    let output = with_usual_place_taken(|usual, place| {
        target = place.path().join("ours");
        fs::create_dir(&target).expect("a folder");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o700)).expect("a folder");
        chown(&target, Some(users()[0]), Some(users()[0])).expect("root");
        // Where runs would go, the way they are made shows: nothing may be written there.
        fs::create_dir(target.join("gate")).expect("a folder");
        symlink(&target, usual).expect("a link");
    });
    assert_eq!((stdout(&output), stderr(&output)), ("ran\n".into(), String::new()));
}

#[test]
fn an_empty_or_relative_xdg_runtime_dir_is_ignored() {
    if !geteuid().is_root() {
        return;
    }
    let _alone = USUAL_PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    for folder in ["", "here", "."] {
        let place = Place::new();
        let mut command = run_as(&place, users()[0], "print('ran')", &[]);
        fs::create_dir(place.path().join("here")).expect("a folder");
        chown(place.path().join("here"), Some(users()[0]), None).expect("root");
        let output = command.env("XDG_RUNTIME_DIR", folder).output().expect("cofferdam");
        assert_eq!((stdout(&output), stderr(&output)), ("ran\n".into(), String::new()), "{folder:?}");
        let made = |folder: PathBuf| folder.join(format!("cofferdam-{}", users()[0])).exists();
        assert!(!made(place.path().to_owned()) && !made(place.path().join("here")), "{folder:?}");
    }
    let _ = fs::remove_dir_all(Path::new("/dev/shm").join(format!("cofferdam-{}", users()[0])));
}

#[test]
fn files_of_a_host_user_with_the_programs_uid_are_not_readable() {
    if !geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let image = place.path().join("image");
    for folder in ["usr", "theirs"] {
        fs::create_dir_all(image.join(folder)).expect("a folder");
    }
    for name in ["bin", "lib", "lib64", "sbin"] {
        let _ = fs::read_link(Path::new("/").join(name)).map(|target| symlink(target, image.join(name)));
    }
    // The program's own number, as a user of the machine and as a group of it.
    for (name, owner, group, mode) in
        [("of-user", 1001, 0, 0o600), ("of-group", 0, 1001, 0o640), ("open", 1001, 1001, 0o644)]
    {
        let file = image.join("theirs").join(name);
        fs::write(&file, name).expect("a file");
        chown(&file, Some(owner), Some(group)).expect("root");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a file");
    }
    let program = "\
import os
print(os.getuid(), os.getgid())
for name in ('of-user', 'of-group', 'open'):
    try:
        print(name, open('/theirs/' + name).read() == name)
    except PermissionError:
        print(name, 'denied')";
    place.write("p.py", program);
    // The image's programs are the machine's, without a copy.
    let script = "mount --bind /usr image/usr && exec \"$@\"";
    let inner = place.cofferdam(["run", "--rootfs", "image", "p.py"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(place.path());
    let output = command.stdin(Stdio::null()).output().expect("unshare, of util-linux");
    let expected = "1001 1001\nof-user denied\nof-group denied\nopen True\n";
    assert_eq!(stdout(&output), expected, "{}", stderr(&output));
    assert_nothing_left(&place);
}

#[test]
fn host_configuration_in_etc_is_not_visible() {
    let place = Place::new();
    let program = "\
import os
print(len(open('/etc/profile').read().splitlines()), len(open('/etc/bash.bashrc').read().splitlines()))
certificates = '/etc/ssl/certs'
for name in os.listdir(certificates):
    path = os.path.join(certificates, name)
    if name != 'ca-certificates.crt' and not os.path.realpath(path).startswith('/usr/share/'):
        print(name)";
    place.write("p.py", program);
    place.write("p.sh", "bash -lc 'echo \"$PATH\"'; bash -ic 'echo \"$PS1\"' 2>/dev/null; sh -lc 'echo ok'");
    let output = place.run(["run", "p.py"]);
    assert_eq!((stdout(&output), stderr(&output)), ("3 3\n".into(), String::new()));
    let output = place.run(["run", "p.sh"]);
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(stdout(&output), format!("{path}\n\\u@\\h:\\w\\$ \nok\n"), "{}", stderr(&output));
}

#[test]
fn sandbox_processes_do_not_inherit_the_environment() {
    let place = Place::new();
    place.write("p.py", "import time\ntime.sleep(600)");
    let secret = "a-token-that-nobody-else-may-have";
    let mut command = place.cofferdam(["run", "p.py"]);
    command.envs([
        ("COFFERDAM_TOKEN", secret),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("COFFERDAM_LOG", "cofferdam=debug"),
    ]);
    let mut run = command.spawn().expect("cofferdam");
    let mut log = BufReader::new(run.stderr.take().expect("a pipe"));
    id_when(&mut log, "the program runs");
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
    // runsc, its gofer and its sandbox at the least.
    assert!(environments.len() >= 3, "{environments:?}");
    let ours: Vec<_> = environments.iter().filter(|(_, environment)| environment.contains(secret)).collect();
    assert!(ours.is_empty(), "{ours:?}");
    assert_nothing_left(&place);
}
