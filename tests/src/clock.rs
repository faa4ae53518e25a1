//! A wall clock that tests can set while a process runs, with Debian's `libfaketime`.

use crate::program::TestDir;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Contains a folder of libraries for each architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketime.so.1";

/// The clock of every process that has [`Clock::settings`] in its environment.
#[derive(Debug, Clone)]
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// A correct clock whose file is in `dir`. `None`, after a message, if the library is not installed.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn new(dir: &TestDir) -> io::Result<Option<Self>> {
        let libraries = fs::read_dir(LIBRARIES)?.flatten().map(|folder| folder.path().join(LIBRARY));
        let Some(library) = libraries.into_iter().find(|library| library.exists()) else {
            println!(
                "tests that set the clock are skipped: libfaketime is not installed (Debian package libfaketime)"
            );
            return Ok(None);
        };
        let clock = Self { library, file: dir.path().join("clock") };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// Sets the clock to `ahead` seconds ahead of the machine's clock; negative means behind.
    ///
    /// # Errors
    ///
    /// The clock's file cannot be written.
    pub fn set(&self, ahead: i64) -> io::Result<()> {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{ahead:+}"))?;
        fs::rename(new, &self.file)
    }

    /// Environment variables for a process that uses this clock.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 4] {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file)),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }
}
