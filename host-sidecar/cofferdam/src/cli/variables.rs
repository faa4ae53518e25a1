//! The program's environment, as the command line and files say it.

use super::{Failure, files};
use cofferdam_types::quoted;
use std::{env, path::Path};

/// An environment variable.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

/// What `--env NAME[=VALUE]` says.
pub(super) fn of_option(variable: &str) -> Result<Variable, Failure> {
    if let Some((name, value)) = variable.split_once('=') {
        return Ok(Variable { name: name.into(), value: value.into() });
    }
    match env::var(variable) {
        Ok(value) => Ok(Variable { name: variable.into(), value }),
        Err(error) => Err(format!("--env {}: {error}; say NAME=VALUE", quoted(variable)).into()),
    }
}

/// What the file of `--env-file` says. Its values are in no command line, where other users could read them.
pub(super) fn of_file(path: &Path) -> Result<Vec<Variable>, Failure> {
    let shown = || files::shown(path);
    let text = String::from_utf8(files::read(path)?).map_err(|_| format!("{} is not a text in UTF-8", shown()))?;
    parse(&text).map_err(|number| format!("{}: entry {number} is not NAME=VALUE", shown()).into())
}

/// Lines of `NAME=VALUE`; empty ones and those that begin with `#` say nothing. With a NUL in it, what `env -0` writes: each
/// variable ends with one, and may have lines. What is none is told by its number, since it may be a secret.
fn parse(text: &str) -> Result<Vec<Variable>, usize> {
    let is_exact = text.contains('\0');
    let entries: Vec<&str> = if is_exact { text.split_terminator('\0').collect() } else { text.lines().collect() };
    let says = |(entry, _): &(&str, usize)| is_exact || !(entry.trim().is_empty() || entry.starts_with('#'));
    let variable = |(entry, number): (&str, usize)| {
        let (name, value) = entry.split_once('=').ok_or(number)?;
        Ok(Variable { name: name.into(), value: value.into() })
    };
    entries.into_iter().zip(1..).filter(says).map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_variable_a_line_or_what_env_writes() {
        for (text, expected) in [
            ("", Ok(vec![])),
            ("# a\n\nA=1\nB= x=y \n", Ok(vec![("A", "1"), ("B", " x=y ")])),
            ("A=1\n2\0B=#\0", Ok(vec![("A", "1\n2"), ("B", "#")])),
            ("A=1\nsecret", Err(2)),
            ("\0", Err(1)),
        ] {
            let parsed = parse(text);
            let pairs = parsed.iter().flatten().map(|variable| (&*variable.name, &*variable.value)).collect();
            assert_eq!(parsed.as_ref().map(|_| pairs).map_err(|number| *number), expected, "{text:?}");
        }
    }
}
