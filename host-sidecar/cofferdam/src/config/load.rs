//! Where settings come from. Later ones win: defaults, the configuration files, the environment, the command line.

use super::{Settings, SettingsError, environment, file::SettingsFile};
use cofferdam_core::policy::default_languages;
use figment::{Figment, providers::Serialized};
use serde::Serialize;
use std::{
    env,
    path::{Path, PathBuf},
};

/// What the command line sets: a serializable structure with some of the fields of [`Settings`].
pub trait Overrides: Serialize {
    /// The configuration file that was named.
    fn config(&self) -> Option<&Path>;
}

/// Reads all settings.
///
/// # Errors
///
/// [`SettingsError`], naming the setting and where it comes from.
pub fn load(overrides: &impl Overrides) -> Result<Settings, SettingsError> {
    // A table of one of them changes what it names and leaves the rest.
    let defaults = Settings { languages: default_languages(), ..Settings::default() };
    let defaults = Figment::from(Serialized::defaults(defaults));
    let with_files = match named(overrides) {
        Some(path) => defaults.merge(SettingsFile::named(&path)?),
        None => {
            let found = SettingsFile::found()?.into_iter().chain(SettingsFile::of_working_directory()?);
            found.fold(defaults, Figment::merge)
        }
    };
    with_files
        .merge(environment::settings()?)
        .merge(Serialized::globals(overrides))
        .extract()
        .map_err(|error| SettingsError::Malformed(Box::new(error)))
}

/// A file that is named stands for all that would be found.
fn named(overrides: &impl Overrides) -> Option<PathBuf> {
    let in_environment = || env::var_os("COFFERDAM_CONFIG").filter(|path| !path.is_empty());
    overrides.config().map(Path::to_owned).or_else(|| in_environment().map(PathBuf::from))
}
