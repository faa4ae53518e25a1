//! Credential helpers: programs that keep credentials. Source: github.com/docker/docker-credential-helpers.

use super::{auth::Credentials, credentials::NoCredentials};
use cofferdam_core::os::{programs, user_dirs};
use serde::Deserialize;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    runtime::Builder,
    time::timeout,
};

const MAX_ANSWER: u64 = 64 << 10;
/// Time for a helper to answer: one may wait for a person who is not there.
const HELPER_TIMEOUT: Duration = Duration::from_secs(30);
/// The user in the answer of a helper that gives an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

/// Asks a helper.
pub(super) fn get(program: &str, server: &str) -> Result<Credentials, NoCredentials> {
    let Some(path) = programs::find(program, user_dirs::search_path()) else {
        return Err(NoCredentials::Unusable(format!("there is no program `{program}`")));
    };
    let mut command = Command::new(path);
    command.arg("get");
    match ask(command, server, HELPER_TIMEOUT) {
        Ok(credentials) => credentials
            .ok_or_else(|| NoCredentials::Unusable(format!("`{program} get` gives no credentials"))),
        Err(Unanswered) => Err(NoCredentials::Unanswered(format!(
            "`{program} get` has not answered for {HELPER_TIMEOUT:?}, and was ended; see whether it waits for a password"
        ))),
    }
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
