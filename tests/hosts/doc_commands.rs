//! The pages of the documentation: each command of a `console` block is executed, and prints what the page
//! shows. A block with a language and the name of a file is that file.

use cofferdam_tests::{
    default_image,
    hosts::command,
    program::{TestDir, root, stdout},
    sidecar::Sidecar,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The address that the pages' commands have.
const ADDRESS: &str = "127.0.0.1:8787";
/// What of a page's output differs from time to time.
const ANY: char = '…';
/// Bytes of a PNG file up to its size and colours.
const PNG_HEAD: usize = 33;
const MARK: &str = "@@ end of a command @@";

/// A command, and what a page shows of its output.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    command: String,
    shown: String,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![];
    for block in page.split("\n```console\n").skip(1) {
        for line in block.split("\n```").next().unwrap_or_default().lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), shown: String::new() });
                continue;
            }
            let step = steps.last_mut().expect("a block begins with a command");
            match line.strip_prefix("> ") {
                Some(more) => step.command += &format!("\n{more}"),
                None => step.shown += &format!("{line}\n"),
            }
        }
    }
    steps
}

/// Names and contents of the files of a page.
fn files(page: &str) -> Vec<(&str, String)> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    let file = |block| {
        let (head, content): (&str, &str) = str::split_once(block, '\n')?;
        let (_, name) = head.split_once(' ')?;
        Some((name, format!("{content}\n")))
    };
    blocks.filter_map(file).collect()
}

/// Whether this is what a page shows, but for white space at the end.
fn is_shown(shown: &str, came: &str) -> bool {
    let (shown, mut rest) = (shown.trim_end(), came.trim_end());
    let parts: Vec<&str> = shown.split(ANY).collect();
    let Some((last, parts)) = parts.split_last() else { return rest.is_empty() };
    for (place, part) in parts.iter().enumerate() {
        let found = rest.find(part).filter(|found| place > 0 || *found == 0);
        let Some(found) = found else { return false };
        rest = &rest[found + part.len()..];
    }
    if parts.is_empty() { rest == *last } else { rest.ends_with(last) }
}

/// Executes the commands of a page in one shell.
fn assert_page(page: &str) {
    assert_page_in(page, &[], &[]);
}

/// The same in this folder, and with the default image.
fn assert_page_with_default_image(page: &str, dir: &TestDir) {
    assert_page_at(dir, page, &[], &[], default_image::store());
}

/// The same with more folders of programs, and more variables.
pub(crate) fn assert_page_in(page: &str, programs: &[PathBuf], variables: &[(&str, &str)]) {
    let dir = TestDir::new();
    assert_page_at(&dir, page, programs, variables, &dir.path().join("images"));
}

fn assert_page_at(
    dir: &TestDir,
    page: &str,
    programs: &[PathBuf],
    variables: &[(&str, &str)],
    images: &Path,
) {
    let text = fs::read_to_string(root().join(page)).expect("a page");
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{page} has no commands");
    let sidecar = Sidecar::start(dir, &[], &[]);
    for (name, content) in files(&text) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content.replace(ADDRESS, &sidecar.address)).expect("a file");
    }
    let mut shell = command("bash", "");
    let examples = root().join("target/release/examples");
    let folders = programs.iter().cloned().chain([examples]).chain(search_path(&shell));
    let path = env::join_paths(folders).expect("a PATH");
    shell.envs(variables.iter().copied());
    shell.current_dir(dir.path()).env("PATH", path).env("XDG_CONFIG_HOME", dir.path().join("config"));
    shell.env("COFFERDAM_STATE_DIR", dir.state()).env_remove("COFFERDAM_URL").env_remove("KUBECONFIG");
    shell.env("COFFERDAM_IMAGES__DIR", images);
    assert_steps(page, &steps, shell, &sidecar);
}

/// The folders of the command's PATH.
fn search_path(command: &Command) -> Vec<PathBuf> {
    let path = command.get_envs().find_map(|(name, value)| (name == "PATH").then_some(value?));
    env::split_paths(path.expect("a PATH")).collect()
}

/// Executes commands in this shell, each of which prints what the page shows.
fn assert_steps(page: &str, steps: &[Step], mut shell: Command, sidecar: &Sidecar) {
    let commands = steps.iter().map(|step| format!("{}\necho '{MARK}'\n", step.command));
    let script = commands.collect::<String>().replace(ADDRESS, &sidecar.address);
    let output = shell.args(["-c", &format!("exec 2>&1\n{script}")]).output().expect("bash");
    let came = stdout(&output).replace(&sidecar.address, ADDRESS);
    let end = format!("{MARK}\n");
    let mut came = came.split(&end);
    for Step { command, shown } in steps {
        let came = came.next().unwrap_or_default();
        assert!(
            is_shown(shown, came),
            "{page}:\n$ {command}\nis said to print\n{shown}\nand printed\n{came}"
        );
    }
}

/// Executes the commands of one section of a page in the repository's root.
pub(crate) fn assert_section(page: &str, section: &str, programs: &[PathBuf]) {
    let text = fs::read_to_string(root().join(page)).expect("a page");
    let (_, text) = text.split_once(&format!("\n## {section}\n")).expect("a section");
    let steps = steps(text.split("\n## ").next().unwrap_or_default());
    assert!(!steps.is_empty(), "{section} of {page} has no commands");
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let mut shell = command("bash", &format!("http://{}", sidecar.address));
    // The hosts come first: each folder of Python programs has a Python.
    let folders = search_path(&shell).into_iter().chain(programs.iter().cloned());
    shell.env("PATH", env::join_paths(folders).expect("a PATH"));
    shell.env("XDG_CONFIG_HOME", dir.path().join("config")).env("COFFERDAM_STATE_DIR", dir.state());
    assert_steps(page, &steps, shell, &sidecar);
}

#[test]
fn commands_in_readme_md_print_what_it_shows() {
    let dir = TestDir::new();
    assert_page_with_default_image("README.md", &dir);
    // The page shows the picture that its command makes.
    let head = |path: PathBuf| fs::read(path).expect("a picture")[..PNG_HEAD].to_owned();
    assert_eq!(head(dir.path().join("results/sales.png")), head(root().join("docs/sales.png")));
}

#[test]
fn commands_in_requests_md_print_what_it_shows() {
    assert_page("docs/requests.md");
}

#[test]
fn commands_in_terminal_md_print_what_it_shows() {
    assert_page("docs/terminal.md");
}

#[test]
fn commands_in_sidecar_md_print_what_it_shows() {
    assert_page("docs/sidecar.md");
}

#[test]
fn commands_in_sessions_md_print_what_it_shows() {
    assert_page("docs/sessions.md");
}

#[test]
fn commands_in_embedding_md_print_what_it_shows() {
    assert_page("docs/embedding.md");
}

#[test]
fn an_ellipsis_matches_any_output() {
    for (shown, came, is) in [
        ("a\n", "a", true),
        ("a", "b", false),
        ("", "a", false),
        ("…", "", true),
        ("a…c", "a b c", true),
        ("a…c", "ab", false),
        ("…b", "a b c", false),
        ("b…", "a b", false),
        ("a…b…c", "a c b c", true),
    ] {
        assert_eq!(is_shown(shown, came), is, "{shown:?} {came:?}");
    }
    let step = Step { command: "a \\\nb".into(), shown: "c\n".into() };
    assert_eq!(steps("\n```console\n$ a \\\n> b\nc\n```\nd"), [step]);
}

#[test]
fn a_block_with_a_language_and_a_name_is_a_file() {
    let page = "a\n\n```python a/b.py\nprint()\n```\n\n```console\n$ a b\n```\n\n```python\nc\n```\n";
    assert_eq!(files(page), [("a/b.py", "print()\n".to_owned())]);
}
