//! Where a setting is set.

use figment::{
    Error, Figment, Metadata, Profile, Provider, Source,
    value::{Dict, Map},
};
use std::path::PathBuf;

/// Where a setting is set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A settings file.
    File(PathBuf),
    /// An environment variable, by its name.
    Variable(String),
    /// An option of the command line.
    CommandLine,
}

/// The names of sources that are not files.
pub(super) const ENVIRONMENT: &str = "environment";
pub(super) const COMMAND_LINE: &str = "command line";

/// A source of settings with a name.
pub(super) struct Named<P>(pub(super) &'static str, pub(super) P);

impl<P: Provider> Provider for Named<P> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.0)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        self.1.data()
    }
}

impl Origin {
    /// Where the setting of this path is set; none if it is a default or not set.
    pub(super) fn of(figment: &Figment, path: &[String]) -> Option<Self> {
        Self::from_metadata(figment.find_metadata(&path.join("."))?, path)
    }

    pub(super) fn from_metadata(metadata: &Metadata, path: &[String]) -> Option<Self> {
        match (&metadata.source, &*metadata.name) {
            (Some(Source::File(file)), _) => Some(Self::File(file.clone())),
            (_, ENVIRONMENT) => Some(Self::Variable(super::environment::variable_name(path))),
            (_, COMMAND_LINE) => Some(Self::CommandLine),
            _ => None,
        }
    }
}
