//! Names that no setting has, and the setting that may have been meant.

use super::Settings;
use figment::{Error, Figment, Provider, error::Kind};

/// How alike two names have to be, from 0 to 1.
const ALIKE: f64 = 0.8;

/// A name that no setting has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) name: String,
    /// The setting beside which it would stand whose name is most like it.
    pub(super) nearest: Option<String>,
}

/// The first name in what is provided that no setting has.
pub(super) fn setting(provided: impl Provider) -> Option<Unknown> {
    Figment::from(provided).extract::<Settings>().err().and_then(|error| of_error(&error))
}

/// The name that settings could not be read for.
pub(super) fn of_error(error: &Error) -> Option<Unknown> {
    let Kind::UnknownField(name, known) = &error.kind else { return None };
    Some(Unknown { name: name.clone(), nearest: nearest(name, known) })
}

fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let scored = known.iter().map(|known| (strsim::jaro(name, known), *known)).filter(|(score, _)| *score >= ALIKE);
    scored.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::providers::{Format, Toml};

    #[test]
    fn the_setting_that_may_have_been_meant_is_named() {
        for (toml, name, nearest) in [
            ("timeout = 3", "timeout", Some("timeout_seconds")),
            ("[serve]\nmax_run = 3", "max_run", Some("max_runs")),
            ("debug = 1", "debug", None),
        ] {
            let unknown = Unknown { name: name.into(), nearest: nearest.map(Into::into) };
            assert_eq!(setting(Toml::string(toml)), Some(unknown), "{toml}");
        }
        assert_eq!(setting(Toml::string("[ceilings]\nmem_limit = \"1Gi\"")), None);
    }
}
