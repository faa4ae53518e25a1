//! The sources of settings and their precedence.

use cofferdam_tests::program::{TestDir, stderr, stdout};
use std::fs;

/// The output of `cofferdam run p.x`.
fn run_output(dir: &TestDir, env: &[(&str, &str)], options: &[&str]) -> String {
    let args = ["run"].iter().chain(options).chain(&["p.x"]);
    let output = dir.cofferdam(args).envs(env.iter().copied()).output().expect("cofferdam");
    stdout(&output) + &stderr(&output)
}

#[test]
fn the_command_line_overrides_the_environment_which_overrides_the_file() {
    let dir = TestDir::new();
    dir.write("p.py", "while True: pass");
    let timed_out = |env: &[(&str, &str)], options: &[&str]| {
        let args = ["run"].iter().chain(options).chain(&["p.py"]);
        let output = dir.cofferdam(args).envs(env.iter().copied()).output().expect("cofferdam");
        (output.status.code(), stderr(&output))
    };
    dir.write("cofferdam.toml", "timeout_seconds = 0.5");
    assert_eq!(timed_out(&[], &[]).0, Some(124));
    dir.write("cofferdam.toml", "timeout_seconds = \"none\"");
    let (code, message) = timed_out(&[], &[]);
    assert_eq!(code, Some(125));
    assert!(message.contains("timeout_seconds") && message.contains("cofferdam.toml"), "{message}");
    assert_eq!(timed_out(&[("COFFERDAM_TIMEOUT_SECONDS", "0.5")], &[]).0, Some(124));
    let (code, message) = timed_out(&[("COFFERDAM_TIMEOUT_SECONDS", "x")], &[]);
    assert_eq!(code, Some(125));
    assert!(message.to_lowercase().contains("timeout_seconds"), "{message}");
    let ceiling = [("COFFERDAM_TIMEOUT_SECONDS", "0.5"), ("COFFERDAM_CEILINGS__TIMEOUT_SECONDS", "1")];
    assert_eq!(timed_out(&ceiling, &["--timeout", "0.6"]).0, Some(124));
    let (code, message) = timed_out(&ceiling, &["--timeout", "2"]);
    assert_eq!(code, Some(125));
    assert!(message.contains("is above the ceiling of 1 (ceilings.timeout_seconds)"), "{message}");
}

#[test]
fn the_users_settings_file_applies_without_one_in_the_working_directory() {
    let dir = TestDir::new();
    dir.write("p.x", "echo from the table");
    fs::create_dir_all(dir.path().join("config/cofferdam")).expect("a folder");
    dir.write("config/cofferdam/cofferdam.toml", "[languages.x]\ncommand = [\"bash\"]\nfile = \"main.x\"");
    assert_eq!(run_output(&dir, &[], &[]), "from the table\n");
}

#[test]
fn unknown_and_invalid_settings_are_refused_by_name() {
    let dir = TestDir::new();
    dir.write("p.x", "print(1)");
    for (file, part) in [
        ("timeout = 3", "the setting `timeout` does not exist; did you mean `timeout_seconds`?"),
        ("[ceilings]\nmem_limit = \"1Gi\"", "`ceilings` cannot be set by a file in the working directory"),
        ("mem_limit = \"16Gi\"", "`mem_limit` is above its ceiling"),
        ("process_limit = 0", "`process_limit` is zero"),
        ("runsc = \"./evil\"", "cannot be set by a file in the working directory"),
        ("backend = \"local\"", "`backend` cannot be set"),
        ("[pool]\nmaximum = 10000\nminimum = 10000", "`pool` cannot be set"),
    ] {
        dir.write("cofferdam.toml", file);
        let message = run_output(&dir, &[], &[]);
        assert!(message.contains(part), "{file}: {message}");
    }
    fs::remove_file(dir.path().join("cofferdam.toml")).expect("the file");
    for (file, part) in [
        ("[languages.x]\ncommand = []\nfile = \"x\"", "`languages.x` needs a `command`"),
        ("[languages.x]\ncommand = [\"x\"]\nfile = \"../x\"", "`languages.x` needs a `command`"),
        (
            "[languages.\"ignore the above\"]\ncommand = [\"x\"]\nfile = \"x\"",
            "which is not a valid name of a language",
        ),
        ("[languages.python]\npreload_modules = [\"a-b\"]", "`languages.python.preload_modules` needs names"),
        ("[languages.bash]\npreload_modules = [\"a\"]", "`languages.bash.preload_modules` needs names"),
    ] {
        dir.write("own.toml", file);
        let message = run_output(&dir, &[], &["--config", "own.toml"]);
        assert!(message.contains(part), "{file}: {message}");
    }
    let message = run_output(&dir, &[("COFFERDAM_TIMEOUT", "3")], &[]);
    assert!(message.to_lowercase().contains("timeout"), "{message}");
}

#[test]
fn kubernetes_is_used_only_if_requested_explicitly() {
    let dir = TestDir::new();
    dir.write("p.py", "print('here')");
    dir.write(
        "kubeconfig",
        "apiVersion: v1\nkind: Config\ncontexts: [{ name: there, context: { cluster: c, user: u } }]",
    );
    let run = |options: &[&str]| {
        let args = ["run"].iter().chain(options).chain(&["p.py"]);
        dir.cofferdam(args).env("KUBECONFIG", dir.path().join("kubeconfig")).output().expect("cofferdam")
    };
    assert_eq!(stdout(&run(&[])), "here\n");
    for options in [["--context", "elsewhere"], ["--backend", "kubernetes"]] {
        let output = run(&options);
        assert_eq!(output.status.code(), Some(125), "{options:?}");
        assert!(stderr(&output).contains("it has: there"), "{}", stderr(&output));
    }
}

/// The variables that Kubernetes sets in each Pod for the Services `cofferdam`, `cofferdam-foo` and
/// `cofferdam-serve`.
const SERVICE_LINKS: [(&str, &str); 10] = [
    ("COFFERDAM_SERVICE_HOST", "10.0.0.1"),
    ("COFFERDAM_SERVICE_PORT", "8787"),
    ("COFFERDAM_SERVICE_PORT_HTTP", "8787"),
    ("COFFERDAM_PORT", "tcp://10.0.0.1:8787"),
    ("COFFERDAM_PORT_8787_TCP", "tcp://10.0.0.1:8787"),
    ("COFFERDAM_PORT_8787_TCP_PROTO", "tcp"),
    ("COFFERDAM_PORT_8787_TCP_PORT", "8787"),
    ("COFFERDAM_PORT_8787_TCP_ADDR", "10.0.0.1"),
    ("COFFERDAM_FOO_PORT", "tcp://10.0.0.2:80"),
    ("COFFERDAM_SERVE_SERVICE_HOST", "10.0.0.3"),
];

#[test]
fn service_link_variables_are_ignored() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let output = dir.cofferdam(["run", "p.py"]).envs(SERVICE_LINKS).output().expect("cofferdam");
    assert_eq!(
        (stdout(&output), stderr(&output), output.status.code()),
        ("1\n".into(), String::new(), Some(0))
    );
}

#[test]
fn an_unknown_variable_is_reported_and_ignored() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    for (name, value, expected) in [
        ("COFFERDAM_DEBUG", "1", "COFFERDAM_DEBUG is not a setting and is ignored\n"),
        ("COFFERDAM_TIMEOUT", "3", "did you mean COFFERDAM_TIMEOUT_SECONDS?\n"),
        ("COFFERDAM_SERVE__MAX_RUN", "3", "did you mean COFFERDAM_SERVE__MAX_RUNS?\n"),
        ("COFFERDAM_NO_TABLE__X", "3", "COFFERDAM_NO_TABLE__X is not a setting and is ignored\n"),
    ] {
        let output = dir.cofferdam(["run", "p.py"]).env(name, value).output().expect("cofferdam");
        assert_eq!(
            (stdout(&output), output.status.code()),
            ("1\n".into(), Some(0)),
            "{name} {}",
            stderr(&output)
        );
        let message = stderr(&output);
        assert!(message.ends_with(expected) && message.lines().count() == 1, "{name}: {message}");
    }
}

#[test]
fn an_invalid_value_of_a_variable_is_an_error_that_names_it() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    for (name, value, problem) in [
        ("COFFERDAM_TIMEOUT_SECONDS", "soon", "is invalid: \"soon\" is not a number of seconds"),
        ("COFFERDAM_SERVE", "3", "is 3, not a table"),
        ("COFFERDAM_SERVE__MAX_RUNS", "many", "is \"many\", not a whole number"),
        ("COFFERDAM_BACKEND", "docker", "is \"docker\", not one of `local`, `kubernetes`, `auto`"),
        ("COFFERDAM_PROCESS_LIMIT", "0", "is zero"),
        (
            "COFFERDAM_LANGUAGES__PYTHON__IMPORTS_AHEAD",
            "[pandas]",
            "has a new name: COFFERDAM_LANGUAGES__PYTHON__PRELOAD_MODULES",
        ),
    ] {
        let output = dir.cofferdam(["run", "p.py"]).env(name, value).output().expect("cofferdam");
        assert_eq!(output.status.code(), Some(125), "{name}");
        let expected = format!("cofferdam: the variable {name} {problem}");
        assert!(stderr(&output).starts_with(&expected), "{name}: {}", stderr(&output));
    }
}
