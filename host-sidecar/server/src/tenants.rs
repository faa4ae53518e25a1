//! Who may use the sidecar, and what each may have.

use super::{
    SetupError,
    admission::{Admission, Bounds},
    budget::Budget,
    token_file::{self, DEFAULT_TENANT, Token},
};
use crate::config::ServerConfig;
use cofferdam_core::Runtime;
use std::{collections::BTreeMap, sync::Arc};
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// One tenant.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) name: String,
    /// With the tenant's own policy.
    pub(super) sidecar: Runtime,
    pub(super) admission: Admission,
    pub(super) budget: Budget,
    /// For outcomes.
    pub(super) output: Budget,
    /// Connections at once.
    pub(super) max_connections: usize,
}

/// All tenants.
pub(super) struct Tenants {
    tenants: Vec<Arc<Tenant>>,
    /// Tokens, each with the place of its tenant. Empty: nobody needs one, and all are the one tenant there is.
    tokens: Vec<(Token, u32)>,
}

impl Tenants {
    /// Those of the token file, or the one of everybody.
    pub(super) fn new(config: &ServerConfig, sidecar: &Runtime, bounds: &Arc<Bounds>) -> Result<Self, SetupError> {
        let tokens = config.serve.token_file.as_deref().map(token_file::read).transpose()?.unwrap_or_default();
        let mut names: Vec<_> = tokens.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            names.push(DEFAULT_TENANT.into());
        }
        // A name that is misspelt would leave a tenant without its ceilings.
        if let Some(unknown) = config.tenants.keys().find(|name| !names.contains(name)) {
            return Err(SetupError::UnknownTenant { name: unknown.clone(), known: names.join(", ") });
        }
        let places: BTreeMap<_, _> = names.iter().cloned().zip(0..).collect();
        let tokens = tokens.into_iter().filter_map(|(name, token)| Some((token, *places.get(&name)?))).collect();
        let (has_others, serve) = (names.len() > 1, &config.serve);
        let bodies = Budget::for_tenants(names.len(), serve);
        let largest = sidecar.policy().ceilings.outcome_memory();
        let outputs = Budget::shares(names.len(), serve.output_memory.0, largest);
        let tenant = |(name, (budget, output)): (String, (Budget, Budget))| {
            let own = config.tenants.get(&name);
            let mut sidecar = own.map_or_else(|| sidecar.clone(), |tenant| sidecar.with_policy(tenant.policy.clone()));
            if has_others {
                sidecar = sidecar.with_tenant(&name);
            }
            let max_runs = own.and_then(|tenant| tenant.max_runs);
            let admission = Admission::new(bounds.clone(), &name, max_runs, has_others);
            let share = if has_others { serve.max_connections.div_ceil(2) } else { serve.max_connections };
            let max_connections = own.and_then(|tenant| tenant.max_connections).unwrap_or(share);
            let max_connections = usize::try_from(max_connections).unwrap_or(usize::MAX);
            Arc::new(Tenant { name, sidecar, admission, max_connections, budget, output })
        };
        let tenants = names.into_iter().zip(bodies.zip(outputs)).map(tenant).collect();
        Ok(Self { tenants, tokens })
    }

    /// Whether a token is asked for.
    pub(super) fn need_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// The tenant that a token is of. Each token is looked at, so that the time says nothing about any of them.
    pub(super) fn of(&self, token: Option<&[u8]>) -> Option<&Arc<Tenant>> {
        if !self.need_token() {
            return self.tenants.first();
        }
        let shown = Token::new(token?);
        let mut found = u32::MAX;
        for (token, place) in &self.tokens {
            found.conditional_assign(place, token.is(&shown));
        }
        let is_found = !bool::from(found.ct_eq(&u32::MAX));
        is_found.then(|| self.tenants.get(usize::try_from(found).ok()?))?
    }
}
