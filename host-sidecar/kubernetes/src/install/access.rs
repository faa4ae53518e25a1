//! Who the sidecar is in the cluster, and what it may do there: nothing that the code beside this does not do.

use super::metadata;
use crate::config::Workload;
use k8s_openapi::api::{
    core::v1::ServiceAccount,
    rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
};

/// A verb, and the workload that it is for; none: any.
type Verb = (&'static str, Option<Workload>);
/// API group, resource, subresource and verbs.
type Entry = (&'static str, &'static str, Option<&'static str>, &'static [Verb]);

const ANY: Option<Workload> = None;
const JOB: Option<Workload> = Some(Workload::Job);
const POD: Option<Workload> = Some(Workload::Pod);

/// All that the sidecar does.
///
/// What is created is read where its name is taken already (`creation.rs`). `gc` lists and deletes all three kinds,
/// whatever runs become today: those that are left may be from another day (`reaper.rs`).
/// A connection is joined by GET, which clusters of 1.35 and later want to be allowed as a creation (`joining.rs`).
const RIGHTS: [Entry; 6] = [
    ("batch", "jobs", None, &[("create", JOB), ("get", JOB), ("list", ANY), ("delete", ANY)]),
    ("", "pods", None, &[("create", POD), ("get", POD), ("list", ANY), ("watch", ANY), ("delete", ANY)]),
    ("", "pods", Some("attach"), &[("get", ANY), ("create", ANY)]),
    ("", "pods", Some("log"), &[("get", ANY)]),
    ("", "configmaps", None, &[("create", ANY), ("get", ANY), ("list", ANY), ("delete", ANY)]),
    ("", "events", None, &[("list", ANY), ("watch", ANY)]),
];

const RBAC: &str = "rbac.authorization.k8s.io";

/// One thing that the sidecar does in its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Right {
    /// API group; the core one has no name.
    pub(in super::super) group: &'static str,
    /// Plural name of the kind.
    pub(in super::super) resource: &'static str,
    /// Part of the object.
    pub(in super::super) subresource: Option<&'static str>,
    /// What is done.
    pub(in super::super) verb: &'static str,
}

impl Right {
    /// The resource as a rule of a Role names it.
    pub(in super::super) fn resource_of_rule(&self) -> String {
        named(self.resource, self.subresource)
    }
}

/// All that the sidecar has to be allowed where runs become this.
pub(in super::super) fn rights(workload: Workload) -> Vec<Right> {
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

/// Named after the service account that it is for.
pub(super) fn role(namespace: &str, account: &str, workload: Workload) -> Role {
    let rule = |&(group, resource, subresource, verbs): &Entry| PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![named(resource, subresource)]),
        verbs: needed(verbs, workload).into_iter().map(str::to_owned).collect(),
        ..PolicyRule::default()
    };
    Role { metadata: metadata(namespace, account), rules: Some(RIGHTS.iter().map(rule).collect()) }
}

pub(super) fn role_binding(namespace: &str, accounts_namespace: &str, account: &str) -> RoleBinding {
    RoleBinding {
        metadata: metadata(namespace, account),
        role_ref: RoleRef { api_group: RBAC.to_owned(), kind: "Role".to_owned(), name: account.to_owned() },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: account.to_owned(),
            namespace: Some(accounts_namespace.to_owned()),
            ..Subject::default()
        }]),
    }
}

pub(super) fn sidecar_account(namespace: &str, name: &str) -> ServiceAccount {
    ServiceAccount { metadata: metadata(namespace, name), ..ServiceAccount::default() }
}

/// No Pod gets its token, also none that forgets to say so.
pub(super) fn program_account(namespace: &str, name: &str) -> ServiceAccount {
    ServiceAccount { automount_service_account_token: Some(false), ..sidecar_account(namespace, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(workload: Workload, resource: &str, verb: &str) -> bool {
        rights(workload).iter().any(|right| right.resource_of_rule() == resource && right.verb == verb)
    }

    #[test]
    fn only_what_runs_become_may_be_created() {
        for (workload, created, other) in [(Workload::Job, "jobs", "pods"), (Workload::Pod, "pods", "jobs")] {
            assert!(has(workload, created, "create") && !has(workload, other, "create"), "{workload:?}");
            // What is left of another day is removed all the same.
            assert!(has(workload, other, "list") && has(workload, other, "delete"), "{workload:?}");
        }
    }

    #[test]
    fn the_role_grants_what_the_table_says_and_nothing_else() {
        let role = role("here", "cofferdam", Workload::Job);
        let rules = role.rules.unwrap_or_default();
        let granted: usize = rules.iter().map(|rule| rule.verbs.len()).sum();
        assert_eq!(granted, rights(Workload::Job).len());
        assert!(rules.iter().all(|rule| !rule.verbs.is_empty() && !rule.verbs.contains(&"*".to_owned())));
        assert!(!has(Workload::Job, "secrets", "get") && !has(Workload::Job, "pods/exec", "create"));
    }
}
