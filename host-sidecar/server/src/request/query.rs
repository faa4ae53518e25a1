//! The query of a request, as HTML forms encode it. Values are bytes: a path need not be UTF-8. Pure.

use crate::api_error::ApiError;
use axum::extract::FromRequestParts;
use cofferdam_http_api::Mode;
use cofferdam_types::quoted;
use http::{StatusCode, request::Parts};
use percent_encoding::percent_decode;
use std::{convert::Infallible, str::FromStr};

/// The names and values of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, Vec<u8>)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (String::from_utf8_lossy(&decoded(name)).into_owned(), decoded(value))
        });
        Self(pairs.collect())
    }

    /// Refuses a query with another name than these, or with one of them twice.
    pub(crate) fn only(self, names: &[&str]) -> Result<Self, ApiError> {
        for (at, (name, _)) in self.0.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                let known = if names.is_empty() { "none".into() } else { names.join(", ") };
                return Err(invalid(format!(
                    "the query has an unknown parameter {}; known: {known}",
                    quoted(name)
                )));
            }
            if self.0.iter().skip(at + 1).any(|(other, _)| other == name) {
                return Err(invalid(format!("the query has the parameter `{name}` twice")));
            }
        }
        Ok(self)
    }

    /// All names and values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.pairs().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The bytes of a required value, such as a path.
    pub(crate) fn bytes(&self, name: &str) -> Result<&[u8], ApiError> {
        let value = self.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| invalid(format!("the query has no parameter `{name}`")))
    }

    /// A number, if there is one.
    pub(crate) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, ApiError> {
        self.parsed(name, "a number")
    }

    /// Permission bits, if there are any.
    pub(crate) fn mode(&self) -> Result<Option<u32>, ApiError> {
        Ok(self.parsed("mode", "three octal digits, such as 644")?.map(|mode: Mode| mode.0))
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        Ok(self.parsed(name, "true or false")?.unwrap_or_default())
    }

    fn parsed<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let parsed = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        parsed
            .map(Some)
            .ok_or_else(|| invalid(format!("the parameter `{name}` of the query is not {expected}")))
    }
}

/// Forms encode a space as `+`.
fn decoded(text: &str) -> Vec<u8> {
    percent_decode(text.replace('+', " ").as_bytes()).collect()
}

fn invalid(text: String) -> ApiError {
    ApiError::invalid(StatusCode::BAD_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_http_api::Problem;

    fn detail<T>(result: Result<T, ApiError>) -> String {
        result.err().map_or_else(|| "accepted".into(), |error| Problem::from(error).detail)
    }

    #[test]
    fn a_path_may_have_any_bytes() {
        for (query, path) in [
            ("path=/a/b", &b"/a/b"[..]),
            ("path=a%20b+c%2Bd", b"a b c+d"),
            ("path=%ff%FE", b"\xff\xfe"),
            ("path=a%26b%3D&mode=644", b"a&b="),
            ("mode=644&path=a=b", b"a=b"),
            ("path=%zz%", b"%zz%"),
        ] {
            assert_eq!(Query::parse(query).bytes("path").ok(), Some(path), "{query}");
        }
        for query in ["", "path", "path=", "Path=a"] {
            assert_eq!(
                detail(Query::parse(query).bytes("path")),
                "the query has no parameter `path`",
                "{query}"
            );
        }
    }

    #[test]
    fn values_have_a_type() {
        let query = Query::parse("depth=3&recursive=true&mode=0755&close=yes&from=-1");
        assert_eq!(query.number::<u32>("depth").ok(), Some(Some(3)));
        assert_eq!(query.number::<u32>("other").ok(), Some(None));
        assert!(
            query.flag("recursive").is_ok_and(|flag| flag) && query.flag("other").is_ok_and(|flag| !flag)
        );
        assert_eq!(query.mode().ok(), Some(Some(0o755)));
        assert_eq!(detail(query.flag("close")), "the parameter `close` of the query is not true or false");
        assert_eq!(detail(query.number::<u64>("from")), "the parameter `from` of the query is not a number");
    }

    #[test]
    fn an_unknown_or_repeated_parameter_is_refused() {
        let only = |query| detail(Query::parse(query).only(&["path", "mode"]));
        assert_eq!(only("path=a&mode=644"), "accepted");
        assert_eq!(only("path=a&path=b"), "the query has the parameter `path` twice");
        assert_eq!(only("paht=a"), "the query has an unknown parameter `paht`; known: path, mode");
    }
}
