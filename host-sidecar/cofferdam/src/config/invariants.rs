//! Invariants of settings, for any content of a file.
#![expect(clippy::expect_used, reason = "only tests and fuzzing use it")]

use super::{Settings, file::SettingsFile};
use figment::{
    Figment,
    providers::{Data, Format, Serialized, Toml},
};
use std::time::Duration;

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
        let only_limits = Settings {
            timeout_seconds: settings.timeout_seconds,
            startup_timeout_seconds: settings.startup_timeout_seconds,
            cpu_limit: settings.cpu_limit,
            mem_limit: settings.mem_limit,
            disk_limit: settings.disk_limit,
            process_limit: settings.process_limit,
            output_limit: settings.output_limit,
            collected_files: settings.collected_files,
            collected_limit: settings.collected_limit,
            ..Settings::default()
        };
        assert_eq!(settings, only_limits);
    }
    let Ok(policy) = settings.policy() else { return };
    let limits = policy.limits(&Default::default()).expect("the defaults are below the ceilings");
    let ceilings = &policy.ceilings;
    assert!(limits.wall_time <= ceilings.wall_time && limits.startup_time <= ceilings.startup_time);
    assert!(limits.wall_time > Duration::ZERO && limits.startup_time > Duration::ZERO);
    for (limit, ceiling) in [
        (limits.memory_bytes, ceilings.memory_bytes),
        (limits.disk_bytes, ceilings.disk_bytes),
        (limits.processes.into(), ceilings.processes.into()),
        (limits.output_bytes, ceilings.output_bytes),
        (limits.collected_files.into(), ceilings.collected_files.into()),
        (limits.collected_bytes, ceilings.collected_bytes),
    ] {
        assert!(0 < limit && limit <= ceiling);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_keeps_the_invariants() {
        cofferdam_fuzz::check_corpus("settings", super::check_settings);
    }
}
