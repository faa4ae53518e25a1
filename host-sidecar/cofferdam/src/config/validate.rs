//! Checks of settings that are well formed and may still be invalid.

use super::{Settings, limits::Value};
use cofferdam_core::{InvalidSetting, policy::is_language_name, quantity::Bytes};
use cofferdam_types::{quoted, validation::relative_path};

/// A guest component holds each stream twice, and as text, beside the files.
const MAX_OUTPUT: Bytes = Bytes(64 << 20);
/// A guest component holds the files beside the streams.
const MAX_COLLECTED: Bytes = Bytes(128 << 20);
/// More than any machine has.
const MAX_BYTES: Bytes = Bytes(1 << 50);
/// gVisor counts the tasks of a sandbox in 16 bits.
const MAX_PROCESSES: u32 = 60_000;

impl Settings {
    /// Checks the values of all settings.
    pub(super) fn validate(&self) -> Result<(), InvalidSetting> {
        self.validate_zeros()?;
        self.validate_ceilings()?;
        self.validate_defaults()?;
        self.validate_languages()?;
        let images = self.languages.iter().filter_map(|(name, language)| {
            language.image.as_ref().map(|image| (format!("languages.{name}.image"), image))
        });
        self.kubernetes().validate(images)?;
        self.images.validate()?;
        self.mcp.validate()?;
        self.serve.validate()?;
        self.sessions.validate()?;
        for (name, tenant) in &self.tenants {
            tenant.ceilings(name, &self.ceilings)?;
        }
        self.pool.validate()
    }

    /// No default may be above its ceiling.
    fn validate_defaults(&self) -> Result<(), InvalidSetting> {
        for ((setting, default), (_, ceiling)) in self.default_limits().values().zip(self.ceilings.values()) {
            if let Some((_, ceiling)) = default.zip(ceiling).filter(|(default, ceiling)| default > ceiling) {
                let problem = format!("is above its ceiling of {ceiling} (`ceilings.{setting}`)");
                return Err(InvalidSetting::new(setting, problem));
            }
        }
        Ok(())
    }

    fn validate_languages(&self) -> Result<(), InvalidSetting> {
        for (name, language) in &self.languages {
            if !is_language_name(name) {
                let problem = format!(
                    "has {}, which is not a valid name of a language: 1 to 63 lower-case letters, digits and `-_.+#`, the \
                     first a letter or digit",
                    quoted(name)
                );
                return Err(InvalidSetting::new("languages", problem));
            }
            let is_file_name = relative_path(&language.file).is_ok() && !language.file.contains('/');
            if language.command.first().is_none_or(String::is_empty) || !is_file_name {
                let problem = "needs a `command`, and a `file` that is a name without a folder";
                return Err(InvalidSetting::new(format!("languages.{name}"), problem));
            }
            if !language.is_preload_valid() {
                let problem = "needs names of Python modules, and `prewarm = true`";
                return Err(InvalidSetting::new(format!("languages.{name}.preload_modules"), problem));
            }
        }
        Ok(())
    }

    fn validate_ceilings(&self) -> Result<(), InvalidSetting> {
        let ceilings = &self.ceilings;
        for (setting, is_above, max) in [
            ("output_limit", ceilings.output_limit > MAX_OUTPUT, MAX_OUTPUT.to_string()),
            ("collected_limit", ceilings.collected_limit > MAX_COLLECTED, MAX_COLLECTED.to_string()),
            ("mem_limit", ceilings.mem_limit > MAX_BYTES, MAX_BYTES.to_string()),
            ("disk_limit", ceilings.disk_limit > MAX_BYTES, MAX_BYTES.to_string()),
            ("process_limit", ceilings.process_limit > MAX_PROCESSES, MAX_PROCESSES.to_string()),
        ] {
            if is_above {
                let problem = format!("is above {max}, the maximum");
                return Err(InvalidSetting::new(format!("ceilings.{setting}"), problem));
            }
        }
        Ok(())
    }

    fn validate_zeros(&self) -> Result<(), InvalidSetting> {
        let is_zero = |value: Option<Value>| value.is_some_and(|value| !value.is_positive());
        if let Some((setting, _)) = self.default_limits().values().find(|(_, value)| is_zero(*value)) {
            return Err(InvalidSetting::new(setting, "is zero"));
        }
        match self.ceilings.values().find(|(_, value)| is_zero(*value)) {
            Some((setting, _)) => Err(InvalidSetting::new(format!("ceilings.{setting}"), "is zero")),
            None => Ok(()),
        }
    }
}
