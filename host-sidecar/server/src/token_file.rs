//! The file of tokens.

use super::SetupError;
use cofferdam_core::os::regular_file::{self, Links};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};
use subtle::{Choice, ConstantTimeEq};

/// Characters of a token at the least; fewer could be guessed.
const MIN_TOKEN: usize = 16;
/// Bytes of a tenant's name at the most.
const MAX_NAME: usize = 63;
/// Bytes of the file.
const MAX_FILE: u64 = 1 << 20;
/// The tenant of a token that stands alone, and of everybody where there are no tokens.
pub(super) const DEFAULT_TENANT: &str = "default";

/// A token, as its hash: equal lengths are compared in equal time.
#[derive(Clone)]
pub(super) struct Token([u8; 32]);

impl Token {
    pub(super) fn new(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    pub(super) fn is(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// Reads the file: tenants with their tokens.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Token)>, SetupError> {
    let failed = |problem: String| SetupError::TokenFile { path: path.to_owned(), problem };
    let text = read_private(path).map_err(|error| failed(format!("cannot be used: {error}")))?;
    parse(&text).map_err(failed)
}

fn read_private(path: &Path) -> io::Result<String> {
    let file = regular_file::open(path, Links::Follow)?;
    let metadata = file.metadata()?;
    if metadata.mode() & 0o007 != 0 {
        let text =
            format!("others than its owner and group may use it (mode {:o}); `chmod o= FILE`", metadata.mode() & 0o777);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

/// Lines of `TENANT TOKEN`, or one line with a token alone. Empty lines and those that start with `#` say nothing.
fn parse(text: &str) -> Result<Vec<(String, Token)>, String> {
    let lines = text.lines().zip(1..).map(|(line, number)| (line.trim(), number));
    let lines: Vec<_> = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')).collect();
    let (mut tokens, mut seen) = (Vec::new(), BTreeSet::new());
    for (line, number) in &lines {
        let words: Vec<_> = line.split_whitespace().collect();
        let (tenant, token) = match words[..] {
            [token] if lines.len() == 1 => (DEFAULT_TENANT, token),
            [tenant, token] => (tenant, token),
            // What the line holds may be a secret.
            _ => return Err(format!("has a line that is not `TENANT TOKEN`: line {number}")),
        };
        if tenant.len() > MAX_NAME || !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        {
            return Err(format!(
                "names a tenant in line {number} that is not 1 to {MAX_NAME} letters, digits, `-`, `_` and `.`"
            ));
        }
        if token.len() < MIN_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "has a token in line {number} that is not {MIN_TOKEN} or more printable ASCII characters"
            ));
        }
        if !seen.insert(token) {
            return Err(format!("has a token in line {number} that stands in an earlier line already"));
        }
        tokens.push((tenant.to_owned(), Token::new(token.as_bytes())));
    }
    if tokens.is_empty() { Err("holds no token".into()) } else { Ok(tokens) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn tenants(text: &str) -> Result<Vec<String>, String> {
        parse(text).map(|tokens| tokens.into_iter().map(|(tenant, _)| tenant).collect())
    }

    #[test]
    fn a_token_may_stand_alone_or_behind_its_tenant() {
        assert_eq!(tenants(&format!("{TOKEN}\n")), Ok(vec![DEFAULT_TENANT.into()]));
        let two = format!("# agents\n\n a {TOKEN}\na {TOKEN}2\nb\t{TOKEN}3");
        assert_eq!(tenants(&two), Ok(vec!["a".into(), "a".into(), "b".into()]));
    }

    #[test]
    fn what_is_no_file_of_tokens_is_refused_without_its_secrets() {
        for (text, part) in [
            (String::new(), "no token"),
            ("# only\n".into(), "no token"),
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
    fn a_token_is_itself_only() {
        let is = |one: &str, other: &str| bool::from(Token::new(one.as_bytes()).is(&Token::new(other.as_bytes())));
        assert!(is(TOKEN, TOKEN) && !is(TOKEN, "0123456789abcdeF") && !is(TOKEN, ""));
    }
}
