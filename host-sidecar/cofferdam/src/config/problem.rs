//! What is wrong with a setting that cannot be read, in the words of a settings file.

use figment::{
    Error,
    error::{Actual, Kind},
};

/// The minimum similarity of two names for a suggestion, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.8;
/// Settings of `languages.NAME` that have a new name.
const RENAMED: [(&str, &str); 2] = [("starts_ahead", "prewarm"), ("imports_ahead", "preload_modules")];

/// A setting that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The setting's name, after those of its tables.
    pub(super) path: Vec<String>,
    pub(super) kind: ProblemKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// There is no such setting; the most similar one of its table.
    Unknown(Option<Vec<String>>),
    /// The setting has this name now.
    Renamed(Vec<String>),
    /// A table lacks it.
    Missing,
    /// Its value has the wrong type or format.
    Malformed(String),
}

impl Problem {
    pub(super) fn of(error: &Error) -> Self {
        // The path of an unknown setting ends with its own name.
        let (path, tables) = (&error.path, error.path.split_last().map_or(&[][..], |(_, tables)| tables));
        let problem = |kind| Self { path: path.clone(), kind };
        match &error.kind {
            Kind::UnknownField(name, known) => problem(match new_name(tables, name) {
                Some(new) => ProblemKind::Renamed(member(tables, new)),
                None => ProblemKind::Unknown(nearest(name, known).map(|nearest| member(tables, nearest))),
            }),
            Kind::MissingField(name) => Self { path: member(path, name), kind: ProblemKind::Missing },
            Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
                problem(ProblemKind::Malformed(format!("is {}, not {}", found(actual), wanted(expected))))
            }
            Kind::UnknownVariant(name, known) => {
                let known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
                problem(ProblemKind::Malformed(format!("is {name:?}, not one of {}", known.join(", "))))
            }
            other => problem(ProblemKind::Malformed(format!("is invalid: {other}"))),
        }
    }

    /// The rest of a sentence that begins with the setting; `name` writes the path of a setting.
    pub(super) fn text(&self, name: impl Fn(&[String]) -> String) -> String {
        match &self.kind {
            ProblemKind::Unknown(None) => "does not exist".into(),
            ProblemKind::Unknown(Some(nearest)) => format!("does not exist; did you mean {}?", name(nearest)),
            ProblemKind::Renamed(new) => format!("has a new name: {}", name(new)),
            ProblemKind::Missing => "is missing".into(),
            ProblemKind::Malformed(problem) => problem.clone(),
        }
    }
}

fn member(tables: &[String], name: &str) -> Vec<String> {
    tables.iter().cloned().chain([name.to_owned()]).collect()
}

fn new_name(tables: &[String], name: &str) -> Option<&'static str> {
    let is_language = matches!(tables, [table, _] if table == "languages");
    RENAMED.iter().find(|(old, _)| is_language && *old == name).map(|(_, new)| *new)
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored = known.iter().map(|known| (strsim::jaro(name, known), *known));
    let similar = scored.filter(|(score, _)| *score >= MIN_SIMILARITY);
    similar.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known)
}

/// A value as a settings file has it.
fn found(actual: &Actual) -> String {
    match actual {
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(value) => value.to_string(),
        Actual::Signed(value) => value.to_string(),
        Actual::Float(value) => value.to_string(),
        Actual::Str(text) => format!("{text:?}"),
        Actual::Seq => "a list".into(),
        Actual::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// A type as the pages call it, where serde calls it by Rust's name.
fn wanted(expected: &str) -> String {
    match expected {
        "a boolean" => "true or false".into(),
        "a string" | "path string" => "a text".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "i64" => "a whole number".into(),
        _ if expected.starts_with("struct ") => "a table".into(),
        _ if expected.starts_with("enum ") || expected == "variant identifier" => "a name".into(),
        _ => expected.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use figment::{
        Figment,
        providers::{Format, Toml},
    };

    fn problem(toml: &str) -> String {
        let error = Figment::from(Toml::string(toml)).extract::<Settings>().expect_err(toml);
        let problem = Problem::of(&error);
        let name = |path: &[String]| format!("`{}`", path.join("."));
        format!("{} {}", name(&problem.path), problem.text(name))
    }

    #[test]
    fn an_unknown_setting_has_the_full_name_of_the_nearest_one() {
        for (toml, expected) in [
            ("timeout = 3", "`timeout` does not exist; did you mean `timeout_seconds`?"),
            ("[serve]\nmax_run = 3", "`serve.max_run` does not exist; did you mean `serve.max_runs`?"),
            (
                "tolerations = [{ effec = 'a' }]",
                "`tolerations.0.effec` does not exist; did you mean `tolerations.0.effect`?",
            ),
            ("debug = 1", "`debug` does not exist"),
        ] {
            assert_eq!(problem(toml), expected, "{toml}");
        }
    }

    #[test]
    fn an_old_name_has_the_new_one() {
        for (old, new) in RENAMED {
            let toml = format!("[languages.python]\n{old} = true");
            let expected = format!("`languages.python.{old}` has a new name: `languages.python.{new}`");
            assert_eq!(problem(&toml), expected);
        }
        assert_eq!(problem("starts_ahead = true"), "`starts_ahead` does not exist");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_described_in_the_words_of_the_pages() {
        for (toml, expected) in [
            (
                "mem_limit = '12 apples'",
                "`mem_limit` is invalid: \"12 apples\" is not an amount of bytes such as 64Mi",
            ),
            ("mem_limit = true", "`mem_limit` is true, not an amount of bytes such as 64Mi"),
            ("mem_limit = -1", "`mem_limit` is invalid: \"-1\" is not an amount of bytes such as 64Mi"),
            ("mem_limit = ['64Mi']", "`mem_limit` is a list, not an amount of bytes such as 64Mi"),
            (
                "ceilings.cpu_limit = {}",
                "`ceilings.cpu_limit` is a table, not an amount of CPU such as 500m or 2",
            ),
            (
                "timeout_seconds = 0",
                "`timeout_seconds` is invalid: \"0\" is not a number of seconds such as 300 or 1.5",
            ),
            (
                "process_limit = '64Mi'",
                "`process_limit` is \"64Mi\", not a whole number from 0 to 4294967295",
            ),
            ("process_limit = -1", "`process_limit` is -1, not a whole number from 0 to 4294967295"),
            ("serve = 3", "`serve` is 3, not a table"),
            ("languages.x = 3", "`languages.x` is 3, not a table"),
            ("languages.x.command = 'x'", "`languages.x.command` is \"x\", not a list"),
            ("languages.x.command = ['x']", "`languages.x.file` is missing"),
            ("namespace = 3", "`namespace` is 3, not a text"),
            ("runsc = 3", "`runsc` is 3, not a text"),
            ("backend = 'docker'", "`backend` is \"docker\", not one of `local`, `kubernetes`, `auto`"),
            ("backend = 3", "`backend` is 3, not a name"),
            (
                "serve.listen = ['x']",
                "`serve.listen.0` is invalid: \"x\" is not an address to listen on, such as unix:/run/agent/cofferdam.sock, 127.0.0.1:8787 or [::1]:8787",
            ),
        ] {
            assert_eq!(problem(toml), expected, "{toml}");
        }
    }
}
