//! Whether the RuntimeClass of the settings exists.

use super::advice;
use crate::{api::with_timeout, config::KubernetesConfig};
use cofferdam_core::doctor::{Finding, Findings};
use k8s_openapi::api::node::v1::RuntimeClass;
use kube::{Api, Client, ResourceExt, api::ListParams};

pub(super) const CHECK: &str = "runtime-class";
/// Largest number of other names in the advice.
const MAX_NAMES: u32 = 10;

/// Reads the RuntimeClass. It is cluster-scoped, and a sidecar need not have the right to.
pub(super) async fn check(client: &Client, settings: &KubernetesConfig, findings: &mut Findings<'_>) -> bool {
    let classes: Api<RuntimeClass> = Api::all(client.clone());
    let name = &settings.runtime_class;
    let finding = match with_timeout(classes.get(name)).await {
        Ok(class) => Finding::ok(
            CHECK,
            format!("the RuntimeClass `{name}` exists, with the handler `{}`", class.handler),
        ),
        Err(error) if advice::status(&error) == Some(404) => missing(name, &names(&classes).await),
        Err(error) if advice::status(&error) == Some(403) => Finding::skipped(
            CHECK,
            format!("you may not read `{name}`; an execution shows whether it exists"),
        ),
        Err(error) => advice::request_failed(CHECK, "read it", &error, settings),
    };
    findings.push(finding)
}

/// The names of the RuntimeClasses; empty without the right to list them.
async fn names(classes: &Api<RuntimeClass>) -> Vec<String> {
    let found = with_timeout(classes.list(&ListParams::default().limit(MAX_NAMES))).await;
    found.map(|found| found.items.iter().map(ResourceExt::name_any).collect()).unwrap_or_default()
}

fn missing(name: &str, others: &[String]) -> Finding {
    let known = match others {
        [] => String::new(),
        others => format!(" (there are: {})", others.join(", ")),
    };
    let advice = format!(
        "name the one of gVisor in the setting `runtime_class`{known}, or install gVisor on nodes and apply \
         `deploy/runtimeclass.yaml`"
    );
    Finding::failed(CHECK, format!("there is no RuntimeClass `{name}`"), advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_names_other_runtime_classes() {
        let advice = |others: &[String]| missing("gvisor", others).advice.unwrap_or_default();
        assert!(advice(&["kata".into(), "runsc".into()]).contains("(there are: kata, runsc)"));
        assert!(!advice(&[]).contains("there are"));
    }
}
