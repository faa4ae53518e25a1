//! The program under test, started as a user starts it.

use cofferdam::config::{BackendChoice, Settings};
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::{
    env,
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// Settings of sandboxes with this machine's /usr, whatever images the user has.
#[must_use]
pub fn with_usr_of_machine() -> Settings {
    Settings { backend: BackendChoice::Local, image: Some(String::new()), ..Settings::default() }
}

/// A temporary folder of one test: its working directory and the state folder of its runs.
#[derive(Debug)]
pub struct TestDir(TempDir);

impl TestDir {
    /// Creates the folder.
    ///
    /// # Panics
    ///
    /// No temporary folder can be created.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without a folder has failed")]
    pub fn new() -> Self {
        // In memory, like the default state folder.
        let memory = Path::new("/dev/shm");
        let is_usable = statvfs(memory).is_ok_and(|fs| !fs.f_flag.contains(StatVfsMountFlags::NOEXEC));
        let folder = if is_usable { memory.to_owned() } else { env::temp_dir() };
        Self(tempfile::Builder::new().prefix("cofferdam-test-").tempdir_in(folder).expect("a folder"))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The state folder of this test's runs.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Writes a file into the folder.
    ///
    /// # Panics
    ///
    /// The file cannot be written.
    #[expect(clippy::expect_used, reason = "a test without its files has failed")]
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).expect("a file");
    }

    /// The command `cofferdam` with these arguments, in this folder, without the user's settings and images.
    #[must_use]
    pub fn cofferdam(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        self.command(root().join("target/release/cofferdam"), args)
    }

    /// The command of this program, like [`Self::cofferdam`].
    #[must_use]
    pub fn command(
        &self,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path())
            .env("COFFERDAM_STATE_DIR", self.state())
            .env("COFFERDAM_IMAGES__DIR", self.path().join("images"))
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `cofferdam` and returns its output.
    ///
    /// # Panics
    ///
    /// The program is missing: run `make build`.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without the program has failed")]
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        self.cofferdam(args).output().expect("cofferdam")
    }

    /// Runs `cofferdam` with `stdin` as standard input and returns its output.
    ///
    /// # Panics
    ///
    /// As [`Self::run`].
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without the program has failed")]
    pub fn run_with_stdin(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>, stdin: &[u8]) -> Output {
        let mut child = self.cofferdam(args).stdin(Stdio::piped()).spawn().expect("cofferdam");
        child.stdin.take().expect("a pipe").write_all(stdin).expect("cofferdam reads");
        child.wait_with_output().expect("cofferdam ends")
    }
}

impl Default for TestDir {
    fn default() -> Self {
        Self::new()
    }
}

/// The outer command with the inner one as its last arguments, with its variables and in its folder.
#[must_use]
pub fn executed_by(mut outer: Command, inner: &Command) -> Command {
    outer.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = inner.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}

/// Standard output as text.
#[must_use]
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
#[must_use]
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
