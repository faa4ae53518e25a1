//! The service accounts, and the rights of the sidecar: those that this crate uses, and no others.

use super::metadata::metadata;
use crate::config::Workload;
use k8s_openapi::api::{
    core::v1::ServiceAccount,
    rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
};

/// A verb, and the workload that needs it; `None`: both.
type Verb = (&'static str, Option<Workload>);
/// API group, resource, subresource and verbs.
type Entry = (&'static str, &'static str, Option<&'static str>, &'static [Verb]);

const BOTH: Option<Workload> = None;
const JOB: Option<Workload> = Some(Workload::Job);
const POD: Option<Workload> = Some(Workload::Pod);

/// All rights of the sidecar.
///
/// An object is read if its name exists already (`execution/create.rs`). `gc` lists and deletes all three
/// kinds, since the setting `workload` may have changed (`cleanup/garbage.rs`). `attach` and `exec` are GET
/// requests, which clusters of 1.35 and later authorise as `create` (`execution/attach.rs`,
/// `execution/session/relay.rs`). A Pod that becomes a session is patched (`execution/session/claim.rs`).
const RIGHTS: [Entry; 7] = [
    (
        "batch",
        "jobs",
        None,
        &[("create", JOB), ("get", JOB), ("list", BOTH), ("patch", JOB), ("delete", BOTH)],
    ),
    (
        "",
        "pods",
        None,
        &[("create", POD), ("get", POD), ("list", BOTH), ("watch", BOTH), ("patch", BOTH), ("delete", BOTH)],
    ),
    ("", "pods", Some("attach"), &[("get", BOTH), ("create", BOTH)]),
    ("", "pods", Some("exec"), &[("get", BOTH), ("create", BOTH)]),
    ("", "pods", Some("log"), &[("get", BOTH)]),
    ("", "configmaps", None, &[("create", BOTH), ("get", BOTH), ("list", BOTH), ("delete", BOTH)]),
    ("", "events", None, &[("list", BOTH), ("watch", BOTH)]),
];

const RBAC: &str = "rbac.authorization.k8s.io";

/// One right in the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Right {
    /// API group; empty for the core group.
    pub(crate) group: &'static str,
    /// Plural name of the kind.
    pub(crate) resource: &'static str,
    /// For example `log`.
    pub(crate) subresource: Option<&'static str>,
    /// For example `get`.
    pub(crate) verb: &'static str,
}

impl Right {
    /// The resource in a rule of a Role.
    pub(crate) fn rule_resource(&self) -> String {
        named(self.resource, self.subresource)
    }
}

/// The rights for this workload.
pub(crate) fn rights(workload: Workload) -> Vec<Right> {
    let right = |&(group, resource, subresource, verbs): &Entry| {
        let verbs = needed(verbs, workload).into_iter();
        verbs.map(move |verb| Right { group, resource, subresource, verb }).collect::<Vec<_>>()
    };
    RIGHTS.iter().flat_map(right).collect()
}

fn needed(verbs: &[Verb], workload: Workload) -> Vec<&'static str> {
    let is_needed = |of: Option<Workload>| of.is_none_or(|of| of == workload);
    verbs.iter().filter(|(_, of)| is_needed(*of)).map(|(verb, _)| *verb).collect()
}

fn named(resource: &str, subresource: Option<&str>) -> String {
    subresource.map_or_else(|| resource.to_owned(), |subresource| format!("{resource}/{subresource}"))
}

/// The Role, with the name of the service account.
pub(super) fn role(namespace: &str, account: &str, workload: Workload) -> Role {
    let rule = |&(group, resource, subresource, verbs): &Entry| PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![named(resource, subresource)]),
        verbs: needed(verbs, workload).into_iter().map(str::to_owned).collect(),
        ..PolicyRule::default()
    };
    Role { metadata: metadata(namespace, account), rules: Some(RIGHTS.iter().map(rule).collect()) }
}

pub(super) fn role_binding(namespace: &str, account_namespace: &str, account: &str) -> RoleBinding {
    RoleBinding {
        metadata: metadata(namespace, account),
        role_ref: RoleRef { api_group: RBAC.to_owned(), kind: "Role".to_owned(), name: account.to_owned() },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: account.to_owned(),
            namespace: Some(account_namespace.to_owned()),
            ..Subject::default()
        }]),
    }
}

pub(super) fn sidecar_account(namespace: &str, name: &str) -> ServiceAccount {
    ServiceAccount { metadata: metadata(namespace, name), ..ServiceAccount::default() }
}

/// Its token is not mounted, even if a Pod does not say so.
pub(super) fn program_account(namespace: &str, name: &str) -> ServiceAccount {
    ServiceAccount { automount_service_account_token: Some(false), ..sidecar_account(namespace, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(workload: Workload, resource: &str, verb: &str) -> bool {
        rights(workload).iter().any(|right| right.rule_resource() == resource && right.verb == verb)
    }

    #[test]
    fn only_the_configured_workload_may_be_created() {
        for (workload, created, other) in [(Workload::Job, "jobs", "pods"), (Workload::Pod, "pods", "jobs")] {
            assert!(has(workload, created, "create") && !has(workload, other, "create"), "{workload:?}");
            // Objects of the other workload can be deleted all the same.
            assert!(has(workload, other, "list") && has(workload, other, "delete"), "{workload:?}");
        }
    }

    #[test]
    fn the_role_grants_the_rights_of_the_table_and_no_others() {
        let role = role("here", "cofferdam", Workload::Job);
        let rules = role.rules.unwrap_or_default();
        let granted: usize = rules.iter().map(|rule| rule.verbs.len()).sum();
        assert_eq!(granted, rights(Workload::Job).len());
        assert!(rules.iter().all(|rule| !rule.verbs.is_empty() && !rule.verbs.contains(&"*".to_owned())));
        assert!(!has(Workload::Job, "secrets", "get") && !has(Workload::Job, "pods/portforward", "create"));
    }
}
