//! A wall clock for processes that can be set while they go on, by Debian's `libfaketime`.

use crate::program::Place;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where packages put libraries, a folder an architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketime.so.1";

/// The clock of the processes that have its settings in their environment.
#[derive(Debug, Clone)]
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// One in this folder that is right so far; none on a machine without the library, which has then been said.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be written to.
    pub fn new(place: &Place) -> io::Result<Option<Self>> {
        let libraries = fs::read_dir(LIBRARIES)?.flatten().map(|folder| folder.path().join(LIBRARY));
        let Some(library) = libraries.into_iter().find(|library| library.exists()) else {
            println!("no clock is set: on Debian, install libfaketime");
            return Ok(None);
        };
        let clock = Self { library, file: place.path().join("clock") };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// Puts it so many seconds ahead of the machine's, or behind.
    ///
    /// # Errors
    ///
    /// Where its file cannot be written.
    pub fn set(&self, ahead: i64) -> io::Result<()> {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{ahead:+}"))?;
        fs::rename(new, &self.file)
    }

    /// Variables for the environment of a process.
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
