//! The program's environment variables, from options and files.

use super::{Failure, input_files};
use cofferdam_types::quoted;
use std::{env, path::Path};

/// An environment variable.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

/// The variable of `--env NAME[=VALUE]`.
pub(super) fn of_option(variable: &str) -> Result<Variable, Failure> {
    if let Some((name, value)) = variable.split_once('=') {
        return Ok(Variable { name: name.into(), value: value.into() });
    }
    match env::var(variable) {
        Ok(value) => Ok(Variable { name: variable.into(), value }),
        Err(error) => Err(format!("--env {}: {error}; use NAME=VALUE", quoted(variable)).into()),
    }
}

/// The variables of the file of `--env-file`. Other users can read a command line, but not this file.
pub(super) fn of_file(path: &Path) -> Result<Vec<Variable>, Failure> {
    let shown = || input_files::shown(path);
    let text =
        String::from_utf8(input_files::read(path)?).map_err(|_| format!("{} is not UTF-8", shown()))?;
    parse(&text).map_err(|number| format!("{}: entry {number} is not NAME=VALUE", shown()).into())
}

/// Reads lines of `NAME=VALUE`; empty lines and those that begin with `#` are ignored. If the text has a NUL,
/// it is the output of `env -0`: each variable ends with a NUL, and may contain line breaks. The error is the
/// number of an entry without `=`, since the entry itself may be a secret.
fn parse(text: &str) -> Result<Vec<Variable>, usize> {
    let is_exact = text.contains('\0');
    let entries: Vec<&str> =
        if is_exact { text.split_terminator('\0').collect() } else { text.lines().collect() };
    let is_variable =
        |(entry, _): &(&str, usize)| is_exact || !(entry.trim().is_empty() || entry.starts_with('#'));
    let variable = |(entry, number): (&str, usize)| {
        let (name, value) = entry.split_once('=').ok_or(number)?;
        Ok(Variable { name: name.into(), value: value.into() })
    };
    entries.into_iter().zip(1..).filter(is_variable).map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_variable_per_line_or_the_output_of_env_0() {
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
