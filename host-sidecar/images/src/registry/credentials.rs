//! Credentials in the files of Docker and Podman. Sources: docker-login(1), containers-auth.json(5).

use super::{auth::Credentials, credential_helper};
use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_core::os::{
    regular_file::{self, Links},
    user_dirs,
};
use serde::Deserialize;
use std::{collections::BTreeMap, env, io::ErrorKind, path::PathBuf};

const MAX_FILE: usize = 1 << 20;
/// What Docker calls its default registry.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    #[serde(rename = "identitytoken")]
    identity_token: Option<String>,
}

/// Where the credentials of a registry are.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Text(String),
    IdentityToken(String),
    Helper { program: String, server: String },
}

/// The credentials for a registry, in the first file that has some; and why other files are not used. Fails if a helper
/// does not answer.
pub(super) fn find(registry: &str, repository: &str) -> Result<(Option<Credentials>, Vec<String>), String> {
    let mut unused = Vec::new();
    for path in files() {
        let found = match regular_file::read(&path, MAX_FILE, Links::Follow) {
            Ok(content) => read_entry(&content, registry, repository),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(NoCredentials::Unusable(error.to_string())),
        };
        match found {
            Ok(Some(credentials)) => return Ok((Some(credentials), unused)),
            Ok(None) => {}
            Err(NoCredentials::Unusable(problem)) => {
                unused.push(format!("{} is not used: {problem}", path.display()))
            }
            Err(NoCredentials::Unanswered(problem)) => return Err(problem),
        }
    }
    Ok((None, unused))
}

/// Why a file that names a registry gives no credentials for it.
pub(super) enum NoCredentials {
    /// They cannot be used; those of another file may.
    Unusable(String),
    /// A helper has not answered, which ends the pull.
    Unanswered(String),
}

/// The credentials in a file, if it has some for the registry.
fn read_entry(
    content: &[u8],
    registry: &str,
    repository: &str,
) -> Result<Option<Credentials>, NoCredentials> {
    let file: File = serde_json::from_slice(content).map_err(|error| {
        // Its text may have a credential.
        let place = format!("line {}, column {}", error.line(), error.column());
        NoCredentials::Unusable(format!("it is malformed at {place}"))
    })?;
    source(&file, registry, repository).map(read_source).transpose()
}

fn read_source(source: Source) -> Result<Credentials, NoCredentials> {
    match source {
        Source::IdentityToken(token) => Ok(Credentials::IdentityToken(token)),
        Source::Text(text) => {
            decode(&text).ok_or_else(|| NoCredentials::Unusable("its `auth` is malformed".into()))
        }
        Source::Helper { program, server } => credential_helper::get(&program, &server),
    }
}

/// The files, in the order of Podman and then Docker.
fn files() -> Vec<PathBuf> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = env::home_dir().filter(|home| home.is_absolute());
    let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let candidates = [
        variable("REGISTRY_AUTH_FILE"),
        user_dirs::runtime().map(|dir| dir.join("containers/auth.json")),
        variable("XDG_CONFIG_HOME").map(|dir| dir.join("containers/auth.json")),
        below_home(".config/containers/auth.json"),
        variable("DOCKER_CONFIG").map(|dir| dir.join("config.json")),
        below_home(".docker/config.json"),
    ];
    candidates.into_iter().flatten().collect()
}

/// Where a file says that the credentials are: the most specific entry of the registry counts.
fn source(file: &File, registry: &str, repository: &str) -> Option<Source> {
    let is_default = registry == "docker.io";
    let path = format!("{registry}/{repository}");
    // Podman's entries may be for a part of a registry.
    let mut names: Vec<&str> =
        path.match_indices('/').map(|(at, _)| path.split_at(at).0).chain([&*path]).collect();
    names.reverse();
    names.extend(is_default.then_some(DOCKER_HUB));
    let server = if is_default { DOCKER_HUB } else { registry };
    if let Some(helper) = file.cred_helpers.get(registry).or_else(|| file.cred_helpers.get(server)) {
        return helper_of(helper, server);
    }
    let is_same = |key: &str, name: &str| {
        let host = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
        key == name || host.trim_end_matches('/') == name
    };
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let entry = names.iter().find_map(|name| {
        let entry = file.auths.iter().find(|(key, _)| is_same(key, name))?.1;
        // Beside a token, `auth` has the user alone.
        let token = given(&entry.identity_token).map(Source::IdentityToken);
        token.or_else(|| given(&entry.auth).map(Source::Text))
    });
    entry.or_else(|| helper_of(file.creds_store.as_deref()?, server))
}

/// A helper is named by the end of its program's name.
fn helper_of(name: &str, server: &str) -> Option<Source> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let program = format!("docker-credential-{name}");
    name.chars().all(is_word).then(|| Source::Helper { program, server: server.to_owned() })
}

fn decode(text: &str) -> Option<Credentials> {
    let text = String::from_utf8(BASE64_STANDARD.decode(text.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    let password = password.trim_end_matches('\0').to_owned();
    Some(Credentials::Password { user: user.to_owned(), password })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(user: &str, password: &str) -> Credentials {
        Credentials::Password { user: user.into(), password: password.into() }
    }

    fn source_in(json: &str, registry: &str) -> Option<Source> {
        source(&serde_json::from_str(json).expect("a file"), registry, "team/app")
    }

    #[test]
    fn the_most_specific_entry_counts() {
        let json = r#"{"auths": {
            "example.com": {"auth": "host"}, "example.com/team": {"auth": "team"}, "example.com/team/application": {"auth": "no"},
            "https://index.docker.io/v1/": {"auth": "hub"}, "http://other.example": {"auth": "other"}, "example.org": {}
        }}"#;
        for (registry, expected) in [
            ("example.com", Some("team")),
            ("docker.io", Some("hub")),
            ("other.example", Some("other")),
            ("example.org", None),
            ("example.com.evil.example", None),
            ("ample.com", None),
        ] {
            assert_eq!(
                source_in(json, registry),
                expected.map(|auth| Source::Text(auth.into())),
                "{registry}"
            );
        }
    }

    #[test]
    fn an_identity_token_takes_the_place_of_a_password() {
        let json = r#"{"auths": {"example.com": {"auth": "dXNlcjo=", "identitytoken": "a"},
            "example.org": {"auth": "text", "identitytoken": ""}}}"#;
        assert_eq!(source_in(json, "example.com"), Some(Source::IdentityToken("a".into())));
        assert_eq!(source_in(json, "example.org"), Some(Source::Text("text".into())));
    }

    #[test]
    fn helpers_are_named_by_registry_or_for_all() {
        let json = r#"{"auths": {"a.example": {}}, "credHelpers": {"b.example": "gcloud", "c.example": "../sh"},
            "credsStore": "pass"}"#;
        let helper = |name: &str, server: &str| {
            Some(Source::Helper { program: format!("docker-credential-{name}"), server: server.into() })
        };
        assert_eq!(source_in(json, "a.example"), helper("pass", "a.example"));
        assert_eq!(source_in(json, "b.example"), helper("gcloud", "b.example"));
        assert_eq!(source_in(json, "c.example"), None);
        assert_eq!(source_in(json, "docker.io"), helper("pass", DOCKER_HUB));
    }

    #[test]
    fn a_password_may_have_colons() {
        let credentials = decode(&BASE64_STANDARD.encode("user:a:b")).expect("credentials");
        assert!(credentials == password("user", "a:b"));
        assert!(decode("!").is_none() && decode(&BASE64_STANDARD.encode("user")).is_none());
    }

    #[test]
    fn a_problem_with_credentials_is_named() {
        let problem = |json: &str| match read_entry(json.as_bytes(), "example.com", "app") {
            Err(NoCredentials::Unusable(problem)) => problem,
            Err(NoCredentials::Unanswered(problem)) => panic!("{problem}"),
            Ok(_) => String::new(),
        };
        for (json, expected) in [
            ("{", "it is malformed at line 1, column 1"),
            (r#"{"auths": {"example.com": "secret"}}"#, "it is malformed at line 1, column"),
            (r#"{"auths": {"example.com": {"auth": "!"}}}"#, "its `auth` is malformed"),
            (r#"{"credsStore": "no-such-helper"}"#, "there is no program `docker-credential-no-such-helper`"),
            (r#"{"auths": {}}"#, ""),
        ] {
            assert!(problem(json).starts_with(expected), "{json} {}", problem(json));
        }
    }
}
