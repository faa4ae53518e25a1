//! Settings files. Each is opened and read once, so that the settings that are checked are the settings that
//! apply.

use super::{
    LimitSettings, Settings, SettingsError,
    origin::Origin,
    problem::{Problem, ProblemKind},
};
use cofferdam_core::os::{
    regular_file::{self, Links},
    user_dirs,
};
use figment::{
    Error, Figment, Metadata, Profile, Provider,
    providers::{Format, Serialized, Toml},
    value::{Dict, Map},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The name of the files that are read if none is named.
const FILE: &str = "cofferdam.toml";
/// The maximum size of a file in bytes.
const MAX_FILE: usize = 1 << 20;

/// A settings file as it was when it was read.
pub(super) struct SettingsFile {
    path: PathBuf,
    settings: Map<Profile, Dict>,
}

impl SettingsFile {
    /// Reads the file that the user has named.
    pub(super) fn named(path: &Path) -> Result<Self, SettingsError> {
        Self::read(path.to_owned(), Links::Follow)
    }

    /// Reads the files of /etc/cofferdam and of the user's configuration folder; later ones take precedence.
    pub(super) fn found() -> Result<Vec<Self>, SettingsError> {
        let folders = [Some("/etc/cofferdam".into()), user_dirs::config()];
        let found = folders.into_iter().flatten().map(|folder| Self::read(folder.join(FILE), Links::Follow));
        found.filter_map(unless_absent).collect()
    }

    /// Reads the file in the working directory, if there is one. Other users may have written it.
    pub(super) fn of_working_directory() -> Result<Option<Self>, SettingsError> {
        let file = unless_absent(Self::read(FILE.into(), Links::Refuse)).transpose()?;
        file.map(|file| file.require_request_settings().map(|()| file)).transpose()
    }

    fn read(path: PathBuf, links: Links) -> Result<Self, SettingsError> {
        let text = regular_file::read(&path, MAX_FILE, links).and_then(|content| {
            String::from_utf8(content)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
        });
        match text {
            Ok(text) => Self::parse(path, &text),
            Err(source) => Err(SettingsError::File { path, source }),
        }
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, SettingsError> {
        match Toml::string(text).data() {
            Ok(settings) => Ok(Self { path, settings }),
            Err(error) => {
                let problem = error.kind.to_string();
                let problem = problem.strip_prefix("TOML parse error at ").unwrap_or(&problem).to_owned();
                Err(SettingsError::Syntax { path, problem })
            }
        }
    }

    /// Refuses settings that a request cannot ask for: all but the defaults of limits, also future ones.
    pub(super) fn require_request_settings(&self) -> Result<(), SettingsError> {
        let mut names = self.settings.values().flat_map(Dict::keys);
        match names.find(|name| !LimitSettings::NAMES.contains(&name.as_str())) {
            Some(name) => Err(self.refusal(name)),
            None => Ok(()),
        }
    }

    fn refusal(&self, name: &str) -> SettingsError {
        let error = Figment::from(Serialized::default(name, ())).extract::<Settings>().err();
        let unknown = error.map(|error| Problem::of(&error));
        let problem = match unknown.filter(|problem| matches!(problem.kind, ProblemKind::Unknown(_))) {
            Some(unknown) => unknown.text(super::quoted_path),
            None => "cannot be set by a file in the working directory: put it into \
                     ~/.config/cofferdam/cofferdam.toml, or name the file with --config"
                .into(),
        };
        SettingsError::Setting {
            origin: Some(Origin::File(self.path.clone())),
            setting: name.to_owned(),
            problem,
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn of_text(text: &str) -> Result<Self, SettingsError> {
        Self::parse(FILE.into(), text)
    }
}

impl Provider for SettingsFile {
    fn metadata(&self) -> Metadata {
        Metadata::from("settings file", self.path.as_path())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(self.settings.clone())
    }
}

fn unless_absent<T>(read: Result<T, SettingsError>) -> Option<Result<T, SettingsError>> {
    match read {
        Err(SettingsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
        read => Some(read),
    }
}
