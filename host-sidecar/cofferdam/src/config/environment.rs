//! Settings in environment variables. Other programs set variables with our prefix too.

use super::{
    Settings, SettingsError,
    origin::{ENVIRONMENT, Named, Origin},
    problem::{Problem, ProblemKind},
};
use figment::{Figment, Provider, providers::Env};
use std::env;

/// The prefix of the variables; two underscores separate a table from its member.
const PREFIX: &str = "COFFERDAM_";
const SEPARATOR: &str = "__";
/// Variables with that prefix that are not settings.
const NOT_SETTINGS: [&str; 4] = ["config", "log", "token", "url"];

/// A variable, by its name and its value.
enum Variable {
    Setting,
    /// Kubernetes sets it in each Pod for a Service whose name begins with ours.
    ServiceLink,
    /// No setting has this name; a similar name, if there is one.
    Unknown(Option<Vec<String>>),
    Invalid(Problem),
}

/// The settings in the environment.
///
/// # Errors
///
/// [`SettingsError::Setting`] for a setting with an invalid value or an old name.
pub(super) fn settings() -> Result<impl Provider, SettingsError> {
    let mut ignored: Vec<String> = NOT_SETTINGS.map(Into::into).into();
    for key in keys() {
        match variable(&key) {
            Variable::Setting => {}
            Variable::ServiceLink | Variable::Unknown(_) => ignored.push(key),
            Variable::Invalid(problem) => {
                return Err(SettingsError::Setting {
                    origin: Some(Origin::Variable(named(&key))),
                    setting: problem.path.join("."),
                    problem: problem.text(variable_name),
                });
            }
        }
    }
    let ignored: Vec<&str> = ignored.iter().map(String::as_str).collect();
    Ok(Named(ENVIRONMENT, Env::prefixed(PREFIX).ignore(&ignored).split(SEPARATOR)))
}

/// A warning for each variable with our prefix that is not a setting, and so is ignored.
#[must_use]
pub fn unknown_variables() -> Vec<String> {
    let unknown = keys().into_iter().filter_map(|key| match variable(&key) {
        Variable::Unknown(nearest) => Some(warning(&key, nearest.as_deref())),
        _ => None,
    });
    unknown.collect()
}

/// The variable that sets the setting of this path.
pub(super) fn variable_name(path: &[String]) -> String {
    named(&path.join(SEPARATOR))
}

fn named(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

/// The names of variables with our prefix, without it and in lower case.
fn keys() -> Vec<String> {
    let names = env::vars_os().map(|(name, _)| name.to_string_lossy().to_ascii_uppercase());
    let keys = names.filter_map(|name| Some(name.strip_prefix(PREFIX)?.to_ascii_lowercase()));
    let mut keys: Vec<String> = keys.filter(|key| !NOT_SETTINGS.contains(&key.as_str())).collect();
    keys.sort();
    keys
}

fn variable(key: &str) -> Variable {
    let alone = Env::prefixed(PREFIX).only(&[key]).split(SEPARATOR);
    let Err(error) = Figment::from(alone).extract::<Settings>() else { return Variable::Setting };
    if is_service_link(key) {
        return Variable::ServiceLink;
    }
    let problem = Problem::of(&error);
    match problem.kind {
        ProblemKind::Unknown(nearest) => Variable::Unknown(nearest),
        // Another variable or a file may set what is missing.
        ProblemKind::Missing => Variable::Setting,
        ProblemKind::Renamed(_) | ProblemKind::Malformed(_) => Variable::Invalid(problem),
    }
}

/// Whether Kubernetes sets this variable for a Service: `SERVICE_HOST`, `SERVICE_PORT`, `SERVICE_PORT_<port's
/// name>`, `PORT`, `PORT_<number>_<protocol>` and that with `_PROTO`, `_PORT` and `_ADDR`, after the rest of
/// the Service's name. Source: k8s.io/kubernetes, pkg/kubelet/envvars.
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

fn warning(key: &str, nearest: Option<&[String]>) -> String {
    let suggestion =
        nearest.map(|path| format!("; did you mean {}?", variable_name(path))).unwrap_or_default();
    format!("the variable {} is not a setting and is ignored{suggestion}", named(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_distinguished_from_settings() {
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
        for key in
            ["timeout_seconds", "service_account", "serve__listen", "export", "port_x_tcp", "port_80_tcp_x"]
        {
            assert!(!is_service_link(key), "{key}");
        }
    }

    #[test]
    fn the_warning_about_an_unknown_variable_has_the_nearest_name() {
        let nearest = ["serve".to_owned(), "max_runs".to_owned()];
        assert_eq!(
            warning("serve__max_run", Some(&nearest)),
            "the variable COFFERDAM_SERVE__MAX_RUN is not a setting and is ignored; did you mean \
             COFFERDAM_SERVE__MAX_RUNS?"
        );
        assert_eq!(warning("debug", None), "the variable COFFERDAM_DEBUG is not a setting and is ignored");
    }
}
