//! Images as root file systems of sandboxes on this machine. The tests build them: no registry is needed.

mod choice;
mod default;
mod full_disk;
mod hostile;
mod kills;
mod pulls;
mod registries;
mod server;
mod shapes;
mod umoci;
mod user;

use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_tests::{
    images::{Layer, Layout},
    program::{TestDir, stderr, stdout},
    sidecar::Sidecar,
};
use serde_json::json;
use std::{
    fs,
    io::Read,
    process::{Command, Output},
};

fn cofferdam(dir: &TestDir, args: &[&str]) -> Output {
    command(dir, args).output().expect("cofferdam")
}

fn command(dir: &TestDir, args: &[&str]) -> Command {
    let mut command = dir.cofferdam(args);
    command.env("COFFERDAM_IMAGES__PULL_POLICY", "Never");
    command
}

/// Loads an image with this name.
fn load(dir: &TestDir, name: &str, layout: &Layout) {
    layout.write(&dir.path().join("layout"), name);
    let output = cofferdam(dir, &["image", "load", "layout"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), format!("loaded docker.io/library/{name}\n"));
}

/// Executes a script in an image.
fn run(dir: &TestDir, image: &str, script: &str) -> Output {
    dir.write("p.sh", script);
    cofferdam(dir, &["run", "--image", image, "p.sh"])
}

/// Bash and its libraries, of this machine, and nothing else.
fn bash() -> Layer {
    Layer::default().program("/bin/bash", "/bin/bash")
}

/// Writes a file of Docker's with the credentials of `user` for a registry.
fn credentials(dir: &TestDir, host: &str, password: &str) {
    let auth = BASE64_STANDARD.encode(format!("user:{password}"));
    dir.write("config.json", json!({ "auths": { host: { "auth": auth } } }).to_string());
}

#[test]
fn an_image_is_the_root_of_a_sandbox() {
    let dir = TestDir::new();
    let lower = bash()
        .program("/bin/bash", "/opt/tools/bash")
        .file("etc/gone", "")
        .file("opt/old/file", "")
        .file("opt/tools/tool", "#!/bin/bash\necho tool");
    let upper = Layer::default()
        .file("etc/.wh.gone", "")
        .file("opt/old/.wh..wh..opq", "")
        .file("opt/new", "new")
        .hard_link("opt/hard", "opt/new")
        .symlink("opt/link", "new");
    let layout = Layout::new(vec![lower, upper])
        .env(&["PATH=/opt/tools:/bin", "GREETING=hello", "HOME=/root"])
        .config("User", "root")
        .config("WorkingDir", "/opt");
    load(&dir, "app:1", &layout);
    let script = "\
tool
echo $BASH $GREETING $UID $PWD $HOME
echo $(</opt/hard) $(</opt/link) /etc/g* /opt/old/* $(</etc/hostname)
[ -e /usr/bin/env ] || echo without the machine
echo written >/work/a && echo written >/tmp/a && ! echo refused 2>/dev/null >/opt/a && echo read-only";
    let output = run(&dir, "app:1", script);
    let expected = "\
tool
/opt/tools/bash hello 1001 /work /home/user
new new /etc/g* /opt/old/* sandbox
without the machine
read-only
";
    assert_eq!(stdout(&output), expected, "{}", stderr(&output));
    dir.write("p.sh", "echo $GREETING");
    let output = cofferdam(&dir, &["run", "--image", "app:1", "--env", "GREETING=ours", "p.sh"]);
    assert_eq!(stdout(&output), "ours\n", "{}", stderr(&output));
    super::cleanup::assert_no_leaks(&dir);
}

#[test]
fn any_layout_of_folders_works() {
    let dir = TestDir::new();
    // No user, no home, no folder for temporary files, and files where mounts belong.
    let odd = bash()
        .symlink("tmp", "missing")
        .file("home", "a file")
        .file("dev", "")
        .file("work", "")
        .directory(".", 0o700);
    load(&dir, "odd:1", &Layout::new(vec![odd]));
    let output = run(
        &dir,
        "odd:1",
        "echo a >/tmp/a && echo b >$HOME/b && echo $(<~/b) $(</tmp/a) && [ -c /dev/null ]",
    );
    assert_eq!((stdout(&output), output.status.code()), ("b a\n".into(), Some(0)), "{}", stderr(&output));
}

#[test]
fn what_is_missing_is_named() {
    let dir = TestDir::new();
    load(&dir, "empty:1", &Layout::new(vec![Layer::default().file("a", "")]));
    let foreign = Layout::new(vec![bash()]).architecture("s390x");
    foreign.write(&dir.path().join("foreign"), "foreign:1");
    for (output, parts) in [
        (run(&dir, "missing:1", "true"), &["missing:1", "cofferdam image pull"][..]),
        (run(&dir, "no such image", "true"), &["no such image"]),
        (run(&dir, "empty:1", "true"), &["bash", "library/empty"]),
        (cofferdam(&dir, &["image", "load", "foreign"]), &["linux/s390x"]),
        (cofferdam(&dir, &["image", "load", "p.sh"]), &["p.sh", "tar archive"]),
        (cofferdam(&dir, &["image", "remove", "missing:1"]), &["missing:1"]),
    ] {
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(125), "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}

#[test]
fn images_are_listed_inspected_and_removed() {
    let dir = TestDir::new();
    load(&dir, "app:1", &Layout::new(vec![bash()]).env(&["A=b"]));
    let list = stdout(&cofferdam(&dir, &["image", "list"]));
    assert!(list.starts_with("docker.io/library/app:1  ") && list.contains("linux/"), "{list}");
    let details = stdout(&cofferdam(&dir, &["image", "inspect", "app:1"]));
    let details: serde_json::Value = serde_json::from_str(&details).expect("JSON");
    assert_eq!(details["env"]["A"], "b");
    // By digest it is the same image.
    let by_digest = format!("app@{}", details["digest"].as_str().expect("a digest"));
    assert_eq!(stdout(&run(&dir, &by_digest, "echo $A")), "b\n");
    assert_eq!(stdout(&cofferdam(&dir, &["image", "remove", "app:1"])), "removed `app:1`\n");
    assert_eq!(stdout(&cofferdam(&dir, &["image", "list", "--json"])), "[]\n");
    let left = fs::read_dir(dir.path().join("images/blobs/sha256")).expect("a folder").count();
    assert_eq!(left, 0);
}

#[test]
fn an_ordinary_user_needs_no_rights() {
    let dir = TestDir::new();
    let layer = bash()
        .file("opt/private", "secret")
        .owned("opt/private", 0o600, 0)
        .file("opt/own", "own")
        .owned("opt/own", 0o600, 1001);
    Layout::new(vec![layer]).write(&dir.path().join("layout"), "app:1");
    dir.write("p.sh", "echo $(</opt/own); echo $(</opt/private)");
    let cofferdam = user::ordinary(&dir);
    let run = |args: &[&str]| cofferdam(args).output().expect("cofferdam");
    let loaded = run(&["image", "load", "layout"]);
    assert!(loaded.status.success(), "{}", stderr(&loaded));
    let output = run(&["run", "--image", "app:1", "p.sh"]);
    // Owners are those of the image.
    assert_eq!(stdout(&output), "own\n\n", "{}", stderr(&output));
    assert!(stderr(&output).contains("/opt/private: Permission denied"), "{}", stderr(&output));
    super::cleanup::assert_no_leaks(&dir);
}

#[test]
fn an_image_in_use_is_not_removed() {
    let dir = TestDir::new();
    load(&dir, "app:1", &Layout::new(vec![bash()]));
    dir.write("p.sh", "echo started; while :; do :; done");
    let mut running = command(&dir, &["run", "--image", "app:1", "p.sh"]).spawn().expect("cofferdam");
    let mut line = [0; 8];
    running.stdout.as_mut().expect("a pipe").read_exact(&mut line).expect("the program's output");
    let refused = cofferdam(&dir, &["image", "remove", "app:1"]);
    assert!(stderr(&refused).contains("in use"), "{}", stderr(&refused));
    running.kill().expect("killed");
    running.wait().expect("ended");
    // A killed process holds nothing.
    let removed = cofferdam(&dir, &["image", "remove", "app:1"]);
    assert!(removed.status.success(), "{}", stderr(&removed));
    assert!(dir.run(["gc"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prewarmed_sandbox_is_one_of_the_image_that_the_name_stands_for() {
    let dir = TestDir::new();
    load(&dir, "app:1", &Layout::new(vec![bash()]).env(&["A=first"]));
    let settings = [
        ("COFFERDAM_IMAGE", "app:1"),
        ("COFFERDAM_IMAGES__PULL_POLICY", "Never"),
        ("COFFERDAM_POOL__MAXIMUM", "1"),
    ];
    let mut sidecar = Sidecar::start(&dir, &[], &settings);
    let request = json!({ "language": "bash", "code": "echo $A" });
    for (output, is_warm) in [("first\n", false), ("first\n", true)] {
        let answer = sidecar.client().run(&request, &[]).await;
        assert_eq!(answer.json["stdout"]["content"], output, "{}", answer.json);
        assert_eq!(answer.json["warm"], is_warm);
        sidecar.wait_for("a sandbox waits");
    }
    load(&dir, "app:1", &Layout::new(vec![bash()]).env(&["A=second"]));
    let answer = sidecar.client().run(&request, &[]).await;
    assert_eq!(
        (&answer.json["stdout"]["content"], &answer.json["warm"]),
        (&json!("second\n"), &json!(false))
    );
}
