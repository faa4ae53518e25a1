//! How sessions begin and end.

use super::peer::{Bench, code, open, shell};
use cofferdam_core::{
    Runtime,
    policy::Policy,
    pool::PoolConfig,
    quantity::{Bytes, Seconds},
    session::{Ended, ExecutionSpec, LostReason, SessionConfig, SessionRequest, SessionUpdate},
};
use cofferdam_types::{ErrorCode, Request, RequestedLimits};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn named(name: &str) -> SessionRequest {
    SessionRequest { name: Some(name.into()), ..SessionRequest::default() }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_its_tenants_until_it_is_closed() {
    let mut bench = Bench::new(SessionConfig::default());
    let ours = bench.runtime.with_tenant("ours");
    let theirs = bench.runtime.with_tenant("theirs");
    let metadata = [("user".to_owned(), "u".to_owned())];
    let request = SessionRequest { metadata: metadata.clone().into(), ..named("a") };
    let (session, _) = ours.open_session(request).await.expect("a session");
    let _peer = bench.peer().await;
    let info = session.info();
    assert!(info.id.len() > 32 && info.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    assert_eq!((ours.sessions(&metadata).len(), theirs.sessions(&[]).len()), (1, 0));
    assert_eq!(ours.sessions(&[("user".to_owned(), "v".to_owned())]), []);
    let unknown = theirs.session("session-0").expect_err("unknown");
    let foreign = theirs.session(&info.id).expect_err("foreign");
    assert_eq!(unknown.message, foreign.message);
    assert_eq!((unknown.code, foreign.code), (ErrorCode::NotFound, ErrorCode::NotFound));
    assert_eq!(ours.session(&info.id).expect("the session").info().id, info.id);

    session.close().await.expect("closed");
    assert_eq!(bench.counts(), (1, 1));
    session.close().await.expect("still closed");
    let gone = ours.session(&info.id).expect_err("closed");
    assert_eq!(gone.code, ErrorCode::Gone);
    assert!(gone.message.contains("was closed"), "{gone}");
    assert_eq!(code(session.start(shell("true")).await), ErrorCode::Gone);
    assert_eq!(code(session.usage().await), ErrorCode::Gone);
    assert_eq!(code(session.files().stat(b"a").await), ErrorCode::Gone);
    assert_eq!(code(theirs.session(&info.id)), ErrorCode::NotFound);
    let (_, is_new) = ours.open_session(named("a")).await.expect("its name is free");
    assert!(is_new);
}

#[tokio::test(start_paused = true)]
async fn two_requests_of_one_name_at_once_get_one_session() {
    let bench = Bench::new(SessionConfig::default());
    let open = || bench.runtime.open_session(named("a"));
    let (one, other) = tokio::join!(open(), open());
    let (one, other) = (one.expect("a session"), other.expect("a session"));
    assert_eq!(one.0.info().id, other.0.info().id);
    assert_eq!((one.1, other.1, bench.counts().0), (true, false, 1));
    let different = SessionRequest { language: Some("bash".into()), ..named("a") };
    assert_eq!(code(bench.runtime.open_session(different).await), ErrorCode::Conflict);
    let (_, is_new) = bench.runtime.with_tenant("other").open_session(named("a")).await.expect("a session");
    assert!(is_new, "names are the tenant's");
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_is_given_up_leaves_nothing_and_frees_its_name() {
    let config = SessionConfig { max_sessions: 1, ..SessionConfig::default() };
    let bench = Bench::new(config);
    let given_up = timeout(Duration::from_millis(500), bench.runtime.open_session(named("a"))).await;
    assert!(given_up.is_err());
    let (session, is_new) = bench.runtime.open_session(named("a")).await.expect("a session");
    assert!(is_new);
    session.close().await.expect("closed");
    assert_eq!(bench.counts(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn quotas_bound_sessions_their_memory_and_their_creations() {
    let config = SessionConfig { max_sessions: 3, max_sessions_per_tenant: 2, ..SessionConfig::default() };
    let bench = Bench::new(config.clone());
    let (one, other) = (bench.runtime.with_tenant("one"), bench.runtime.with_tenant("other"));
    let request = SessionRequest::default;
    let (first, second) = tokio::join!(one.open_session(request()), one.open_session(request()));
    let (first, _second) = (first.expect("a session").0, second.expect("a session").0);
    assert_eq!(code(one.open_session(request()).await), ErrorCode::Quota);
    other.open_session(request()).await.expect("a session");
    assert_eq!(code(other.open_session(request()).await), ErrorCode::Quota);
    first.close().await.expect("closed");
    other.open_session(request()).await.expect("a session");

    let bench = Bench::new(SessionConfig { max_memory_bytes: Bytes(1 << 30), ..config.clone() });
    let with_memory = |bytes| {
        let limits = RequestedLimits { memory_bytes: Some(bytes), ..RequestedLimits::default() };
        bench.runtime.open_session(SessionRequest { limits, ..request() })
    };
    assert_eq!(code(with_memory(900 << 20).await), ErrorCode::Denied, "it never fits");
    let (large, _) = with_memory(700 << 20).await.expect("a session");
    assert_eq!(code(with_memory(100 << 20).await), ErrorCode::Quota, "it fits later");
    large.close().await.expect("closed");
    with_memory(100 << 20).await.expect("it fits now");

    let none = bench.runtime.with_max_sessions(0);
    assert_eq!(code(none.open_session(request()).await), ErrorCode::Denied);

    let bench = Bench::new(SessionConfig { creations_per_minute: 1, ..config });
    bench.runtime.open_session(request()).await.expect("a session");
    assert_eq!(code(bench.runtime.open_session(request()).await), ErrorCode::Quota);
    sleep(secs(60)).await;
    bench.runtime.open_session(request()).await.expect("a session");
}

#[tokio::test(start_paused = true)]
async fn a_request_above_a_ceiling_is_refused() {
    let bench = Bench::new(SessionConfig::default());
    let refused = async |request| code(bench.runtime.open_session(request).await);
    let day = secs(86_400);
    for request in [
        SessionRequest { idle_timeout: Some(day), ..SessionRequest::default() },
        SessionRequest { max_lifetime: Some(2 * day), ..SessionRequest::default() },
        SessionRequest { network: Some("public".into()), ..SessionRequest::default() },
    ] {
        assert_eq!(refused(request).await, ErrorCode::Denied);
    }
    let metadata = [("a".to_owned(), "x".repeat(16 << 10))].into();
    assert_eq!(refused(SessionRequest { metadata, ..SessionRequest::default() }).await, ErrorCode::TooLarge);
    assert_eq!(refused(named("a/b")).await, ErrorCode::InvalidRequest);
    assert_eq!(bench.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_ends_and_a_running_execution_or_a_request_keeps_it() {
    let (bench, session, mut peer) = open().await;
    let idle = session.info().idle_timeout;
    let execution = session.start(shell("sleep")).await.expect("an execution");
    let channel = peer.started().await;
    peer.process(channel, 1).await;
    sleep(secs(299)).await;
    peer.exit(channel, 0).await;
    execution.wait().await.expect("an end");
    sleep(idle - secs(5)).await;
    session.usage().await.expect("usage");
    sleep(idle - secs(5)).await;
    bench.runtime.session(&session.info().id).expect("it lives");
    let since = Instant::now();
    assert_eq!(session.ended().await, Ended::Idle);
    assert!((idle..idle + secs(3)).contains(&since.elapsed()), "{:?}", since.elapsed());
    let gone = bench.runtime.session(&session.info().id).expect_err("idle");
    assert!(gone.code == ErrorCode::Gone && gone.message.contains("idle"), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn a_session_expires_and_its_end_can_be_moved_up_to_its_maximum_lifetime() {
    let config =
        SessionConfig { max_idle_timeout_seconds: Seconds(secs(86_400)), ..SessionConfig::default() };
    let mut bench = Bench::new(config);
    let request = SessionRequest {
        timeout: Some(secs(100)),
        max_lifetime: Some(secs(1000)),
        idle_timeout: Some(secs(5000)),
        ..SessionRequest::default()
    };
    let (session, mut peer) = bench.open(request).await;
    let execution =
        session.start(ExecutionSpec { background: true, ..shell("sleep") }).await.expect("an execution");
    let channel = peer.started().await;
    peer.process(channel, 1).await;
    let created = session.info().created;
    let told = peer.deadlines.borrow_and_update().expect("deadlines");
    assert!(told.lifetime > secs(100) && told.idle > secs(5000), "{told:?}");
    let update = |seconds| SessionUpdate { timeout: Some(secs(seconds)), ..SessionUpdate::default() };
    assert_eq!(code(session.update(update(1001)).await), ErrorCode::Denied);
    let info = session.update(update(500)).await.expect("moved");
    assert!(info.expires > created + secs(499) && info.ends_at_most == created + secs(1000));
    peer.deadlines.changed().await.expect("news");
    assert!(peer.deadlines.borrow().expect("deadlines").lifetime > secs(499));
    let since = Instant::now();
    assert_eq!(session.ended().await, Ended::Expired);
    assert!((secs(499)..secs(503)).contains(&since.elapsed()), "{:?}", since.elapsed());
    assert_eq!(code(execution.wait().await), ErrorCode::Gone);
    assert_eq!(code(session.update(update(1)).await), ErrorCode::Gone);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_sidecar_ends_its_sessions() {
    let (bench, session, _peer) = open().await;
    let execution = session.start(shell("sleep")).await.expect("an execution");
    bench.runtime.drain().await;
    assert_eq!(bench.counts(), (1, 1));
    assert_eq!(session.ended().await, Ended::Lost(LostReason::SidecarEnds));
    assert_eq!(code(execution.wait().await), ErrorCode::Gone);
    assert_eq!(
        code(bench.runtime.open_session(SessionRequest::default()).await),
        ErrorCode::SandboxUnavailable
    );

    let bench = Bench::new(SessionConfig::default());
    let runtime = bench.runtime.clone();
    let opening = tokio::spawn(async move { runtime.open_session(named("a")).await });
    sleep(Duration::from_millis(500)).await;
    bench.runtime.drain().await;
    assert_eq!(code(opening.await.expect("no panic")), ErrorCode::SandboxUnavailable);
    assert_eq!(bench.counts(), (0, 0));

    let (bench, session, _peer) = open().await;
    let deleted = bench.backend.deleted.clone();
    drop((bench, session));
    while deleted.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_prewarmed_sandbox_becomes_a_session() {
    let mut bench = Bench::new(SessionConfig::default());
    let config = PoolConfig { maximum: Some(1), ..PoolConfig::default() };
    bench.runtime = bench.runtime.with_pool(&config);
    bench.runtime.warm_up(Request { code: "1".into(), ..Request::default() }).await.expect("a sandbox");
    let (session, _peer) = bench.open(SessionRequest::default()).await;
    assert!(session.info().warm);
    bench.runtime.drain().await;
    let (created, deleted) = bench.counts();
    assert_eq!(created, deleted);
}

#[tokio::test(start_paused = true)]
async fn a_backend_without_sessions_says_so() {
    let backend = crate::fake::FakeBackend::new(crate::fake::Script::Hang);
    let runtime = Runtime::new(Policy::default(), backend).with_sessions(SessionConfig::default());
    assert!(!runtime.has_sessions());
    assert_eq!(code(runtime.open_session(SessionRequest::default()).await), ErrorCode::Denied);
    assert_eq!(code(runtime.session("session-0")), ErrorCode::Denied);
    assert_eq!(runtime.sessions(&[]), []);
}
