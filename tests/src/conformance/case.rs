//! A case: the specification in its folder.

use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Why a test failed.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The folder of the cases of sessions in that of a suite.
const SESSIONS: &str = "sessions";

/// A case that a suite executes.
pub trait TestCase {
    /// The folder's name, a sentence that says what is asserted.
    fn name(&self) -> String;
}

/// A folder of `tests/conformance/` or `tests/hostile/`.
#[derive(Debug, Clone)]
pub struct Case {
    /// The folder.
    pub(super) folder: PathBuf,
    pub(super) spec: CaseSpec,
}

/// `case.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseSpec {
    #[expect(dead_code, reason = "it is required, but only people read it")]
    about: String,
    /// Whether the program behaves the same without a sandbox.
    #[serde(default)]
    pub(super) native: bool,
    #[serde(default)]
    pub(super) request: RequestSpec,
    #[serde(default)]
    pub(super) expect: Expected,
    /// Expectations without a sandbox. Absent if the program could do harm.
    pub(super) unsandboxed: Option<Unsandboxed>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Unsandboxed {
    pub(super) stdout_contains: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct RequestSpec {
    pub(super) language: Option<String>,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) collect: Vec<String>,
    pub(super) code: Option<String>,
    /// Size in bytes to which the program is padded with a comment.
    pub(super) code_size: Option<usize>,
    /// Size in bytes of generated standard input.
    pub(super) stdin_size: Option<usize>,
    pub(super) network: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) files: Vec<FileSpec>,
    pub(super) limits: LimitsSpec,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSpec {
    pub(super) path: String,
    #[serde(default)]
    pub(super) content: String,
    /// Size in bytes to which the content is padded.
    #[serde(default)]
    pub(super) size: usize,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct LimitsSpec {
    pub(super) wall_time_ms: Option<u64>,
    pub(super) startup_time_ms: Option<u64>,
    pub(super) cpu_millis: Option<u32>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) disk_bytes: Option<u64>,
    pub(super) processes: Option<u32>,
    pub(super) output_bytes: Option<u64>,
    pub(super) collected_files: Option<u32>,
    pub(super) collected_bytes: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Expected {
    pub(super) status: Option<Status>,
    pub(super) stdout: Option<String>,
    pub(super) stdout_contains: Vec<String>,
    pub(super) stderr: Option<String>,
    pub(super) stderr_contains: Vec<String>,
    pub(super) stdout_length: Option<u64>,
    pub(super) stdout_cut: bool,
    pub(super) stdout_is_utf8: Option<bool>,
    pub(super) skipped: Vec<String>,
    /// The number of skipped files, instead of their paths.
    pub(super) skipped_number: Option<usize>,
    pub(super) error: Option<String>,
    pub(super) message_contains: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    Exited(u8),
    Killed(u8),
    TimedOut,
    OutOfMemory,
    OutOfDisk(u8),
    OutOfProcesses,
    Cancelled,
}

/// The folders of a suite, sorted by name, without that of the cases of sessions.
pub(crate) fn case_folders(suite: &str) -> io::Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(suite);
    let mut folders = fs::read_dir(root)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    folders.retain(|folder| !folder.ends_with(SESSIONS));
    folders.sort();
    Ok(folders)
}

impl TestCase for Case {
    fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Case {
    /// Every case of a suite, sorted by name.
    ///
    /// # Errors
    ///
    /// A folder has no valid `case.toml`.
    pub fn all(suite: &str) -> Result<Vec<Self>, Failure> {
        case_folders(suite)?.into_iter().map(Self::read).collect()
    }

    /// One case of a suite.
    ///
    /// # Errors
    ///
    /// The folder has no valid `case.toml`.
    pub fn named(suite: &str, name: &str) -> Result<Self, Failure> {
        Self::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(suite).join(name))
    }

    /// The same case with an additional input file.
    #[must_use]
    pub fn with_file(mut self, path: &str, content: &str) -> Self {
        self.spec.request.files.push(FileSpec { path: path.into(), content: content.into(), size: 0 });
        self
    }

    fn read(folder: PathBuf) -> Result<Self, Failure> {
        let file = folder.join("case.toml");
        let with_path = |error: Failure| -> Failure { format!("{}: {error}", file.display()).into() };
        let spec = fs::read_to_string(&file).map_err(|error| with_path(error.into()))?;
        let spec = toml::from_str(&spec).map_err(|error| with_path(error.into()))?;
        Ok(Self { folder, spec })
    }

    /// Whether the program is also executed without a sandbox.
    #[must_use]
    pub fn runs_unsandboxed(&self) -> bool {
        self.spec.unsandboxed.is_some()
    }

    /// The expected bytes of a stream, or 0 if the case does not say.
    pub(super) fn output(&self) -> u64 {
        let limit = self.spec.request.limits.output_bytes.unwrap_or(u64::MAX);
        self.spec.expect.stdout_length.unwrap_or_default().min(limit)
    }

    /// A file of the folder, if it exists.
    pub(super) fn file(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.folder.join(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All files below a subfolder, by relative path.
    pub(super) fn tree(&self, name: &str) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let root = self.folder.join(name);
        let mut files = BTreeMap::new();
        let mut folders: Vec<PathBuf> = root.is_dir().then(|| root.clone()).into_iter().collect();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let relative = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
                files.insert(relative, fs::read(path)?);
            }
        }
        Ok(files)
    }
}
