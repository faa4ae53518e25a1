//! Settings from the environment, where other things have names that begin like ours.

use super::{
    Settings, SettingsError,
    unknown::{self, Unknown},
};
use figment::{Figment, error::Kind, providers::Env};
use std::env;

/// Starts the names of variables; two underscores lead into a table.
const PREFIX: &str = "COFFERDAM_";
const TABLE: &str = "__";
/// Variables with that prefix that are no settings.
const NO_SETTINGS: [&str; 4] = ["config", "log", "token", "url"];

/// What a variable is, by its name and its value.
enum Variable {
    Setting,
    /// What Kubernetes tells each Pod of a Service whose name begins with ours.
    ServiceLink,
    Unknown(Unknown),
    Unusable(Kind),
}

/// The settings in the environment.
///
/// # Errors
///
/// [`SettingsError::Variable`] for a setting whose value is none.
pub(super) fn settings() -> Result<Env, SettingsError> {
    let mut others: Vec<String> = NO_SETTINGS.map(Into::into).into();
    for key in keys() {
        match variable(&key) {
            Variable::Setting => {}
            Variable::ServiceLink | Variable::Unknown(_) => others.push(key),
            Variable::Unusable(problem) => {
                return Err(SettingsError::Variable { name: named(&key), problem: problem.to_string() });
            }
        }
    }
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    Ok(Env::prefixed(PREFIX).ignore(&others).split(TABLE))
}

/// A line for each variable with our prefix that is no setting, and so is ignored.
#[must_use]
pub fn unknown_variables() -> Vec<String> {
    let unknown = keys().into_iter().filter_map(|key| match variable(&key) {
        Variable::Unknown(unknown) => Some(warning(&key, &unknown)),
        _ => None,
    });
    unknown.collect()
}

/// The names of variables with our prefix, without it and in lower case.
fn keys() -> Vec<String> {
    let names = env::vars_os().map(|(name, _)| name.to_string_lossy().to_ascii_uppercase());
    let keys = names.filter_map(|name| Some(name.strip_prefix(PREFIX)?.to_ascii_lowercase()));
    let mut keys: Vec<String> = keys.filter(|key| !NO_SETTINGS.contains(&key.as_str())).collect();
    keys.sort();
    keys
}

fn variable(key: &str) -> Variable {
    let alone = Env::prefixed(PREFIX).only(&[key]).split(TABLE);
    match Figment::from(alone).extract::<Settings>() {
        Ok(_) => Variable::Setting,
        Err(_) if is_service_link(key) => Variable::ServiceLink,
        Err(error) => match unknown::of_error(&error) {
            Some(unknown) => Variable::Unknown(unknown),
            // What is missing, another variable or a file may say.
            None if matches!(error.kind, Kind::MissingField(_)) => Variable::Setting,
            None => Variable::Unusable(error.kind),
        },
    }
}

/// Whether it is a variable that Kubernetes makes of a Service: `SERVICE_HOST`, `SERVICE_PORT`, `SERVICE_PORT_<port's name>`,
/// `PORT`, `PORT_<number>_<protocol>` and that with `_PROTO`, `_PORT` and `_ADDR`, after the rest of the Service's name.
/// Source: k8s.io/kubernetes, pkg/kubelet/envvars.
fn is_service_link(key: &str) -> bool {
    let words: Vec<&str> = key.split('_').collect();
    (0..words.len()).any(|start| match &words[start..] {
        ["service", "host"] | ["service", "port", ..] | ["port"] => true,
        ["port", number, "tcp" | "udp" | "sctp", rest @ ..] => {
            number.parse::<u16>().is_ok() && matches!(rest, [] | ["proto" | "port" | "addr"])
        }
        _ => false,
    })
}

fn warning(key: &str, Unknown { name, nearest }: &Unknown) -> String {
    let meant = nearest.as_ref().map(|nearest| {
        let tables = key.split(TABLE).take_while(|part| part != name);
        named(&tables.chain([nearest.as_str()]).collect::<Vec<_>>().join(TABLE))
    });
    let meant = meant.map(|name| format!("; is {name} meant?")).unwrap_or_default();
    format!("the variable {} is no setting, and is ignored{meant}", named(key))
}

fn named(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_says_of_services_is_told_from_settings() {
        for key in [
            "port",
            "service_host",
            "service_port",
            "service_port_http",
            "port_80_tcp",
            "port_80_tcp_proto",
            "port_8787_udp_addr",
            "foo_port",
            "serve_service_host",
            "my_pool_port_443_tcp_port",
            "_x_service_port_web_2",
        ] {
            assert!(is_service_link(key), "{key}");
        }
        for key in ["timeout_seconds", "service_account", "serve__listen", "export", "port_x_tcp", "port_80_tcp_x"] {
            assert!(!is_service_link(key), "{key}");
        }
    }

    #[test]
    fn a_variable_that_is_no_setting_is_named_with_the_one_that_may_be_meant() {
        let unknown =
            |name: &str, nearest: Option<&str>| Unknown { name: name.into(), nearest: nearest.map(Into::into) };
        assert_eq!(
            warning("serve__max_run", &unknown("max_run", Some("max_runs"))),
            "the variable COFFERDAM_SERVE__MAX_RUN is no setting, and is ignored; is COFFERDAM_SERVE__MAX_RUNS meant?"
        );
        assert_eq!(
            warning("debug", &unknown("debug", None)),
            "the variable COFFERDAM_DEBUG is no setting, and is ignored"
        );
    }
}
