//! Where settings come from. Later ones win: defaults, the configuration file, the environment, the command line.

use super::{Settings, SettingsError};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::Serialize;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The configuration file in the working directory, the user's configuration folder or /etc/cofferdam; the first that
/// is there is the one.
const FILE: &str = "cofferdam.toml";
/// Starts the names of environment variables; two underscores lead into a table.
const PREFIX: &str = "COFFERDAM_";
/// Variables with that prefix that are no settings.
const NO_SETTINGS: [&str; 2] = ["config", "log"];
/// What a file that merely lies in the working directory may not decide.
const TRUSTED_ONLY: [&str; 3] = ["runsc", "rootfs", "state_dir"];

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
    let defaults = Figment::from(Serialized::defaults(Settings::default()));
    let with_file = match named(overrides) {
        Some(path) => defaults.merge(read(&path)?),
        None => match found()? {
            Some(file) => defaults.merge(file),
            None => defaults,
        },
    };
    with_file
        .merge(Env::prefixed(PREFIX).ignore(&NO_SETTINGS).split("__"))
        .merge(Serialized::globals(overrides))
        .extract()
        .map_err(|error| SettingsError::Malformed(Box::new(error)))
}

fn named(overrides: &impl Overrides) -> Option<PathBuf> {
    overrides.config().map(Path::to_owned).or_else(|| env::var_os("COFFERDAM_CONFIG").map(PathBuf::from))
}

/// The file that applies when none was named.
fn found() -> Result<Option<figment::providers::Data<Toml>>, SettingsError> {
    let here = PathBuf::from(FILE);
    match read(&here) {
        Ok(file) => return refuse_untrusted(here, file).map(Some),
        Err(SettingsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let user = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".config")))
        .map(|folder| folder.join("cofferdam").join(FILE));
    for path in user.into_iter().chain([Path::new("/etc/cofferdam").join(FILE)]) {
        match read(&path) {
            Ok(file) => return Ok(Some(file)),
            Err(SettingsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<figment::providers::Data<Toml>, SettingsError> {
    match fs::metadata(path).and_then(|_| fs::File::open(path)) {
        Ok(_) => Ok(Toml::file_exact(path)),
        Err(source) => Err(SettingsError::File { path: path.to_owned(), source }),
    }
}

fn refuse_untrusted(
    path: PathBuf,
    file: figment::providers::Data<Toml>,
) -> Result<figment::providers::Data<Toml>, SettingsError> {
    let settings = Figment::from(&file);
    match TRUSTED_ONLY.into_iter().find(|setting| settings.contains(setting)) {
        Some(setting) => Err(SettingsError::Untrusted { path, setting }),
        None => Ok(file),
    }
}
