//! The same results, errors and concurrency in each host.

use crate::scripted_server::{ScriptedServer, closed_url, response};
use cofferdam_component::types::Request;
use cofferdam_tests::{
    cluster::runtime,
    conformance::{Case, ContractError, HOSTS, Host, LARGE_HOSTS, Outcome, SidecarUrl, result},
    program::TestDir,
    sidecar::Sidecar,
};
use rustix::process::Signal;
use std::thread;

/// Cases of `tests/conformance` whose results are the same each time.
const CASES: [&str; 12] = [
    "a-sleeping-program-times-out-with-its-output",
    "a-termination-signal-is-reported-by-its-number",
    "all-parts-of-a-request-work-together",
    "an-argument-with-a-nul-is-refused",
    "an-invalid-utf-8-byte-does-not-affect-output-and-exit-code",
    "an-unhandled-exception-has-its-traceback",
    "every-byte-value-is-exact",
    "links-and-pipes-are-skipped",
    "memory-over-the-ceiling-is-denied",
    "output-one-byte-over-the-limit-is-truncated",
    "streams-can-be-opened-by-their-device-names",
    "too-much-memory-is-reported",
];

fn results(host: &Host, url: &str) -> Vec<Result<Outcome, ContractError>> {
    let driver = (host.driver)(SidecarUrl::from(url.to_owned())).expect("a driver");
    let execute = |name| {
        let case = Case::named("conformance", name).expect("a case");
        let result = result(&case, &*driver).map_err(|error| format!("{name}: {error}"));
        result.expect(host.name).map(Outcome::without_id)
    };
    CASES.into_iter().map(execute).collect()
}

fn assert_same_results(hosts: &[Host]) {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let expected = results(&HOSTS[0], &sidecar.url());
    for host in hosts {
        for ((name, found), expected) in CASES.iter().zip(results(host, &sidecar.url())).zip(&expected) {
            assert_eq!(found, *expected, "{}, {name}", host.name);
        }
    }
}

/// The error of one execution.
fn error(host: &Host, url: &str, code: &str) -> ContractError {
    let driver = (host.driver)(SidecarUrl::from(url.to_owned())).expect("a driver");
    driver.execute(Request::new(code)).expect(host.name).expect_err(host.name)
}

fn assert_errors(hosts: &[Host]) {
    let problem = r#"{"type":"urn:cofferdam:quota","title":"t","status":429,"detail":"all used up","code":"quota","retryable":true}"#;
    let headers = "content-type: application/problem+json\r\ncofferdam-version: 0.1.0\r\n";
    for host in hosts {
        let away = error(host, &closed_url(), "print(1)");
        assert_eq!((&*away.code, away.retryable), ("unreachable", true), "{}: away", host.name);
        let refusing = ScriptedServer::responding(response(429, headers, problem));
        let refused = error(host, &refusing.url(), "print(1)");
        let found = (&*refused.code, &*refused.message, refused.retryable);
        assert_eq!(found, ("quota", "all used up", true), "{}: refused", host.name);
        let killed = killed(host);
        assert_eq!((&*killed.code, killed.retryable), ("unreachable", false), "{}: killed", host.name);
    }
}

/// The error of an execution whose sidecar is killed while the program runs.
fn killed(host: &Host) -> ContractError {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    let url = sidecar.url();
    thread::scope(|scope| {
        let execution = scope.spawn(|| error(host, &url, "import time; time.sleep(600)"));
        sidecar.wait_for("the program runs");
        sidecar.signal(Signal::KILL);
        sidecar.end();
        execution.join().expect("an error")
    })
}

/// The programs run for so long that the metric shows both.
fn assert_two_at_once(hosts: &[Host]) {
    for host in hosts {
        let dir = TestDir::new();
        let sidecar = Sidecar::start(&dir, &[], &[]);
        let driver = (host.driver)(SidecarUrl::from(sidecar.url())).expect("a driver");
        // Now the host and its component are loaded.
        driver.execute(Request::new("")).expect("an outcome").expect("an outcome");
        thread::scope(|scope| {
            let request = Request::new("import time; time.sleep(3); print(6*7)");
            let execution = scope.spawn(|| driver.execute_all(vec![request.clone(), request]));
            while !metrics(&sidecar).contains("\ncofferdam_runs_in_flight 2\n") {
                assert!(!execution.is_finished(), "{} executed one after the other", host.name);
            }
            for result in execution.join().expect("outcomes").expect("outcomes") {
                assert!(result.expect("an outcome").is_success("42\n"), "{}", host.name);
            }
        });
    }
}

/// The sidecar's metrics.
pub(crate) fn metrics(sidecar: &Sidecar) -> String {
    runtime().block_on(sidecar.client().send("GET", "/metrics", &[], "")).text
}

#[test]
fn each_host_returns_the_same_results() {
    assert_same_results(&HOSTS);
}

#[test]
fn each_host_returns_the_errors_of_its_sidecar() {
    assert_errors(&HOSTS);
}

#[test]
fn each_host_executes_two_programs_at_once() {
    assert_two_at_once(&HOSTS);
}

#[test]
#[ignore = "installs large hosts; make hosts"]
fn each_large_host_returns_the_same_results() {
    assert_same_results(&LARGE_HOSTS);
}

#[test]
#[ignore = "installs large hosts; make hosts"]
fn each_large_host_returns_the_errors_of_its_sidecar() {
    assert_errors(&LARGE_HOSTS);
}

#[test]
#[ignore = "installs large hosts; make hosts"]
fn each_large_host_executes_two_programs_at_once() {
    assert_two_at_once(&LARGE_HOSTS);
}
