//! Registries with TLS, mirrors, tokens and redirections.

use super::{
    bash, credentials,
    server::{Answer, Request, Server},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_tests::{
    images::{Layout, Registry, RegistryOptions, push},
    program::{TestDir, stderr, stdout},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Output,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A folder with the layout of an image.
fn layout() -> (TestDir, PathBuf) {
    let dir = TestDir::new();
    let folder = dir.path().join("layout");
    Layout::new(vec![bash()]).write(&folder, "app:1");
    (dir, folder)
}

/// Pulls an image with these settings of images, and the credentials in the folder.
fn pull(dir: &TestDir, settings: &str, image: &str) -> Output {
    dir.write("settings.toml", format!("[images]\n{settings}\n"));
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let mut command = dir.cofferdam(["image", "--config", "settings.toml", "pull", image]);
    command.env("DOCKER_CONFIG", dir.path()).env("PATH", path).output().expect("cofferdam")
}

fn insecure(hosts: &[&str]) -> String {
    format!("insecure_registries = {hosts:?}")
}

fn assert_pulled(output: &Output) {
    assert!(output.status.success(), "{}{}", stdout(output), stderr(output));
}

fn assert_refused(output: &Output, parts: &[&str]) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(125), "{message}");
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
}

#[test]
fn a_registry_with_a_certificate_of_ones_own_authority_needs_a_setting() {
    let (dir, folder) = layout();
    let mut authority = CertificateParams::new([]).expect("a certificate");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (authority_key, key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    dir.write("ca.pem", authority.self_signed(&authority_key).expect("a certificate").pem());
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a certificate");
    let server = server.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a certificate");
    dir.write("cert.pem", server.pem());
    dir.write("key.pem", key.serialize_pem());
    let storage = dir.path().join("registry");
    push(&storage, &folder, "app", "1");
    let tls = Some(["cert.pem", "key.pem"].map(|file| dir.path().join(file)));
    let registry =
        Registry::start_with(&storage, &RegistryOptions { tls, with_password: true, ..Default::default() });
    credentials(&dir, &registry.host, "secret");
    let image = format!("{}/app:1", registry.host);
    assert_refused(&pull(&dir, "", &image), &["certificate", "images.ca_file"]);
    // To send a password without TLS is no way around it.
    assert_refused(&pull(&dir, &insecure(&[&registry.host]), &image), &["400"]);
    assert_pulled(&pull(&dir, &format!("ca_file = {:?}", dir.path().join("ca.pem")), &image));
}

#[test]
fn a_mirror_is_asked_before_its_registry() {
    let (dir, folder) = layout();
    let [own, mirror] = ["own", "mirror"].map(|name| dir.path().join(name));
    push(&own, &folder, "app", "1");
    push(&mirror, &folder, "app", "2");
    let (own, mirror) = (Registry::start(&own, false), Registry::start(&mirror, false));
    let settings = format!(
        "mirrors = {{ {:?} = [\"127.0.0.1:1\", {:?}] }}\n{}",
        own.host,
        mirror.host,
        insecure(&["127.0.0.1:1", &own.host, &mirror.host])
    );
    assert_pulled(&pull(&dir, &settings, &format!("{}/app:2", own.host)));
    assert_eq!((own.blobs_served(), mirror.blobs_served()), (0, 2));
    // Whatever no mirror has, the registry has.
    assert_pulled(&pull(&dir, &settings, &format!("{}/app:1", own.host)));
    let missing = pull(&dir, &settings, &format!("{}/app:3", own.host));
    assert_refused(&missing, &["no such image", &own.host]);
    let settings = format!("mirrors = {{ \"127.0.0.1:1\" = [{:?}] }}", mirror.host);
    let unreachable = pull(&dir, &settings, "127.0.0.1:1/app:1");
    assert_refused(
        &unreachable,
        &["127.0.0.1:1 cannot be reached", &format!("from its mirror {}", mirror.host)],
    );
}

/// A registry that wants the token `issued` of the server at this host.
fn with_token(folder: PathBuf, issuer: &str) -> Server {
    let challenge =
        format!("Bearer realm=\"http://{issuer}/token\",service=\"reg\",scope=\"repository:all:*\"");
    Server::start(move |request| match &request.authorization {
        Some(token) if token == "Bearer issued" => Answer::of(&folder, request),
        _ => Answer::new(401, "").header("www-authenticate", challenge.clone()),
    })
}

#[test]
fn a_token_is_asked_for_with_the_password_and_for_this_pull_alone() {
    let (dir, folder) = layout();
    let basic = format!("Basic {}", BASE64_STANDARD.encode("user:secret"));
    let expected = basic.clone();
    let issuer = Server::start(move |request| match &request.authorization {
        Some(authorization) if *authorization == expected => Answer::new(200, r#"{"token": "issued"}"#),
        _ => Answer::new(401, ""),
    });
    let registry = with_token(folder, &issuer.host);
    let image = format!("{}/team/app:1", registry.host);
    let settings = insecure(&[&registry.host, &issuer.host]);
    assert_refused(&pull(&dir, &settings, &image), &["docker login"]);
    dir.write("config.json", r#"{"auths": {"example.com": "c2VjcmV0"}}"#);
    let malformed = pull(&dir, &settings, &image);
    assert_refused(&malformed, &["docker login", "config.json is not used: it is malformed at line 1"]);
    assert!(!stderr(&malformed).contains("c2VjcmV0"), "{}", stderr(&malformed));
    credentials(&dir, &registry.host, "wrong");
    assert_refused(&pull(&dir, &settings, &image), &["refuses access", "with the credentials"]);
    // The token server needs TLS too.
    assert_refused(&pull(&dir, &insecure(&[&registry.host]), &image), &[&issuer.host, "without TLS"]);
    credentials(&dir, &registry.host, "secret");
    assert_pulled(&pull(&dir, &settings, &image));
    let asked = issuer.requests();
    let last = asked.last().expect("a request");
    assert_eq!(last.target, "/token?service=reg&scope=repository:team/app:pull");
    // The registry itself never receives the password.
    let sent: Vec<_> = registry.requests().into_iter().filter_map(|request| request.authorization).collect();
    assert!(sent.iter().all(|sent| sent == "Bearer issued") && sent.len() == 3, "{sent:?}");
}

#[test]
fn an_identity_token_is_exchanged_for_an_access_token() {
    let (dir, folder) = layout();
    let issuer = Server::start(|request| match &*request.body {
        body if body.ends_with("&refresh_token=a%2Bb") => Answer::new(200, r#"{"access_token": "issued"}"#),
        _ => Answer::new(400, r#"{"error": "invalid_grant"}"#),
    });
    let registry = with_token(folder, &issuer.host);
    let image = format!("{}/app:1", registry.host);
    let settings = insecure(&[&registry.host, &issuer.host]);
    let config = |token: &str| {
        let entry = json!({ "auth": BASE64_STANDARD.encode("user:"), "identitytoken": token });
        json!({ "auths": { registry.host.clone(): entry } }).to_string()
    };
    dir.write("config.json", config("old"));
    assert_refused(&pull(&dir, &settings, &image), &["refuses access", "with the credentials"]);
    dir.write("config.json", config("a+b"));
    assert_pulled(&pull(&dir, &settings, &image));
    let Some(Request { method, target, authorization: None, body }) = issuer.requests().pop() else {
        panic!("{:?}", issuer.requests())
    };
    assert_eq!((&*method, &*target), ("POST", "/token"));
    assert_eq!(
        body,
        "grant_type=refresh_token&client_id=cofferdam&service=reg&scope=repository:app:pull&refresh_token=a%2Bb"
    );
}

#[test]
fn a_credential_helper_is_asked_for_its_registry() {
    let (dir, folder) = layout();
    let storage = dir.path().join("registry");
    push(&storage, &folder, "app", "1");
    let registry = Registry::start(&storage, true);
    let helper = |secret: &str| {
        let program = format!(
            "#!/bin/bash\n[ \"$1\" = get ] && [ \"$(cat)\" = {} ] && echo '{{\"Username\": \"user\", \"Secret\": {secret:?}}}'\n",
            registry.host
        );
        dir.write("docker-credential-test", program);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(dir.path().join("docker-credential-test"), mode).expect("a program");
    };
    dir.write("config.json", json!({ "credHelpers": { registry.host.clone(): "test" } }).to_string());
    let (settings, image) = (insecure(&[&registry.host]), format!("{}/app:1", registry.host));
    helper("wrong");
    assert_refused(&pull(&dir, &settings, &image), &["refuses access"]);
    helper("secret");
    assert_pulled(&pull(&dir, &settings, &image));
}

#[test]
fn a_host_that_a_registry_redirects_to_receives_no_credentials() {
    let (dir, folder) = layout();
    let content = folder.clone();
    let other = Server::start(move |request| Answer::of(&content, request));
    let location = format!("http://{}", other.host);
    let registry = Server::start(move |request| match &request.authorization {
        None => Answer::new(401, "").header("www-authenticate", "Basic realm=\"test\""),
        Some(_) if request.target.contains("/blobs/") => {
            Answer::new(307, "").header("location", format!("{location}{}", request.target))
        }
        Some(_) => Answer::of(&folder, request),
    });
    credentials(&dir, &registry.host, "secret");
    let image = format!("{}/app:1", registry.host);
    // It needs TLS too.
    assert_refused(&pull(&dir, &insecure(&[&registry.host]), &image), &[&other.host, "without TLS"]);
    assert_pulled(&pull(&dir, &insecure(&[&registry.host, &other.host]), &image));
    let received = other.requests();
    assert_eq!(received.len(), 2);
    assert!(received.iter().all(|request| request.authorization.is_none()), "{received:?}");
}

#[test]
fn a_busy_registry_is_asked_again_when_it_says() {
    let (dir, folder) = layout();
    let (content, asked) = (folder.clone(), AtomicUsize::new(0));
    let registry = Server::start(move |request| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::new(503, "").header("retry-after", "0"),
        1 => Answer::new(429, "").header("retry-after", "0"),
        _ => Answer::of(&content, request),
    });
    let image = format!("{}/app:1", registry.host);
    assert_pulled(&pull(&dir, &insecure(&[&registry.host]), &image));
    assert_eq!(registry.requests().len(), 5);
    for (status, wait, requests, parts) in [
        (429, "0", 4, ["too many requests", "in 0 s"]),
        (429, "3600", 1, ["too many requests", "in 3600 s"]),
        (503, "0", 4, ["answers 503", "cannot be pulled"]),
        (503, "3600", 1, ["answers 503", "in 3600 s"]),
        (429, "99999999999999999999", 1, ["too many requests", "try again in"]),
    ] {
        let busy = Server::start(move |_| Answer::new(status, "").header("retry-after", wait));
        assert_refused(&pull(&dir, &insecure(&[&busy.host]), &format!("{}/app:1", busy.host)), &parts);
        assert_eq!(busy.requests().len(), requests, "{status} {wait}");
    }
    let issuer = Server::start(|_| Answer::new(429, "").header("retry-after", "3600"));
    let registry = with_token(folder, &issuer.host);
    let settings = insecure(&[&registry.host, &issuer.host]);
    assert_refused(
        &pull(&dir, &settings, &format!("{}/app:1", registry.host)),
        &["token server answers 429"],
    );
}
