//! The default image: used where no setting names an image or a root file system.

use super::{bash, cofferdam};
use crate::serve::tenants::{ONE, TWO, start_with};
use cofferdam::images::DEFAULT_IMAGE;
use cofferdam_tests::{
    default_image,
    images::Layout,
    program::{TestDir, stderr, stdout},
    sidecar::{HttpClient, Sidecar},
};
use serde_json::json;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Output,
};

/// Prints what its root file system is.
const WHICH: &str = "[ -e /opt/which ] && echo $(</opt/which) || echo the machine\n";

/// A default image that is known by the content of a file.
fn load(dir: &TestDir, version: &str) {
    let layout = Layout::new(vec![bash().file("opt/which", version)]);
    layout.write(&dir.path().join("layout"), DEFAULT_IMAGE);
    let output = cofferdam(dir, &["image", "load", "layout"]);
    let lines = stdout(&output);
    assert!(lines.starts_with(&format!("loaded {DEFAULT_IMAGE}\nsandboxes on this machine")), "{lines}");
}

fn which(dir: &TestDir, options: &[&str]) -> Output {
    dir.write("which.sh", WHICH);
    cofferdam(dir, &[&["run"], options, &["which.sh"]].concat())
}

fn assert_which(dir: &TestDir, options: &[&str], expected: &str) {
    let output = which(dir, options);
    assert_eq!(stdout(&output), format!("{expected}\n"), "{}", stderr(&output));
    // Nothing is said about it.
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_default_image_is_used_unless_something_else_is_named() {
    let dir = TestDir::new();
    assert_which(&dir, &[], "the machine");
    // No image was loaded, so there is no store.
    assert!(!dir.path().join("images").exists());
    load(&dir, "first");
    assert_which(&dir, &[], "first");
    load(&dir, "second");
    assert_which(&dir, &[], "second");
    Layout::new(vec![bash().file("opt/which", "named")]).write(&dir.path().join("layout"), "named:1");
    assert!(cofferdam(&dir, &["image", "load", "layout"]).status.success());
    assert_which(&dir, &["--image", "named:1"], "named");
    assert_which(&dir, &["--image", ""], "the machine");
    dir.write("settings.toml", "languages.bash.image = 'named:1'\n");
    assert_which(&dir, &["--config", "settings.toml"], "named");
    dir.write("settings.toml", "image = ''\n");
    assert_which(&dir, &["--config", "settings.toml"], "the machine");
    let missing = which(&dir, &["--rootfs", "layout"]);
    assert!(stderr(&missing).contains("bash"), "{}", stderr(&missing));
    let removed = stdout(&cofferdam(&dir, &["image", "remove", DEFAULT_IMAGE]));
    assert!(removed.contains("sandboxes have this machine's /usr now"), "{removed}");
    assert_which(&dir, &[], "the machine");
}

#[test]
fn a_store_that_others_may_change_is_no_reason_to_use_the_machine() {
    let dir = TestDir::new();
    load(&dir, "first");
    fs::set_permissions(dir.path().join("images"), Permissions::from_mode(0o777)).expect("a folder");
    let output = which(&dir, &[]);
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("can be written by other users"), "{}", stderr(&output));
}

#[test]
fn doctor_says_what_programs_have_as_their_root() {
    let dir = TestDir::new();
    let report = |options: &[&str]| {
        stdout(&cofferdam(&dir, &[&["doctor", "--backend", "local", "--no-probe"], options].concat()))
    };
    let first = report(&[]);
    assert!(first.starts_with("ok      programs have this machine's /usr"), "{first}");
    assert!(first.contains("make sandbox-image"), "{first}");
    load(&dir, "first");
    let second = report(&[]);
    assert!(second.contains(&format!("the default image, {DEFAULT_IMAGE} (2020-02-02)")), "{second}");
    for (options, text) in [
        (["--image", ""], "ok      programs have this machine's /usr"),
        (
            ["--image", "other:1"],
            "warning programs have the image other:1, which is not in the store; `cofferdam image pull`",
        ),
        (["--rootfs", "/opt"], "ok      programs have the files in /opt"),
    ] {
        assert!(report(&options).starts_with(text), "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_has_the_default_image() {
    let dir = TestDir::new();
    load(&dir, "first");
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let answer = sidecar.client().run(&json!({ "language": "bash", "code": WHICH }), &[]).await;
    assert_eq!(answer.json["stdout"]["content"], "first\n", "{}", answer.json);
}

/// The text of the refusal of an image, without its name.
async fn refusal(client: &HttpClient, image: &str) -> String {
    let response = client.run(&json!({ "language": "bash", "code": WHICH, "image": image }), &[]).await;
    assert_eq!((response.status, &response.json["code"]), (403, &json!("denied")), "{}", response.text);
    response.text.replace(image, "IMAGE")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_the_default_image_without_permission_and_cannot_learn_what_else_there_is() {
    let dir = TestDir::new();
    load(&dir, "first");
    let settings = "tenants.one.allowed_images = ['team/*']\nimages.pull_policy = 'Never'";
    let sidecar = start_with(&dir, settings, &[]);
    let absent = "localhost/missing:latest";
    for token in [ONE, TWO] {
        let client = sidecar.client().with_token(token);
        let answer = client.run(&json!({ "language": "bash", "code": WHICH }), &[]).await;
        assert_eq!(answer.json["stdout"]["content"], "first\n", "{}", answer.text);
        assert_eq!(refusal(&client, DEFAULT_IMAGE).await, refusal(&client, absent).await);
    }
    let client = sidecar.client().with_token(ONE);
    let before = refusal(&client, DEFAULT_IMAGE).await;
    // Nobody looks into the store for what is refused.
    fs::rename(dir.path().join("images"), dir.path().join("moved")).expect("a folder");
    assert_eq!(refusal(&client, DEFAULT_IMAGE).await, before);
}

#[test]
fn python_bash_and_node_are_in_the_image_that_the_repository_builds() {
    let dir = TestDir::new();
    dir.write("p.py", "import pandas, sys; print(pandas.DataFrame({'a': [6 * 7]}).a[0], sys.executable)");
    dir.write("p.sh", "git init -q . && jq -n '6*7'; [ $UID = 1001 ] && echo $HOME $LANG");
    dir.write("p.js", "console.log(6 * 7)");
    dir.write("settings.toml", "[languages.node]\ncommand = ['node']\nfile = 'main.js'\n");
    for (program, expected) in
        [("p.py", "42 /usr/bin/python3\n"), ("p.sh", "42\n/home/user C.UTF-8\n"), ("p.js", "42\n")]
    {
        let mut command = dir.cofferdam(["run", "--config", "settings.toml", program]);
        let output =
            command.env("COFFERDAM_IMAGES__DIR", default_image::store()).output().expect("cofferdam");
        assert_eq!(stdout(&output), expected, "{}", stderr(&output));
    }
}
