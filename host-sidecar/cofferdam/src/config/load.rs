//! Loads settings from their sources. Later ones take precedence: defaults, files, the environment, the
//! command line.

use super::{
    Settings, SettingsError, environment,
    file::SettingsFile,
    origin::{COMMAND_LINE, Named, Origin},
    problem::Problem,
};
use cofferdam_core::{InvalidSetting, policy::default_languages};
use figment::{Figment, providers::Serialized};
use serde::Serialize;
use std::{
    env,
    path::{Path, PathBuf},
};

/// The settings of a command line: a serializable structure with some of the fields of [`Settings`].
pub trait Overrides: Serialize {
    /// The settings file that the command line names.
    fn config(&self) -> Option<&Path>;
}

/// Loads and checks all settings.
///
/// # Errors
///
/// [`SettingsError`] with the setting and where it is set.
pub fn load(overrides: &impl Overrides) -> Result<Settings, SettingsError> {
    let sources = sources(overrides)?;
    let settings: Settings = sources.extract().map_err(|error| unreadable(&error))?;
    settings.validate().map_err(|InvalidSetting { setting, problem }| {
        let path: Vec<String> = setting.split('.').map(str::to_owned).collect();
        SettingsError::Setting { origin: Origin::of(&sources, &path), setting, problem }
    })?;
    Ok(settings)
}

fn sources(overrides: &impl Overrides) -> Result<Figment, SettingsError> {
    // A table of another source changes the settings that it has and keeps the rest.
    let defaults = Settings { languages: default_languages(), ..Settings::default() };
    let defaults = Figment::from(Serialized::defaults(defaults));
    let with_files = match named_file(overrides) {
        Some(path) => defaults.merge(SettingsFile::named(&path)?),
        None => {
            let found = SettingsFile::found()?.into_iter().chain(SettingsFile::of_working_directory()?);
            found.fold(defaults, Figment::merge)
        }
    };
    let with_environment = with_files.merge(environment::settings()?);
    Ok(with_environment.merge(Named(COMMAND_LINE, Serialized::globals(overrides))))
}

/// A file that is named replaces all files that would be found.
fn named_file(overrides: &impl Overrides) -> Option<PathBuf> {
    let in_environment = || env::var_os("COFFERDAM_CONFIG").filter(|path| !path.is_empty());
    overrides.config().map(Path::to_owned).or_else(|| in_environment().map(PathBuf::from))
}

fn unreadable(error: &figment::Error) -> SettingsError {
    let problem = Problem::of(error);
    let origin = error.metadata.as_ref().and_then(|metadata| Origin::from_metadata(metadata, &problem.path));
    let name = |path: &[String]| match origin {
        Some(Origin::Variable(_)) => environment::variable_name(path),
        _ => super::quoted_path(path),
    };
    let problem_text = problem.text(name);
    SettingsError::Setting { setting: problem.path.join("."), problem: problem_text, origin }
}
