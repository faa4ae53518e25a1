//! The token file.

use crate::setup_error::SetupError;
use cofferdam_core::os::regular_file::{self, Links};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};
use subtle::{Choice, ConstantTimeEq};

/// Minimum length of a token; shorter ones could be guessed.
const MIN_TOKEN: usize = 16;
/// Maximum length of a tenant's name, in bytes.
const MAX_NAME: usize = 63;
/// Maximum size of the file, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// The tenant of a token without a tenant's name, and of every caller if there are no tokens.
pub(super) const DEFAULT_TENANT: &str = "default";

/// The hash of a token: hashes have one length, so that they are compared in constant time.
#[derive(Clone)]
pub(super) struct Token([u8; 32]);

impl Token {
    pub(super) fn new(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    pub(super) fn equals(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// Reads the file: the tenants with their tokens.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Token)>, SetupError> {
    let failed = |problem: String| SetupError::TokenFile { path: path.to_owned(), problem };
    let text = read_private(path).map_err(|error| failed(format!("cannot be used: {error}")))?;
    parse(&text).map_err(failed)
}

fn read_private(path: &Path) -> io::Result<String> {
    let file = regular_file::open(path, Links::Follow)?;
    let mode = file.metadata()?.mode() & 0o777;
    if mode & 0o007 != 0 {
        let text = format!("it is accessible to other users (mode {mode:o}); run `chmod o= FILE`");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

/// Parses lines of `TENANT TOKEN`, or one line with a token alone. Empty lines and lines that start with `#`
/// are ignored.
fn parse(text: &str) -> Result<Vec<(String, Token)>, String> {
    let lines = text.lines().zip(1..).map(|(line, number)| (line.trim(), number));
    let lines: Vec<_> = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')).collect();
    let (mut tokens, mut seen) = (Vec::new(), BTreeSet::new());
    for (line, number) in &lines {
        let words: Vec<_> = line.split_whitespace().collect();
        let (tenant, token) = match words[..] {
            [token] if lines.len() == 1 => (DEFAULT_TENANT, token),
            [tenant, token] => (tenant, token),
            // The message does not quote the line, which may contain a secret.
            _ => return Err(format!("has a line that is not `TENANT TOKEN`: line {number}")),
        };
        if !is_valid_name(tenant) {
            return Err(format!(
                "has an invalid tenant in line {number}: a name is 1 to {MAX_NAME} letters, digits, `-`, `_` and `.`"
            ));
        }
        if token.len() < MIN_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "has an invalid token in line {number}: a token is {MIN_TOKEN} or more printable ASCII characters"
            ));
        }
        if !seen.insert(token) {
            return Err(format!("has a token in line {number} that an earlier line has too"));
        }
        tokens.push((tenant.to_owned(), Token::new(token.as_bytes())));
    }
    if tokens.is_empty() { Err("contains no token".into()) } else { Ok(tokens) }
}

fn is_valid_name(name: &str) -> bool {
    name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn tenants(text: &str) -> Result<Vec<String>, String> {
        parse(text).map(|tokens| tokens.into_iter().map(|(tenant, _)| tenant).collect())
    }

    #[test]
    fn a_line_has_a_tenant_and_a_token_or_a_token_alone() {
        assert_eq!(tenants(&format!("{TOKEN}\n")), Ok(vec![DEFAULT_TENANT.into()]));
        let two = format!("# agents\n\n a {TOKEN}\na {TOKEN}2\nb\t{TOKEN}3");
        assert_eq!(tenants(&two), Ok(vec!["a".into(), "a".into(), "b".into()]));
    }

    #[test]
    fn an_error_about_the_token_file_contains_no_token() {
        for (text, part) in [
            (String::new(), "contains no token"),
            ("# only\n".into(), "contains no token"),
            ("a short".into(), "line 1"),
            (format!("{TOKEN}\n{TOKEN}2"), "line 1"),
            (format!("a {TOKEN}\nb {TOKEN}"), "line 2"),
            (format!("a/b {TOKEN}"), "line 1"),
            (format!("a b {TOKEN}"), "line 1"),
        ] {
            let problem = tenants(&text).expect_err(&text);
            assert!(problem.contains(part) && !problem.contains(TOKEN), "{text:?}: {problem}");
        }
    }

    #[test]
    fn a_token_equals_only_itself() {
        let equal = |one: &str, other: &str| {
            bool::from(Token::new(one.as_bytes()).equals(&Token::new(other.as_bytes())))
        };
        assert!(equal(TOKEN, TOKEN) && !equal(TOKEN, "0123456789abcdeF") && !equal(TOKEN, ""));
    }
}
