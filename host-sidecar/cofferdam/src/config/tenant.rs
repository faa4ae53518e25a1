//! The shares and ceilings of tenants, which are at most the operator's.

use super::{LimitSettings, LoweredCeilings, Settings, SettingsError};
use cofferdam_core::{
    InvalidSetting,
    policy::{AllowedImages, Policy},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    /// Its sessions at once, out of `sessions.max_sessions`. Default: `sessions.max_sessions_per_tenant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sessions: Option<u32>,
    /// The images that its requests may choose, instead of the setting `allowed_images`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_images: Option<AllowedImages>,
    /// The highest limits that its requests may ask for.
    pub ceilings: LoweredCeilings,
}

impl TenantSettings {
    /// The tenant's ceilings, given the operator's.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] for a ceiling above the operator's, and for a ceiling or share of zero.
    pub(super) fn ceilings(
        &self,
        name: &str,
        operators: &LimitSettings,
    ) -> Result<LimitSettings, InvalidSetting> {
        let named = |setting: &str| format!("tenants.{name}.{setting}");
        for (setting, value) in [
            ("max_runs", self.max_runs),
            ("max_connections", self.max_connections),
            ("max_sessions", self.max_sessions),
        ] {
            if value == Some(0) {
                return Err(InvalidSetting::new(named(setting), "is zero"));
            }
        }
        self.ceilings.below(operators).map_err(|InvalidSetting { setting, problem }| {
            InvalidSetting::new(named(&format!("ceilings.{setting}")), problem)
        })
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
            if let Some(allowed) = &tenant.allowed_images {
                policy.allowed_images = Arc::new(allowed.clone());
            }
        }
        Ok(policy)
    }

    /// Whether any request may choose an image.
    pub(crate) fn has_choice_of_images(&self) -> bool {
        let of_tenants = self.tenants.values().filter_map(|tenant| tenant.allowed_images.as_ref());
        of_tenants.chain([&self.allowed_images]).any(|allowed| !allowed.is_empty())
    }

    /// These settings, with no request that may choose an image.
    pub(crate) fn without_choice_of_images(mut self) -> Self {
        self.allowed_images = AllowedImages::default();
        self.tenants.values_mut().for_each(|tenant| tenant.allowed_images = None);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::{ErrorCode, Request, RequestedLimits};
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
    fn images_of_a_tenant_replace_those_of_all() {
        let settings = settings(
            "allowed_images = ['python', 'team/*']\n[tenants.a]\nallowed_images = ['perl']\n[tenants.b]\nallowed_images = []",
        );
        for (tenant, image, expected) in [
            ("a", "perl:5", Ok(())),
            ("a", "python", Err(ErrorCode::Denied)),
            ("b", "python", Err(ErrorCode::Denied)),
            ("c", "python", Ok(())),
            ("c", "team/app", Ok(())),
            ("c", "perl", Err(ErrorCode::Denied)),
        ] {
            let request = Request { code: "1".into(), image: Some(image.into()), ..Request::default() };
            let plan = settings.tenant_policy(tenant).expect("a policy").plan(request);
            assert_eq!(plan.map(|_| ()).map_err(|error| error.code), expected, "{tenant} {image}");
        }
        assert!(settings.has_choice_of_images() && !Settings::default().has_choice_of_images());
    }

    #[test]
    fn ceilings_of_a_tenant_above_the_operators_are_refused() {
        for (toml, part) in [
            ("[tenants.a.ceilings]\nmem_limit = \"1Ti\"", "`tenants.a.ceilings.mem_limit` is above"),
            ("[tenants.a.ceilings]\nprocess_limit = 0", "`tenants.a.ceilings.process_limit` is zero"),
            ("[tenants.a]\nmax_runs = 0", "`tenants.a.max_runs` is zero"),
            ("[tenants.a]\nmax_connections = 0", "`tenants.a.max_connections` is zero"),
            ("[tenants.a]\nmax_sessions = 0", "`tenants.a.max_sessions` is zero"),
        ] {
            let error = settings(toml).policy().expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
