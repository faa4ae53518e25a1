//! Invariants of settings, for any content of a file.
#![expect(clippy::expect_used, reason = "only tests and fuzzing use it")]

use super::{LimitSettings, Settings, file::SettingsFile};
use figment::{
    Figment,
    providers::{Data, Format, Serialized, Toml},
};

fn read(file: Data<Toml>) -> Result<Settings, Box<figment::Error>> {
    Figment::from(Serialized::defaults(Settings::default())).merge(file).extract().map_err(Box::new)
}

/// Settings survive a round trip through serialization, no default of their policy is above its ceiling, and
/// a file that the working directory may have sets only the limits of requests.
///
/// # Panics
///
/// If one of these invariants is violated.
pub fn check_settings(file: &[u8]) {
    let Ok(text) = str::from_utf8(file) else { return };
    let Ok(settings) = read(Toml::string(text)) else { return };
    let again = Figment::from(Serialized::defaults(&settings)).extract::<Settings>().expect("settings");
    assert_eq!(again, settings);
    if SettingsFile::of_text(text).is_ok_and(|file| file.require_request_settings().is_ok()) {
        let only_limits = Settings::default().with_default_limits(settings.default_limits());
        assert_eq!(settings, only_limits);
    }
    let Ok(policy) = settings.policy() else { return };
    let limits = policy.limits(&Default::default()).expect("the defaults are below the ceilings");
    let limits = LimitSettings::from(limits);
    for ((setting, limit), (_, ceiling)) in limits.values().zip(LimitSettings::from(policy.ceilings).values())
    {
        assert!(limit.is_none_or(|limit| limit.is_positive()), "{setting}");
        assert!(limit.zip(ceiling).is_none_or(|(limit, ceiling)| limit <= ceiling), "{setting}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_keeps_the_invariants() {
        cofferdam_fuzz::check_corpus("settings", super::check_settings);
    }
}
