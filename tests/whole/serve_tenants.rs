//! Tenants: each has its token, its ceilings, its share and its own runs.

use super::serve::{STREAM, endless};
use cofferdam_tests::{program::Place, sidecar::Sidecar};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};

const ONE: &str = "one-one-one-one-one";
const TWO: &str = "two-two-two-two-two";

fn start(place: &Place) -> Sidecar {
    place.write("tokens", format!("# agents\none {ONE}\ntwo {TWO}\n"));
    fs::set_permissions(place.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a file");
    place.write(
        "serve.toml",
        "[serve]\nmax_runs = 4\nmax_queued = 0\n[tenants.one]\nmax_runs = 1\nceilings = { mem_limit = \"64Mi\" }",
    );
    Sidecar::start(place, &["--config", "serve.toml", "--token-file", "tokens"], &[])
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_a_token_gets_in() {
    let place = Place::new();
    let sidecar = start(&place);
    let request = json!({ "code": "print(1)" });
    let wrong = "one-one-one-one-onE";
    for caller in [sidecar.caller(), sidecar.tcp_caller()] {
        for caller in [caller.clone(), caller.with_token(wrong), caller.with_token("")] {
            let answer = caller.run(&request, &[]).await;
            assert_eq!((answer.status, &answer.json["code"]), (401, &json!("unauthorised")), "{}", answer.text);
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
        assert_eq!(caller.with_token(TWO).run(&request, &[]).await.status, 200);
        // Probes have no token.
        assert_eq!(caller.send("GET", "/readyz", &[], "").await.status, 200);
    }
    let pages = sidecar.tcp_caller().with_token(TWO).run(&request, &[("origin", "null")]).await;
    assert_eq!(pages.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tenant_has_to_do_with_anothers_run() {
    let place = Place::new();
    let mut sidecar = start(&place);
    let (one, two) = (sidecar.caller().with_token(ONE), sidecar.caller().with_token(TWO));
    let key = ("idempotency-key", "k");
    let mut stream = one.start(&endless(), &[STREAM, key]).await;
    let begun = stream.read_until("accepted").await;
    let path = format!("/v1/executions/{}", begun.split('"').nth(3).expect("an id"));
    sidecar.wait_for("the program runs");
    for method in ["GET", "DELETE"] {
        let answer = two.send(method, &path, &[], "").await;
        assert_eq!(answer.status, 404, "{method} {}", answer.text);
        assert_eq!(answer.text, two.send(method, "/v1/executions/run-0", &[], "").await.text);
    }
    // The same key is another tenant's own.
    let other = two.run(&json!({ "code": "print(2)" }), &[key]).await;
    assert_eq!(other.json["stdout"]["content"], "2\n", "{}", other.text);
    assert_eq!(one.send("GET", &path, &[], "").await.json["state"], "running");
    assert_eq!(one.send("DELETE", &path, &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_its_own_ceilings_and_share() {
    let place = Place::new();
    let mut sidecar = start(&place);
    let (one, two) = (sidecar.caller().with_token(ONE), sidecar.caller().with_token(TWO));
    let request = json!({ "code": "print(1)", "limits": { "memory_bytes": 128 << 20 } });
    let denied = one.run(&request, &[]).await;
    assert_eq!((denied.status, &denied.json["code"]), (403, &json!("denied")), "{}", denied.text);
    assert_eq!(two.run(&request, &[]).await.status, 200);
    let _stream = one.start(&endless(), &[STREAM]).await;
    sidecar.wait_for("the program runs");
    sidecar.wait_for("the program runs");
    let refused = one.run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!((refused.status, &refused.json["code"]), (429, &json!("overloaded")), "{}", refused.text);
    assert_eq!(two.run(&request, &[]).await.status, 200);
}
