//! The tenants, and what each may use.

mod token_file;

use crate::{
    admission::{Admission, Capacity, memory::MemoryBudget},
    config::{ServerConfig, TenantConfig},
    setup_error::SetupError,
};
use cofferdam_core::Runtime;
use std::{collections::BTreeMap, sync::Arc};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use token_file::{DEFAULT_TENANT, Token};

/// A tenant.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    /// The runtime with the tenant's policy.
    pub(crate) runtime: Runtime,
    pub(crate) admission: Admission,
    pub(crate) request_memory: MemoryBudget,
    pub(crate) outcome_memory: MemoryBudget,
    pub(crate) max_connections: usize,
}

/// All tenants.
pub(crate) struct Tenants {
    tenants: Vec<Arc<Tenant>>,
    /// Each token with the index of its tenant. Without tokens every caller is the only tenant.
    tokens: Vec<(Token, u32)>,
}

impl Tenants {
    /// The tenants of the token file, or one tenant without a token.
    pub(crate) fn new(
        config: &ServerConfig,
        runtime: &Runtime,
        capacity: &Arc<Capacity>,
    ) -> Result<Self, SetupError> {
        let serve = &config.serve;
        let tokens = serve.token_file.as_deref().map(token_file::read).transpose()?.unwrap_or_default();
        let names = names(&tokens);
        // A misspelt name would leave a tenant without its limits.
        if let Some(unknown) = config.tenants.keys().find(|name| !names.contains(name)) {
            return Err(SetupError::UnknownTenant { name: unknown.clone(), known: names.join(", ") });
        }
        let indices: BTreeMap<_, _> = names.iter().cloned().zip(0..).collect();
        let tokens =
            tokens.into_iter().filter_map(|(name, token)| Some((token, *indices.get(&name)?))).collect();
        let has_others = names.len() > 1;
        let request_memory = MemoryBudget::for_bodies(names.len(), serve);
        let largest = runtime.policy().ceilings.outcome_memory();
        let outcome_memory = MemoryBudget::split(names.len(), serve.output_memory.0, largest);
        let tenants = names.into_iter().zip(request_memory).zip(outcome_memory);
        let tenants = tenants.map(|((name, request_memory), outcome_memory)| {
            let own = config.tenants.get(&name);
            let max_runs = own.and_then(|tenant| tenant.max_runs);
            Arc::new(Tenant {
                runtime: tenant_runtime(runtime, &name, own, has_others),
                admission: Admission::new(capacity.clone(), &name, max_runs, has_others),
                max_connections: max_connections(serve.max_connections, own, has_others),
                name,
                request_memory,
                outcome_memory,
            })
        });
        Ok(Self { tenants: tenants.collect(), tokens })
    }

    /// Whether requests need a token.
    pub(crate) fn require_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// The tenant of a token, or the only tenant if no token is required. Compares with every token, so that
    /// the time reveals nothing about any of them.
    pub(crate) fn authenticate(&self, token: Option<&[u8]>) -> Option<&Arc<Tenant>> {
        if !self.require_token() {
            return self.tenants.first();
        }
        let presented = Token::new(token?);
        let mut found = u32::MAX;
        for (token, index) in &self.tokens {
            found.conditional_assign(index, token.equals(&presented));
        }
        let is_found = !bool::from(found.ct_eq(&u32::MAX));
        is_found.then(|| self.tenants.get(usize::try_from(found).ok()?))?
    }
}

fn names(tokens: &[(String, Token)]) -> Vec<String> {
    let mut names: Vec<_> = tokens.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        names.push(DEFAULT_TENANT.into());
    }
    names
}

fn tenant_runtime(runtime: &Runtime, name: &str, own: Option<&TenantConfig>, has_others: bool) -> Runtime {
    let runtime = own.map_or_else(|| runtime.clone(), |tenant| runtime.with_policy(tenant.policy.clone()));
    let runtime = match own.and_then(|tenant| tenant.max_sessions) {
        Some(maximum) => runtime.with_max_sessions(maximum),
        None => runtime,
    };
    if has_others { runtime.with_tenant(name) } else { runtime }
}

fn max_connections(all: u32, own: Option<&TenantConfig>, has_others: bool) -> usize {
    let share = if has_others { all.div_ceil(2) } else { all };
    let max = own.and_then(|tenant| tenant.max_connections).unwrap_or(share);
    usize::try_from(max).unwrap_or(usize::MAX)
}
