//! Where settings come from. Later ones win: defaults, the configuration file, the environment, the command line.

use super::{Settings, SettingsError};
use crate::{policy::default_languages, user_folders};
use figment::{
    Figment,
    providers::{Data, Env, Format, Serialized, Toml},
};
use serde::Serialize;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The configuration files, of which later ones win: in /etc/cofferdam, in the user's configuration folder, in the working
/// directory. One that is named stands for all three.
const FILE: &str = "cofferdam.toml";
/// Starts the names of environment variables; two underscores lead into a table.
const PREFIX: &str = "COFFERDAM_";
/// Variables with that prefix that are no settings.
const NO_SETTINGS: [&str; 4] = ["config", "log", "token", "url"];
/// What a file that merely lies in the working directory may not decide.
const TRUSTED_ONLY: [&str; 25] = [
    "backend",
    "ceilings",
    "cpu_requested",
    "image",
    "image_pull_secrets",
    "kubeconfig_context",
    "kubeconfig_path",
    "mem_requested",
    "namespace",
    "networks",
    "node_selector",
    "pod_labels",
    "pod_overlay",
    "pool",
    "priority_class",
    "rootfs",
    "runsc",
    "runtime_class",
    "scale_up_seconds",
    "serve",
    "service_account",
    "state_dir",
    "tenants",
    "tolerations",
    "workload",
];

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
        Some(path) => defaults.merge(read(&path)?),
        None => found()?.into_iter().fold(defaults, Figment::merge),
    };
    with_files
        .merge(Env::prefixed(PREFIX).ignore(&NO_SETTINGS).split("__"))
        .merge(Serialized::globals(overrides))
        .extract()
        .map_err(|error| SettingsError::Malformed(Box::new(error)))
}

fn named(overrides: &impl Overrides) -> Option<PathBuf> {
    overrides.config().map(Path::to_owned).or_else(|| env::var_os("COFFERDAM_CONFIG").map(PathBuf::from))
}

/// The files that apply when none was named.
fn found() -> Result<Vec<Data<Toml>>, SettingsError> {
    let folders = [Some("/etc/cofferdam".into()), user_folders::config(), Some(PathBuf::new())];
    let mut found = Vec::new();
    for folder in folders.into_iter().flatten() {
        let path = folder.join(FILE);
        match read(&path) {
            Ok(file) if folder.as_os_str().is_empty() => found.push(refuse_untrusted(path, file)?),
            Ok(file) => found.push(file),
            Err(SettingsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Data<Toml>, SettingsError> {
    match fs::metadata(path).and_then(|_| fs::File::open(path)) {
        Ok(_) => Ok(Toml::file_exact(path)),
        Err(source) => Err(SettingsError::File { path: path.to_owned(), source }),
    }
}

pub(super) fn refuse_untrusted(path: PathBuf, file: Data<Toml>) -> Result<Data<Toml>, SettingsError> {
    let settings = Figment::from(&file);
    let languages = settings.find_value("languages").ok().and_then(|languages| languages.into_dict());
    let mut languages =
        languages.iter().flat_map(|languages| languages.values()).filter_map(|language| language.as_dict());
    let names_image = languages.any(|language| language.contains_key("image")).then_some("languages.*.image");
    match names_image.or_else(|| TRUSTED_ONLY.into_iter().find(|setting| settings.contains(setting))) {
        Some(setting) => Err(SettingsError::Untrusted { path, setting }),
        None => Ok(file),
    }
}
