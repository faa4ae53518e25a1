//! Whether the cluster knows gVisor by the name that the settings have.

use super::{super::cluster::bounded, advice};
use crate::config::KubernetesConfig;
use cofferdam_core::doctor::{Finding, Findings};
use k8s_openapi::api::node::v1::RuntimeClass;
use kube::{Api, Client, ResourceExt, api::ListParams};

pub(super) const CHECK: &str = "runtime-class";
/// Names that are told at the most.
const MAX_NAMES: u32 = 10;

/// Reads the RuntimeClass, which belongs to no namespace, so that a sidecar may not.
pub(super) async fn check(client: &Client, settings: &KubernetesConfig, findings: &mut Findings<'_>) -> bool {
    let classes: Api<RuntimeClass> = Api::all(client.clone());
    let name = &settings.runtime_class;
    let finding = match bounded(classes.get(name)).await {
        Ok(class) => {
            Finding::ok(CHECK, format!("the RuntimeClass `{name}` is there, with the handler `{}`", class.handler))
        }
        Err(error) if advice::status(&error) == Some(404) => missing(name, &names(&classes).await),
        Err(error) if advice::status(&error) == Some(403) => {
            Finding::skipped(CHECK, format!("`{name}` may not be read; a run will tell"))
        }
        Err(error) => advice::of_request(CHECK, "read it", &error, settings),
    };
    findings.push(finding)
}

/// Those that are there, as far as they may be read.
async fn names(classes: &Api<RuntimeClass>) -> Vec<String> {
    let found = bounded(classes.list(&ListParams::default().limit(MAX_NAMES))).await;
    found.map(|found| found.items.iter().map(ResourceExt::name_any).collect()).unwrap_or_default()
}

fn missing(name: &str, others: &[String]) -> Finding {
    let there = match others {
        [] => String::new(),
        others => format!(" (there is: {})", others.join(", ")),
    };
    let advice = format!(
        "name that of gVisor in the setting `runtime_class`{there}, or install gVisor on nodes and apply \
         `deploy/runtimeclass.yaml`"
    );
    Finding::failed(CHECK, format!("there is no RuntimeClass `{name}`"), advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_instead_is_named() {
        let advice = |others: &[String]| missing("gvisor", others).advice.unwrap_or_default();
        assert!(advice(&["kata".into(), "runsc".into()]).contains("(there is: kata, runsc)"));
        assert!(!advice(&[]).contains("there is"));
    }
}
