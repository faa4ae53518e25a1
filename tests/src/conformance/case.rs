//! A case as its folder states it.

use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Why a case failed, for the person who reads the test's output.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A folder of `tests/conformance/` or `tests/hostile/`.
#[derive(Debug, Clone)]
pub struct Case {
    /// The folder.
    pub(super) folder: PathBuf,
    pub(super) stated: Stated,
}

/// `case.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stated {
    #[expect(dead_code, reason = "it is for readers, and must be there")]
    about: String,
    /// Whether the program does the same natively.
    #[serde(default)]
    pub(super) native: bool,
    #[serde(default)]
    pub(super) request: StatedRequest,
    #[serde(default)]
    pub(super) expect: Expected,
    /// What comes of it where there is no wall; none where that is better not tried.
    pub(super) unwalled: Option<Unwalled>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Unwalled {
    pub(super) stdout_contains: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct StatedRequest {
    pub(super) language: Option<String>,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) collect: Vec<String>,
    pub(super) code: Option<String>,
    /// Bytes that the program is padded to with a comment.
    pub(super) code_size: Option<usize>,
    /// Bytes of standard input that is made up.
    pub(super) stdin_size: Option<usize>,
    pub(super) network: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) files: Vec<StatedFile>,
    pub(super) limits: StatedLimits,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatedFile {
    pub(super) path: String,
    #[serde(default)]
    pub(super) content: String,
    /// Bytes that the content is padded to.
    #[serde(default)]
    pub(super) size: usize,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct StatedLimits {
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
    /// How many, in place of their paths.
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

impl Case {
    /// Every folder of a suite, in the order of their names.
    ///
    /// # Errors
    ///
    /// What is wrong with the first folder that is no case.
    pub fn all(suite: &str) -> Result<Vec<Self>, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(suite);
        let mut folders = fs::read_dir(root)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        folders.sort();
        folders.into_iter().map(Self::read).collect()
    }

    /// One folder of a suite.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn named(suite: &str, name: &str) -> Result<Self, Failure> {
        Self::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(suite).join(name))
    }

    /// The same with a file more among its inputs.
    #[must_use]
    pub fn with_file(mut self, path: &str, content: &str) -> Self {
        self.stated.request.files.push(StatedFile { path: path.into(), content: content.into(), size: 0 });
        self
    }

    fn read(folder: PathBuf) -> Result<Self, Failure> {
        let file = folder.join("case.toml");
        let named = |error: Failure| -> Failure { format!("{}: {error}", file.display()).into() };
        let stated = fs::read_to_string(&file).map_err(|error| named(error.into()))?;
        let stated = toml::from_str(&stated).map_err(|error| named(error.into()))?;
        Ok(Self { folder, stated })
    }

    /// The folder's name: the promise.
    #[must_use]
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether it says what comes of its program without a sandbox.
    #[must_use]
    pub fn is_tried_unwalled(&self) -> bool {
        self.stated.unwalled.is_some()
    }

    /// Bytes of a stream that come back at the most, as far as the case says.
    pub(super) fn output(&self) -> u64 {
        let bound = self.stated.request.limits.output_bytes.unwrap_or(u64::MAX);
        self.stated.expect.stdout_length.unwrap_or_default().min(bound)
    }

    /// The folder's file of that name, if there is one.
    pub(super) fn file(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.folder.join(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All files below the folder's folder of that name, by their relative paths.
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
