//! Files of settings: each is opened and read once, and what was read is both checked and used.

use super::{
    SettingsError,
    unknown::{self, Unknown},
};
use cofferdam_core::os::{
    regular_file::{self, Links},
    user_folders,
};
use figment::{
    Error, Metadata, Profile, Provider,
    providers::{Format, Serialized, Toml},
    value::{Dict, Map},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The name of the files that are found.
const FILE: &str = "cofferdam.toml";
/// What a file of the working directory may set: defaults of what a request could ask for itself, below the ceilings. Any other
/// setting, also one that is yet to come, is refused there.
const OF_REQUESTS: [&str; 9] = [
    "collected_files",
    "collected_limit",
    "cpu_limit",
    "disk_limit",
    "mem_limit",
    "output_limit",
    "process_limit",
    "startup_timeout_seconds",
    "timeout_seconds",
];
/// Bytes of a file.
const MAX_FILE: usize = 1 << 20;

/// What stood in a file when it was read.
pub(super) struct SettingsFile {
    path: PathBuf,
    text: String,
}

impl SettingsFile {
    /// Reads the file that was named.
    pub(super) fn named(path: &Path) -> Result<Self, SettingsError> {
        Self::read(path.to_owned(), Links::Follow)
    }

    /// The files of /etc/cofferdam and of the user's configuration folder; later ones win.
    pub(super) fn found() -> Result<Vec<Self>, SettingsError> {
        let folders = [Some("/etc/cofferdam".into()), user_folders::config()];
        let found = folders.into_iter().flatten().map(|folder| Self::read(folder.join(FILE), Links::Follow));
        found.filter_map(unless_absent).collect()
    }

    /// That of the working directory, if there is one. Whoever could write there may have made it.
    pub(super) fn of_working_directory() -> Result<Option<Self>, SettingsError> {
        let file = unless_absent(Self::read(FILE.into(), Links::Refuse)).transpose()?;
        file.map(|file| file.require_settings_of_requests().map(|()| file)).transpose()
    }

    fn read(path: PathBuf, links: Links) -> Result<Self, SettingsError> {
        let text = regular_file::read(&path, MAX_FILE, links).and_then(|content| {
            String::from_utf8(content).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
        });
        match text {
            Ok(text) => Ok(Self { path, text }),
            Err(source) => Err(SettingsError::File { path, source }),
        }
    }

    /// Refuses what no request could ask for itself.
    pub(super) fn require_settings_of_requests(&self) -> Result<(), SettingsError> {
        let data = self.data().map_err(|error| SettingsError::Malformed(Box::new(error)))?;
        let mut names = data.values().flat_map(Dict::keys);
        match names.find(|name| !OF_REQUESTS.contains(&name.as_str())) {
            Some(name) => Err(self.refusal(name)),
            None => Ok(()),
        }
    }

    fn refusal(&self, name: &str) -> SettingsError {
        let path = self.path.clone();
        match unknown::setting(Serialized::default(name, ())) {
            Some(Unknown { name, nearest }) => SettingsError::Unknown { path, name, nearest },
            None => SettingsError::Untrusted { path, setting: name.to_owned() },
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn of_text(text: &str) -> Self {
        Self { path: FILE.into(), text: text.to_owned() }
    }
}

impl Provider for SettingsFile {
    fn metadata(&self) -> Metadata {
        Metadata::from("TOML file", self.path.as_path())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Toml::string(&self.text).data()
    }
}

fn unless_absent<T>(read: Result<T, SettingsError>) -> Option<Result<T, SettingsError>> {
    match read {
        Err(SettingsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
        read => Some(read),
    }
}
