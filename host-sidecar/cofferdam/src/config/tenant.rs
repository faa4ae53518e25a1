//! The shares and ceilings of tenants, which are at most the operator's.

use super::{Ceilings, Settings, SettingsError};
use cofferdam_core::{
    InvalidSetting,
    policy::Policy,
    quantity::{Bytes, Cpu, Seconds},
};
use serde::{Deserialize, Serialize};

/// The settings of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSettings {
    /// Its share of `serve.max_runs`, and in proportion of `serve.max_queued`. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_runs: Option<u32>,
    /// Its share of `serve.max_connections`. Default: half of them if there are several tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// The highest limits that its requests may ask for.
    pub ceilings: LoweredCeilings,
}

/// Ceilings of one tenant, by the names of [`Ceilings`]. The operator's ceiling replaces a missing one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the documentation is that of `Ceilings`")]
pub struct LoweredCeilings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_timeout_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_limit: Option<Cpu>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem_limit: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_limit: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_limit: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected_files: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected_limit: Option<Bytes>,
}

impl TenantSettings {
    /// The tenant's ceilings, given the operator's.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] for a ceiling above the operator's, and for a ceiling or share of zero.
    pub(super) fn ceilings(&self, name: &str, operators: &Ceilings) -> Result<Ceilings, InvalidSetting> {
        let lowered = &self.ceilings;
        for (setting, value) in [
            ("max_runs", self.max_runs),
            ("max_connections", self.max_connections),
            ("ceilings.process_limit", lowered.process_limit),
            ("ceilings.collected_files", lowered.collected_files),
        ] {
            if value == Some(0) {
                return Err(InvalidSetting::new(format!("tenants.{name}.{setting}"), "is zero"));
            }
        }
        let setting = |setting: &str| format!("tenants.{name}.ceilings.{setting}");
        let cpu_limit = match (lowered.cpu_limit, operators.cpu_limit) {
            (lowered, Some(ceiling)) => Some(lower(setting("cpu_limit"), lowered, ceiling)?),
            (lowered, None) => lowered,
        };
        Ok(Ceilings {
            timeout_seconds: lower(setting("timeout_seconds"), lowered.timeout_seconds, operators.timeout_seconds)?,
            startup_timeout_seconds: lower(
                setting("startup_timeout_seconds"),
                lowered.startup_timeout_seconds,
                operators.startup_timeout_seconds,
            )?,
            cpu_limit,
            mem_limit: lower(setting("mem_limit"), lowered.mem_limit, operators.mem_limit)?,
            disk_limit: lower(setting("disk_limit"), lowered.disk_limit, operators.disk_limit)?,
            process_limit: lower(setting("process_limit"), lowered.process_limit, operators.process_limit)?,
            output_limit: lower(setting("output_limit"), lowered.output_limit, operators.output_limit)?,
            collected_files: lower(setting("collected_files"), lowered.collected_files, operators.collected_files)?,
            collected_limit: lower(setting("collected_limit"), lowered.collected_limit, operators.collected_limit)?,
        })
    }
}

fn lower<T: PartialOrd>(setting: String, lowered: Option<T>, operators: T) -> Result<T, InvalidSetting> {
    match lowered {
        Some(lowered) if lowered > operators => Err(InvalidSetting::new(setting, "is above the operator's ceiling")),
        lowered => Ok(lowered.unwrap_or(operators)),
    }
}

impl Settings {
    /// The policy for one tenant.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::policy`].
    pub fn tenant_policy(&self, name: &str) -> Result<Policy, SettingsError> {
        let mut policy = self.policy()?;
        if let Some(tenant) = self.tenants.get(name) {
            policy.ceilings = tenant.ceilings(name, &self.ceilings)?.limits();
        }
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::{ErrorCode, RequestedLimits};
    use figment::{
        Figment,
        providers::{Format, Serialized, Toml},
    };

    fn settings(toml: &str) -> Settings {
        let defaults = Figment::from(Serialized::defaults(Settings::default()));
        defaults.merge(Toml::string(toml)).extract().expect("settings")
    }

    #[test]
    fn ceilings_of_a_tenant_apply_to_that_tenant_only() {
        let settings = settings("[tenants.a.ceilings]\nmem_limit = \"64Mi\"");
        let asked = RequestedLimits { memory_bytes: Some(65 << 20), ..RequestedLimits::default() };
        let limits = |tenant| settings.tenant_policy(tenant).expect("a policy").limits(&asked);
        assert_eq!(limits("a").map_err(|error| error.code), Err(ErrorCode::Denied));
        assert!(limits("b").is_ok());
        let default = settings.tenant_policy("a").expect("a policy").limits(&RequestedLimits::default());
        assert_eq!(default.map(|limits| limits.memory_bytes), Ok(64 << 20));
    }

    #[test]
    fn ceilings_of_a_tenant_above_the_operators_are_refused() {
        for (toml, part) in [
            ("[tenants.a.ceilings]\nmem_limit = \"1Ti\"", "`tenants.a.ceilings.mem_limit` is above"),
            ("[tenants.a.ceilings]\nprocess_limit = 0", "`tenants.a.ceilings.process_limit` is zero"),
            ("[tenants.a]\nmax_runs = 0", "`tenants.a.max_runs` is zero"),
            ("[tenants.a]\nmax_connections = 0", "`tenants.a.max_connections` is zero"),
        ] {
            let error = settings(toml).policy().expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
