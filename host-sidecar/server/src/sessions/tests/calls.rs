//! Calls on sessions as a whole.

use super::*;
use cofferdam_http_api::session::Session;
use cofferdam_types::ErrorCode;
use std::sync::atomic::Ordering::Relaxed;

#[tokio::test]
async fn a_session_is_created_found_changed_and_closed() {
    let sidecar = Sidecar::start();
    let client = sidecar.client("ada");
    let request = SessionRequest {
        name: Some("a".into()),
        metadata: [("user".to_owned(), "x y".to_owned())].into(),
        ..SessionRequest::default()
    };
    let (session, was_created) = client.create_session(&request).await.expect("a session");
    let (again, created_again) = client.create_session(&request).await.expect("a session");
    assert_eq!((was_created, created_again, &again.id), (true, false, &session.id));
    sidecar.session().await;
    let filtered = client.sessions(&[("user".into(), "x y".into())]).await.expect("sessions");
    let all = client.sessions(&[]).await.expect("sessions");
    assert_eq!((filtered.len(), all.len(), filtered[0].name.as_deref()), (1, 2, Some("a")));
    let path = format!("/v1/sessions/{}", session.id);
    let patched = sidecar.json("PATCH", &path, r#"{"timeout_ms":60000,"metadata":{"k":"v"}}"#).await;
    let patched: Session = serde_json::from_str(&patched.body).expect("a session");
    assert!(patched.expires_ms < session.expires_ms && patched.metadata["k"] == "v");
    let usage = sidecar.raw("GET", &format!("{path}/usage"), &[], "").await;
    assert_eq!(usage.body, r#"{"memory_bytes":5,"disk_bytes":0,"processes":0,"cpu_time_ms":0}"#);
    client.close_session(&session.id).await.expect("closed");
    let gone = sidecar.raw("GET", &path, &[], "").await;
    assert_eq!(gone.status, 410);
    assert!(gone.detail().contains("was closed"), "{}", gone.detail());
}

#[tokio::test]
async fn a_session_of_another_tenant_is_answered_like_none() {
    let sidecar = Sidecar::start();
    let id = sidecar.session().await;
    let other = sidecar.client("bob");
    let foreign = other.session(&id).await.expect_err("foreign");
    let unknown = other.session("session-0").await.expect_err("unknown");
    assert_eq!((foreign.code, unknown.code), (ErrorCode::NotFound, ErrorCode::NotFound));
    assert_eq!(foreign.message, unknown.message);
    for result in [
        other.close_session(&id).await.err(),
        other.execute(&id, &program(&["echo", "a"])).await.err(),
        other.stat(&id, b"/a").await.err(),
    ] {
        assert_eq!(result.map(|error| error.code), Some(ErrorCode::NotFound));
    }
    assert!(other.sessions(&[]).await.expect("sessions").is_empty());
}

#[tokio::test]
async fn a_tenant_has_as_many_sessions_as_its_settings_say() {
    let sidecar = Sidecar::start();
    for (tenant, second) in [("bob", Some(ErrorCode::Quota)), ("ada", None)] {
        let client = sidecar.client(tenant);
        client.create_session(&SessionRequest::default()).await.expect("a session");
        let refused = client.create_session(&SessionRequest::default()).await.err();
        assert_eq!(refused.map(|error| error.code), second, "{tenant}");
    }
}

#[tokio::test]
async fn requests_with_one_key_create_one_session() {
    let sidecar = Sidecar::start();
    let create = |key: &'static str, body: &'static str| {
        let sidecar = &sidecar;
        async move { sidecar.raw("POST", "/v1/sessions", &["Content-Type: application/json", key], body).await }
    };
    let (one, other) = tokio::join!(create("Idempotency-Key: k", "{}"), create("Idempotency-Key: k", "{}"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    let id = |response: &RawResponse| serde_json::from_str::<Session>(&response.body).expect("a session").id;
    assert_eq!(id(&one), id(&other));
    assert!(one.head.contains(&format!("location: /v1/sessions/{}", id(&one))));
    assert_eq!(sidecar.backend.created.load(Relaxed), 1);
    assert_eq!(create("Idempotency-Key: k", r#"{"language":"python"}"#).await.status, 422);
}

#[tokio::test]
async fn a_wrong_request_is_one_clear_error() {
    let sidecar = Sidecar::start();
    let id = sidecar.session().await;
    let executions = format!("/v1/sessions/{id}/executions");
    for (method, path, body, status, part) in [
        ("POST", "/v1/sessions", r#"{"timeout":5}"#, 400, "unknown field `timeout`"),
        ("POST", "/v1/sessions", r#"{"idle_timeout_ms":999999999999}"#, 403, "idle"),
        ("POST", &*executions, "{}", 400, "exactly one of `command`, `shell` and `code`"),
        ("POST", &executions, r#"{"command":[]}"#, 400, ""),
        ("GET", "/v1/sessions?user=x", "", 400, "metadata.KEY=VALUE"),
        ("GET", &format!("/v1/sessions/{id}/files"), "", 400, "no parameter `path`"),
        ("GET", &format!("/v1/sessions/{id}/files?path=/x"), "", 404, "`/x` does not exist"),
        ("GET", &format!("/v1/sessions/{id}/files?paht=/x"), "", 400, "unknown parameter `paht`"),
        ("GET", &format!("{executions}/none"), "", 404, "no execution `none`"),
        ("PUT", &executions, "", 405, "method not allowed"),
    ] {
        let response = sidecar.json(method, path, body).await;
        assert_eq!(response.status, status, "{method} {path} {body}: {}", response.body);
        assert!(response.head.contains("content-type: application/problem+json"), "{}", response.head);
        assert!(response.detail().contains(part), "{part}: {}", response.detail());
    }
}

#[tokio::test]
async fn a_sidecar_without_sessions_says_so() {
    let sidecar = Sidecar::without_sessions();
    for (method, path) in [("GET", "/v1/sessions"), ("POST", "/v1/sessions"), ("GET", "/v1/sessions/a")] {
        let response = sidecar.json(method, path, "{}").await;
        assert_eq!(response.status, 501);
        assert!(response.detail().contains("has no sessions"), "{}", response.detail());
    }
}

#[tokio::test]
async fn a_session_that_is_lost_says_why() {
    let sidecar = Sidecar::start();
    let id = sidecar.session().await;
    let mut events = sidecar.client("ada").execute(&id, &program(&["die"])).await.expect("events");
    let last = loop {
        match events.next().await.expect("an event") {
            cofferdam_http_api::session::SessionEvent::Accepted { .. } => {}
            event => break event,
        }
    };
    let cofferdam_http_api::session::SessionEvent::Failed { failed } = last else { panic!("{last:?}") };
    assert_eq!((failed.code, failed.status), (ErrorCode::Gone, 410));
    assert!(failed.detail.contains("was evicted"), "{}", failed.detail);
    let metrics = sidecar.raw("GET", "/metrics", &[], "").await.body;
    assert!(metrics.contains("cofferdam_sessions_ended_total{reason=\"evicted\"} 1"), "{metrics}");
    assert!(metrics.contains("cofferdam_sessions_open 0"), "{metrics}");
}

#[tokio::test]
async fn a_web_page_is_refused_unless_its_origin_is_allowed() {
    let sidecar = Sidecar::start();
    for (origin, status) in [("Origin: https://app.example", 200), ("Origin: https://evil.example", 403)] {
        assert_eq!(sidecar.raw("GET", "/v1/sessions", &[origin], "").await.status, status, "{origin}");
    }
}
