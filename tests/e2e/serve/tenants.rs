//! Tenants have their own tokens, ceilings, concurrency limits and executions.

use super::{DETACHED, STREAM, endless};
use cofferdam_tests::{
    program::TestDir,
    sidecar::{HttpClient, Sidecar},
};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};

pub(crate) const ONE: &str = "one-one-one-one-one";
pub(crate) const TWO: &str = "two-two-two-two-two";

fn start(dir: &TestDir) -> Sidecar {
    let settings = "[serve]\nmax_runs = 4\nmax_queued = 0\n[tenants.one]\nmax_runs = 1\nceilings = { mem_limit = \"64Mi\" }";
    start_with(dir, settings, &[])
}

/// A sidecar with two tenants and with settings from a file and the environment.
pub(crate) fn start_with(dir: &TestDir, file: &str, settings: &[(&str, &str)]) -> Sidecar {
    dir.write("tokens", format!("# agents\none {ONE}\ntwo {TWO}\n"));
    fs::set_permissions(dir.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a file");
    dir.write("serve.toml", file);
    Sidecar::start(dir, &["--config", "serve.toml", "--token-file", "tokens"], settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_a_valid_token_are_refused() {
    let dir = TestDir::new();
    let sidecar = start(&dir);
    let request = json!({ "code": "print(1)" });
    let wrong = "one-one-one-one-onE";
    for client in [sidecar.client(), sidecar.tcp_client()] {
        for client in [client.clone(), client.with_token(wrong), client.with_token("")] {
            let response = client.run(&request, &[]).await;
            assert_eq!(
                (response.status, &response.json["code"]),
                (401, &json!("unauthorised")),
                "{}",
                response.text
            );
            assert_eq!(response.headers["www-authenticate"], "Bearer");
        }
        assert_eq!(client.with_token(TWO).run(&request, &[]).await.status, 200);
        // Probes need no token.
        assert_eq!(client.send("GET", "/readyz", &[], "").await.status, 200);
    }
    let pages = sidecar.tcp_client().with_token(TWO).run(&request, &[("origin", "null")]).await;
    assert_eq!(pages.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_cannot_access_anothers_execution() {
    let dir = TestDir::new();
    let mut sidecar = start(&dir);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let key = ("idempotency-key", "k");
    let mut stream = one.start(&endless(), &[STREAM, key]).await;
    let received = stream.read_until("accepted").await;
    let path = format!("/v1/executions/{}", received.split('"').nth(3).expect("an id"));
    sidecar.wait_for("the program runs");
    for method in ["GET", "DELETE"] {
        let response = two.send(method, &path, &[], "").await;
        assert_eq!(response.status, 404, "{method} {}", response.text);
        assert_eq!(response.text, two.send(method, "/v1/executions/run-0", &[], "").await.text);
    }
    // Each tenant has its own keys.
    let other = two.run(&json!({ "code": "print(2)" }), &[key]).await;
    assert_eq!(other.json["stdout"]["content"], "2\n", "{}", other.text);
    assert_eq!(one.send("GET", &path, &[], "").await.json["state"], "running");
    assert_eq!(one.send("DELETE", &path, &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tenant_has_its_own_ceilings_and_concurrency_limit() {
    let dir = TestDir::new();
    let mut sidecar = start(&dir);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let request = json!({ "code": "print(1)", "limits": { "memory_bytes": 128 << 20 } });
    let denied = one.run(&request, &[]).await;
    assert_eq!((denied.status, &denied.json["code"]), (403, &json!("denied")), "{}", denied.text);
    assert_eq!(two.run(&request, &[]).await.status, 200);
    let _stream = one.start(&endless(), &[STREAM]).await;
    sidecar.wait_for("the program runs");
    sidecar.wait_for("the program runs");
    let refused = one.run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!((refused.status, &refused.json["code"]), (429, &json!("overloaded")), "{}", refused.text);
    let detail = refused.json["detail"].as_str().unwrap_or_default();
    assert!(
        detail.contains("1 running (tenants.one.max_runs)") && detail.contains("Retry-After"),
        "{detail}"
    );
    assert_eq!(two.run(&request, &[]).await.status, 200);
}

/// One tenant cancels more executions than the sidecar keeps.
#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_cancellations_do_not_evict_idempotency_keys() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__KEPT_RUNS", "5"), ("COFFERDAM_SERVE__KEPT_LIMIT", "64Ki")];
    let mut sidecar = start_with(&dir, "[serve]\nmax_runs = 4\n[tenants.one]\nmax_runs = 1\n", &settings);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let (request, key) =
        (json!({ "code": "import os; print(os.urandom(16).hex())" }), [("idempotency-key", "k")]);
    let first = two.run(&request, &key).await;
    assert_eq!(first.status, 200, "{}", first.text);
    // All further executions of this tenant wait for this one.
    let _first = one.start(&endless(), &[STREAM]).await;
    sidecar.wait_for("the program runs");
    sidecar.wait_for("the program runs");
    for number in 0..30 {
        let key = number.to_string();
        let headers = [DETACHED, ("idempotency-key", key.as_str())];
        let accepted = one.run(&json!({ "code": "1" }), &headers[..1 + number % 2]).await;
        let path = accepted.headers["location"].to_str().expect("a path");
        assert_eq!(one.send("DELETE", path, &[], "").await.json["problem"]["code"], "cancelled");
    }
    // An outcome over the limit of kept outcomes does not evict the key either.
    let large = json!({ "code": "print('x' * (1 << 20))" });
    assert_eq!(two.run(&request, &key).await.json, first.json);
    drop(_first);
    sidecar.wait_for("ran id=");
    assert_eq!(one.run(&large, &[]).await.status, 200);
    assert_eq!(two.run(&request, &key).await.json, first.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_idempotency_key_is_refused_before_an_old_one_is_forgotten() {
    let dir = TestDir::new();
    let sidecar = start_with(&dir, "[serve]\nkept_runs = 2\n", &[]);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let request = json!({ "code": "import os; print(os.urandom(16).hex())" });
    let ask = async |client: &HttpClient, key: &str| client.run(&request, &[("idempotency-key", key)]).await;
    let first = ask(&one, "1").await;
    ask(&one, "2").await;
    let refused = ask(&one, "3").await;
    assert_eq!((refused.status, &refused.json["code"]), (429, &json!("overloaded")), "{}", refused.text);
    assert!(refused.text.contains("serve.kept_runs"), "{}", refused.text);
    let wait: u64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((200..=300).contains(&wait), "{wait}");
    assert_eq!(one.run(&request, &[]).await.status, 200, "without a key there is nothing to remember");
    assert_eq!(ask(&one, "1").await.json, first.json);
    assert_eq!(ask(&two, "3").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_sandbox_is_not_shared_between_tenants() {
    let dir = TestDir::new();
    let mut sidecar = start_with(&dir, "", &[("COFFERDAM_POOL__MAXIMUM", "2")]);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let odd = json!({ "code": "print(1)", "limits": { "memory_bytes": 123 << 20 } });
    assert_eq!(one.run(&odd, &[]).await.json["warm"], false);
    sidecar.wait_for("a sandbox waits");
    assert_eq!(two.run(&odd, &[]).await.json["warm"], false);
    assert_eq!(one.run(&odd, &[]).await.json["warm"], true);
}
