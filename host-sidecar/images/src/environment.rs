//! The variables of an image.

use crate::ImageError;
use std::collections::BTreeMap;

/// Bytes of a variable with its name. Source: `MAX_ARG_STRLEN` of Linux, which counts a zero byte.
const MAX_VARIABLE: usize = (128 << 10) - 1;
/// Bytes of all variables. Linux allows a quarter of the stack, which arguments and requests share.
const MAX_VARIABLES: usize = 1 << 20;

/// The variables of a list of `NAME=VALUE`. A later one replaces an earlier one of the same name, and what is no
/// variable is left out.
pub(crate) fn variables(list: &[String]) -> Result<BTreeMap<String, String>, ImageError> {
    let variables: BTreeMap<_, _> = list
        .iter()
        .filter_map(|variable| variable.split_once('='))
        .filter(|(name, value)| !name.is_empty() && !name.contains('\0') && !value.contains('\0'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut total = 0;
    for (name, value) in &variables {
        let size = name.len() + 1 + value.len();
        if size > MAX_VARIABLE {
            let name: String = name.chars().take(100).collect();
            return Err(ImageError::Environment(format!("{name:?} has more than {MAX_VARIABLE} bytes")));
        }
        total += size + 1;
    }
    if total > MAX_VARIABLES {
        return Err(ImageError::Environment(format!("all have more than {MAX_VARIABLES} bytes together")));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(list: &[&str]) -> Result<BTreeMap<String, String>, String> {
        let list: Vec<_> = list.iter().map(ToString::to_string).collect();
        variables(&list).map_err(|error| error.to_string())
    }

    #[test]
    fn a_later_variable_replaces_an_earlier_one_and_others_are_left_out() {
        let expected = [("A", "2"), ("PATH", "/a=b")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(parsed(&["A=1", "PATH=/a=b", "A=2", "bare", "=x", "N\0=1"]), Ok(expected.into()));
    }

    #[test]
    fn variables_with_which_no_program_starts_are_refused() {
        let value = "x".repeat(MAX_VARIABLE - 2);
        let variable = |name: char| format!("{name}={value}");
        assert!(parsed(&[&variable('A')]).is_ok());
        let error = parsed(&[&format!("{}x", variable('A'))]).expect_err("too long");
        assert!(error.contains("\"A\" has more than 131071 bytes"), "{error}");
        let many: Vec<_> = ('A'..='I').map(variable).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(parsed(&many[..8]).is_ok());
        assert!(parsed(&many).expect_err("too many").contains("1048576 bytes together"));
    }
}
