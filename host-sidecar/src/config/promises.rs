//! What holds of settings, whatever a file says.
#![expect(clippy::expect_used, reason = "only tests and fuzzing use it")]

use super::{Settings, load::refuse_untrusted};
use figment::{
    Figment,
    providers::{Data, Format, Serialized, Toml},
};
use std::{path::PathBuf, time::Duration};

fn read(file: Data<Toml>) -> Result<Settings, Box<figment::Error>> {
    Figment::from(Serialized::defaults(Settings::default())).merge(file).extract().map_err(Box::new)
}

/// Settings that can be read are, written again, the same; no default of their policy is above its ceiling; and a file that
/// lies in the working directory decides on what one run may ask for, and on nothing else.
///
/// # Panics
///
/// Where that does not hold.
pub fn settings(file: &[u8]) {
    let Ok(text) = str::from_utf8(file) else { return };
    let Ok(settings) = read(Toml::string(text)) else { return };
    let again = Figment::from(Serialized::defaults(&settings)).extract::<Settings>().expect("settings");
    assert_eq!(again, settings);
    if refuse_untrusted(PathBuf::new(), Toml::string(text)).is_ok() {
        let of_a_run = Settings {
            timeout_seconds: settings.timeout_seconds,
            startup_timeout_seconds: settings.startup_timeout_seconds,
            cpu_limit: settings.cpu_limit,
            mem_limit: settings.mem_limit,
            disk_limit: settings.disk_limit,
            process_limit: settings.process_limit,
            output_limit: settings.output_limit,
            collected_files: settings.collected_files,
            collected_limit: settings.collected_limit,
            languages: settings.languages.clone(),
            mcp: settings.mcp.clone(),
            ..Settings::default()
        };
        assert_eq!(settings, of_a_run);
        assert!(settings.languages.values().all(|language| language.image.is_none()));
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
