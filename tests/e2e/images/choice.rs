//! Requests choose images, where the operator allows it.

use super::{bash, cofferdam, command, hostile::stored};
use crate::serve::tenants::{ONE, TWO, start_with};
use cofferdam_tests::{
    images::{Layer, Layout, Registry, push},
    program::{TestDir, stderr, stdout},
    sidecar::{HttpClient, HttpResponse, Sidecar},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
};

/// A registry with images, and a sidecar's settings for it.
struct Setup {
    dir: TestDir,
    registry: Registry,
}

impl Setup {
    fn new(images: &[(&str, Layout)]) -> Self {
        let dir = TestDir::new();
        let (storage, folder) = (dir.path().join("registry"), dir.path().join("layout"));
        for (repository, layout) in images {
            layout.write(&folder, "app:1");
            push(&storage, &folder, repository, "1");
        }
        let registry = Registry::start(&storage, false);
        Self { dir, registry }
    }

    /// The name of an image of the registry.
    fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host)
    }

    /// Starts a sidecar with two tenants.
    fn start(&self, file: &str) -> Sidecar {
        let host = &self.registry.host;
        let file = format!("{file}\n[images]\ninsecure_registries = ['HOST']\n").replace("HOST", host);
        start_with(&self.dir, &file, &[])
    }
}

fn request(image: &str) -> Value {
    json!({ "language": "bash", "code": "echo $A", "image": image })
}

async fn run(client: &HttpClient, image: &str) -> HttpResponse {
    client.run(&request(image), &[]).await
}

fn refusal(response: &HttpResponse) -> (u16, &str) {
    (response.status, response.json["code"].as_str().unwrap_or_default())
}

fn digest(dir: &TestDir) -> String {
    let index = fs::read(dir.path().join("layout/index.json")).expect("an index");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    index["manifests"][0]["digest"].as_str().expect("a digest").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_chooses_among_the_images_that_the_operator_allows_it() {
    let setup = Setup::new(&[
        ("team/app", Layout::new(vec![bash()]).env(&["A=team"])),
        ("other/app", Layout::new(vec![bash()]).env(&["A=other"])),
    ]);
    let settings = "allowed_images = ['HOST/team/*']\n[tenants.two]\nallowed_images = ['HOST/other/app:1']";
    let sidecar = setup.start(settings);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    for (client, name, expected) in [
        (&one, "team/app:1", "team\n"),
        (&two, "other/app:1", "other\n"),
        // What the other has pulled is there, and not for this one.
        (&two, "team/app:1", ""),
        (&one, "other/app:1", ""),
        (&two, "other/app", ""),
    ] {
        let response = run(client, &setup.image(name)).await;
        if expected.is_empty() {
            assert_eq!(refusal(&response), (403, "denied"), "{name} {}", response.text);
            assert!(response.text.contains("`allowed_images`"), "{}", response.text);
        } else {
            assert_eq!(response.json["stdout"]["content"], expected, "{name} {}", response.text);
        }
    }
    let missing = run(&one, &setup.image("team/missing")).await;
    assert_eq!(refusal(&missing), (503, "image-unavailable"), "{}", missing.text);
    assert_eq!(missing.json["retryable"], false, "{}", missing.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_no_request_chooses_an_image() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let response = run(&sidecar.client(), "python").await;
    assert_eq!(refusal(&response), (403, "denied"), "{}", response.text);
    assert!(response.text.contains("ask the operator to set `allowed_images`"), "{}", response.text);
}

#[test]
fn run_opens_no_store_for_images_that_requests_may_choose() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    dir.write("store", "no folder");
    let store = dir.path().join("store");
    let settings = "[tenants.two]\nallowed_images = ['team/*']\n[images]\ndir =";
    dir.write("s.toml", format!("allowed_images = ['team/*']\n{settings} '{}'", store.display()));
    let output = dir.run(["run", "--config", "s.toml", "p.py"]);
    assert_eq!((stdout(&output).as_str(), stderr(&output).as_str()), ("1\n", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_a_digest_gets_nothing_of_another_tenants_image() {
    let private = || Layout::new(vec![bash(), Layer::default().file("secret", "secret")]).env(&["A=private"]);
    let setup = Setup::new(&[("open/app", Layout::new(vec![bash()])), ("private/app", private())]);
    let digest = digest(&setup.dir);
    let settings = "allowed_images = ['HOST/open/*']\n[tenants.two]\nallowed_images = ['HOST/private/*']";
    let sidecar = setup.start(settings);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let own = run(&two, &setup.image(&format!("private/app@{digest}"))).await;
    assert_eq!(own.json["stdout"]["content"], "private\n", "{}", own.text);
    let by_digest = setup.image(&format!("open/app@{digest}"));
    let guessed = run(&one, &by_digest).await;
    assert_eq!(refusal(&guessed), (503, "image-unavailable"), "{}", guessed.text);
    assert!(guessed.text.contains("no such image"), "{}", guessed.text);
    // The manifest in the tenant's own repository names the parts of the other image, which are not in it.
    let storage = setup.dir.path().join("registry");
    push(&storage, &setup.dir.path().join("layout"), "open/app", "stolen");
    fs::remove_dir_all(storage.join("store/docker/registry/v2/repositories/open/app/_layers"))
        .expect("a folder");
    for image in [by_digest, setup.image("open/app:stolen")] {
        let stolen = run(&one, &image).await;
        assert_eq!(refusal(&stolen), (503, "image-unavailable"), "{}", stolen.text);
    }
}

/// A server on loopback: its address, and an event for each request that it receives.
fn server(respond: impl Fn(&str, &mut TcpStream) + Send + 'static) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (sender, requests) = channel();
    // It ends with the test process.
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            respond(&line, &mut stream);
            let _ = sender.send(line);
            open.push(stream);
        }
    });
    (address, requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_not_dialled_for_a_request() {
    let dir = TestDir::new();
    let private = TcpListener::bind("127.0.0.1:0").expect("a port");
    private.set_nonblocking(true).expect("a socket");
    let port = private.local_addr().expect("an address").port();
    // A registry that the operator has named, which refers to one that he has not.
    let (redirecting, _) = server(move |_, stream| {
        let location = format!("location: https://localhost:{port}/v2/");
        let _ = write!(stream, "HTTP/1.1 307 X\r\n{location}\r\ncontent-length: 0\r\n\r\n");
    });
    let (asking, _) = server(move |_, stream| {
        let realm = format!("www-authenticate: Bearer realm=\"https://127.0.0.1:{port}/token\"");
        let _ = write!(stream, "HTTP/1.1 401 X\r\n{realm}\r\ncontent-length: 0\r\n\r\n");
    });
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}"), redirecting, asking];
    let allowed: Vec<_> = hosts.iter().map(|host| format!("{host}/*")).collect();
    let settings = [
        ("COFFERDAM_ALLOWED_IMAGES", json!(allowed).to_string()),
        ("COFFERDAM_IMAGES__INSECURE_REGISTRIES", json!(hosts.get(2..)).to_string()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, &**value));
    let mut sidecar = Sidecar::start(&dir, &[], &settings);
    for host in hosts {
        let response = run(&sidecar.client(), &format!("{host}/app")).await;
        assert_eq!(refusal(&response), (503, "image-unavailable"), "{host} {}", response.text);
        // The caller does not learn what there is.
        assert!(!response.text.contains("public"), "{}", response.text);
        sidecar.wait_for("its address is not public");
        let accepted = private.accept().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(accepted, Err(ErrorKind::WouldBlock), "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_hangs_delays_no_other_request_and_pulls_are_bounded() {
    let setup = Setup::new(&[("team/app", Layout::new(vec![bash()]).env(&["A=team"]))]);
    let (hanging, requests) = server(|_, _| ());
    let settings = format!(
        "allowed_images = ['{hanging}/*', 'HOST/*']\n[serve]\nmax_runs = 1\n[images]\nmax_tenant_pulls = 1\n\
         insecure_registries = ['{hanging}', 'HOST']",
    );
    let settings = settings.replace("HOST", &setup.registry.host);
    let sidecar = start_with(&setup.dir, &settings, &[]);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let slow = format!("{hanging}/app");
    let waiting = [one.clone(), one.clone()].map(|client| {
        let slow = slow.clone();
        tokio::spawn(async move { run(&client, &slow).await })
    });
    let pulled = requests.recv().expect("a request");
    assert!(pulled.starts_with("GET /v2/app/manifests/latest"), "{pulled}");
    let prune = cofferdam(&setup.dir, &["image", "prune"]);
    assert!(prune.status.success(), "{}", stderr(&prune));
    let refused = run(&one, &setup.image("team/app:1")).await;
    assert_eq!(refusal(&refused), (429, "overloaded"), "{}", refused.text);
    assert!(refused.text.contains("images.max_tenant_pulls"), "{}", refused.text);
    assert_eq!(refused.headers["retry-after"], "1");
    // Those that wait for an image have no place among the executions.
    let plain = one.run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!(plain.json["stdout"]["content"], "1\n", "{}", plain.text);
    let other = run(&two, &setup.image("team/app:1")).await;
    assert_eq!(other.json["stdout"]["content"], "team\n", "{}", other.text);
    // It is there now, for all who may choose it.
    let there = run(&one, &setup.image("team/app:1")).await;
    assert_eq!(there.json["stdout"]["content"], "team\n", "{}", there.text);
    let in_time = json!({ "code": "1", "image": slow, "limits": { "startup_time_ms": 1 } });
    let late = one.run(&in_time, &[]).await;
    assert_eq!(
        (refusal(&late), &late.json["retryable"]),
        ((503, "image-unavailable"), &json!(true)),
        "{}",
        late.text
    );
    // All requests for one image have one pull.
    assert!(requests.try_recv().is_err());
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_the_operator_is_not_displaced_by_those_that_requests_choose() {
    let setup = Setup::new(&[
        ("own/app", Layout::new(vec![bash()]).env(&["A=own"])),
        ("team/app", Layout::new(vec![bash()]).env(&["A=team"])),
        ("team/other", Layout::new(vec![bash()]).env(&["A=other"])),
    ]);
    let host = &setup.registry.host;
    // Less than any image: of those that are not in use, the last one alone stays.
    let settings = format!(
        "image = '{host}/own/app:1'\nallowed_images = ['{host}/team/*']\n[images]\n\
         insecure_registries = ['{host}']\nmax_size = '1'"
    );
    let sidecar = start_with(&setup.dir, &settings, &[]);
    let client = sidecar.client().with_token(ONE);
    let first = run(&client, &setup.image("team/app:1")).await;
    assert_eq!(refusal(&first), (503, "image-unavailable"), "{}", first.text);
    assert_eq!(first.json["retryable"], true, "{}", first.text);
    let own = client.run(&json!({ "language": "bash", "code": "echo $A" }), &[]).await;
    assert_eq!(own.json["stdout"]["content"], "own\n", "{}", own.text);
    let list = command(&setup.dir, &["image", "list"]).output().expect("cofferdam");
    assert!(stdout(&list).contains("own/app:1"), "{}", stderr(&list));
    let prune = cofferdam(&setup.dir, &["image", "prune", "--all"]);
    assert!(prune.status.success(), "{}", stderr(&prune));
    assert!(stdout(&cofferdam(&setup.dir, &["image", "list"])).contains("own/app:1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_sandbox_of_a_chosen_image_makes_room_for_another_one() {
    let other = Layer::default().file("other", "text ".repeat(100_000));
    let setup = Setup::new(&[
        ("team/app", Layout::new(vec![bash()]).env(&["A=app"])),
        ("team/other", Layout::new(vec![bash(), other]).env(&["A=other"])),
    ]);
    let host = &setup.registry.host;
    setup.dir.write("settings.toml", format!("[images]\ninsecure_registries = ['{host}']\n"));
    let pull = ["image", "--config", "settings.toml", "pull", &setup.image("team/app:1")];
    assert!(cofferdam(&setup.dir, &pull).status.success());
    let full: u64 = stored(&setup.dir).iter().map(|file| fs::metadata(file).expect("a file").len()).sum();
    let settings = format!(
        "allowed_images = ['{host}/team/*']\n[images]\n\
         insecure_registries = ['{host}']\nmax_size = '{full}'"
    );
    let mut sidecar = start_with(&setup.dir, &settings, &[("COFFERDAM_POOL__MAXIMUM", "1")]);
    let client = sidecar.client().with_token(ONE);
    let app = run(&client, &setup.image("team/app:1")).await;
    assert_eq!(app.json["stdout"]["content"], "app\n", "{}", app.text);
    sidecar.wait_for("a sandbox waits");
    let other = run(&client, &setup.image("team/other:1")).await;
    assert_eq!(other.json["stdout"]["content"], "other\n", "{}", other.text);
    let list = stdout(&cofferdam(&setup.dir, &["image", "list"]));
    assert!(list.contains("team/other") && !list.contains("team/app"), "{list}");
}
