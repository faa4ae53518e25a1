//! What a registry asks for. Sources: RFC 9110, "Authentication"; Docker's "Token Authentication
//! Specification" and "Oauth2 Token Authentication".

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How this program calls itself to token servers.
const CLIENT: &str = "cofferdam";

/// What is encoded in a query.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'/');

/// Who pulls.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// A user and a password, or a token in place of one.
    Password { user: String, password: String },
    /// A refresh token of OAuth 2, which a token server exchanges for an access token.
    IdentityToken(String),
}

/// What a response with the status 401 asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    /// A token of this address, with these parameters.
    Bearer {
        realm: String,
        parameters: BTreeMap<String, String>,
    },
}

/// The answer of a token server.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Credentials {
    /// The header `Authorization` of a user and a password.
    pub(super) fn basic(&self) -> Option<String> {
        let Self::Password { user, password } = self else { return None };
        Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
    }
}

impl TokenAnswer {
    pub(super) fn token(self) -> Option<String> {
        self.token.or(self.access_token)
    }
}

impl Challenge {
    /// Parses the header `WWW-Authenticate`; none for another scheme.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parameters(rest);
        let realm = parameters.remove("realm")?;
        Some(Self::Bearer { realm, parameters })
    }

    /// The address of the token for pulls from a repository.
    pub(super) fn token_address(
        realm: &str,
        parameters: &BTreeMap<String, String>,
        repository: &str,
    ) -> String {
        let separator = if realm.contains('?') { '&' } else { '?' };
        format!("{realm}{separator}{}", scope(parameters, repository))
    }

    /// The form that exchanges an identity token for a token for pulls from a repository.
    pub(super) fn token_form(
        identity_token: &str,
        parameters: &BTreeMap<String, String>,
        repository: &str,
    ) -> String {
        let (scope, token) = (scope(parameters, repository), encoded(identity_token));
        format!("grant_type=refresh_token&client_id={CLIENT}&{scope}&refresh_token={token}")
    }
}

/// What a token is asked for. What the registry names as the scope is not used: it might be more.
fn scope(parameters: &BTreeMap<String, String>, repository: &str) -> String {
    let service = parameters.get("service").map(|service| format!("service={}&", encoded(service)));
    format!("{}scope={}", service.unwrap_or_default(), encoded(&format!("repository:{repository}:pull")))
}

/// The parameters of a challenge, with or without quotes.
fn parameters(mut text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    while let Some((name, rest)) = text.split_once('=') {
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.find(',').map_or((rest, ""), |end| rest.split_at(end)),
        };
        let name = name.trim_matches([',', ' ']).to_ascii_lowercase();
        parameters.insert(name, value.trim().to_owned());
        text = rest;
    }
    parameters
}

/// A text in the query of an address, or in a form.
fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_parsed() {
        assert_eq!(Challenge::parse("Basic realm=\"a\""), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("Digest realm=\"a\""), None);
        assert_eq!(Challenge::parse("Bearer service=\"a\""), None);
        let header =
            "bearer realm=\"https://auth.example.com/token\",service=reg, scope=\"repository:a/b:pull,push\"";
        let Some(Challenge::Bearer { realm, parameters }) = Challenge::parse(header) else {
            panic!("a challenge")
        };
        assert_eq!(
            Challenge::token_address(&realm, &parameters, "a/b"),
            "https://auth.example.com/token?service=reg&scope=repository:a/b:pull"
        );
        assert_eq!(parameters["scope"], "repository:a/b:pull,push");
    }

    #[test]
    fn a_parameter_adds_nothing_to_an_address() {
        let parameters = [("service".to_owned(), "a&b=c d".to_owned())].into();
        assert_eq!(
            Challenge::token_address("http://h/t?x=1", &parameters, "r"),
            "http://h/t?x=1&service=a%26b%3Dc%20d&scope=repository:r:pull"
        );
    }

    #[test]
    fn an_identity_token_is_sent_in_a_form() {
        let parameters = [("service".to_owned(), "reg".to_owned())].into();
        assert_eq!(
            Challenge::token_form("a+b&c", &parameters, "team/app"),
            "grant_type=refresh_token&client_id=cofferdam&service=reg&scope=repository:team/app:pull\
             &refresh_token=a%2Bb%26c"
        );
    }

    #[test]
    fn credentials_become_a_header() {
        // Source: RFC 7617, section 2.
        let (user, password) = ("Aladdin".into(), "open sesame".into());
        let basic = Credentials::Password { user, password }.basic();
        assert_eq!(basic.as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(Credentials::IdentityToken("secret".into()).basic(), None);
    }
}
