//! Credentials in the files of Docker and Podman, and of their credential helpers. Sources: docker-login(1),
//! containers-auth.json(5), github.com/docker/docker-credential-helpers.

use super::auth::Credentials;
use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_core::os::{
    programs,
    regular_file::{self, Links},
    user_dirs,
};
use serde::Deserialize;
use std::{collections::BTreeMap, env, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    runtime::Builder,
    time::timeout,
};

const MAX_FILE: usize = 1 << 20;
const MAX_ANSWER: u64 = 64 << 10;
/// Time for a helper to answer: one may wait for a person who is not there.
const HELPER_TIMEOUT: Duration = Duration::from_secs(30);
/// What Docker calls its default registry.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// The user in the answer of a helper that gives an identity token.
const TOKEN_USER: &str = "<token>";

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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

/// Where the credentials of a registry are.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Text(String),
    IdentityToken(String),
    Helper { program: String, server: String },
}

/// The credentials for a registry, in the first file that has some. Fails if a helper does not answer.
pub(super) fn find(registry: &str, repository: &str) -> Result<Option<Credentials>, String> {
    let found = files().into_iter().find_map(|path| {
        let content = regular_file::read(&path, MAX_FILE, Links::Follow).ok()?;
        let file: File = serde_json::from_slice(&content).ok()?;
        match source(&file, registry, repository)? {
            Source::Text(text) => decode(&text).map(Ok),
            Source::IdentityToken(token) => Some(Ok(Credentials::IdentityToken(token))),
            Source::Helper { program, server } => {
                let path = programs::find(&program, user_dirs::search_path())?;
                let mut command = Command::new(path);
                command.arg("get");
                let unanswered = || {
                    format!("`{program} get` has not answered for {HELPER_TIMEOUT:?}, and was ended; see whether it waits for a password")
                };
                ask(command, &server, HELPER_TIMEOUT).map_err(|_| unanswered()).transpose()
            }
        }
    });
    found.transpose()
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

/// A helper that has not answered.
#[derive(Debug)]
struct Unanswered;

/// Asks a helper for the credentials of a server. It is killed if it does not end in time.
fn ask(mut command: Command, server: &str, limit: Duration) -> Result<Option<Credentials>, Unanswered> {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return Ok(None) };
    runtime.block_on(async {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else { return Ok(None) };
        match timeout(limit, answer(&mut child, server)).await {
            Ok(credentials) => Ok(credentials),
            Err(_) => {
                let _ = child.kill().await;
                Err(Unanswered)
            }
        }
    })
}

async fn answer(child: &mut Child, server: &str) -> Option<Credentials> {
    // A helper may answer without having read what it is asked.
    let _ = child.stdin.take()?.write_all(server.as_bytes()).await;
    let mut answer = Vec::new();
    child.stdout.take()?.take(MAX_ANSWER).read_to_end(&mut answer).await.ok()?;
    let succeeded = child.wait().await.ok()?.success();
    let answer: HelperAnswer = serde_json::from_slice(&answer).ok()?;
    let HelperAnswer { username: user, secret: password } = answer;
    succeeded.then(|| match &*user {
        TOKEN_USER => Credentials::IdentityToken(password),
        _ => Credentials::Password { user, password },
    })
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
    fn a_helper_that_does_not_answer_is_killed() {
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            command
        };
        let script = r#"printf '{"Username": "user", "Secret": "%s"}' "$(cat)""#;
        let answered = ask(shell(script), "example.com", HELPER_TIMEOUT).expect("an answer");
        assert!(answered == Some(password("user", "example.com")));
        let script = r#"echo '{"Username": "<token>", "Secret": "a"}'"#;
        let answered = ask(shell(script), "example.com", HELPER_TIMEOUT).expect("an answer");
        assert!(answered == Some(Credentials::IdentityToken("a".into())));
        assert!(ask(shell("exit 1"), "example.com", HELPER_TIMEOUT).expect("an answer").is_none());
        // It would end after days, with its output closed before or not.
        for script in ["exec sleep 1000000", "exec sleep 1000000 >&-"] {
            assert!(ask(shell(script), "example.com", Duration::from_millis(50)).is_err(), "{script}");
        }
    }
}
