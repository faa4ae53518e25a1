//! Debian's `docker-registry`, with images that the tests write into its storage.

use cofferdam::images::Digest;
use cofferdam_tests::program::{root, stdout};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
};

/// The user `user` with the password `secret`.
const USERS: &str = "user:$2b$04$Q6Hov6k3xAjM.YtU8u6sIOV3vKaETxxutYf4XrawkT6ty6R.Co686\n";

/// A registry, stopped at the end of the test.
pub(super) struct Registry {
    process: Child,
    /// Its host and port.
    pub(super) host: String,
    /// The lines of its log.
    log: Mutex<Receiver<String>>,
}

/// The program, which is downloaded once.
fn program() -> String {
    let script = Command::new(root().join("scripts/registry.sh")).stderr(Stdio::inherit()).output();
    let script = script.expect("bash");
    assert!(script.status.success(), "docker-registry cannot be installed");
    stdout(&script).trim_end().to_owned()
}

impl Registry {
    /// Starts one with the storage of this folder.
    pub(super) fn start(folder: &Path, with_password: bool) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let users = folder.join("users");
        fs::write(&users, USERS).expect("a file");
        let auth = format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", users.display());
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n{}",
            folder.join("store").display(),
            if with_password { &auth } else { "" }
        );
        fs::write(folder.join("config.yml"), config).expect("a file");
        let mut process = Command::new(program())
            .arg("serve")
            .arg(folder.join("config.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry");
        let mut lines = BufReader::new(process.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let listening = lines.find(|line| line.contains("listening on 127")).expect("an address");
        let (_, rest) = listening.split_once("listening on ").expect("an address");
        let host = rest.split(['"', ',', ' ']).next().expect("an address").to_owned();
        let (sender, log) = channel();
        thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
        Self { process, host, log: Mutex::new(log) }
    }

    /// The number of blobs that it has served since the last call.
    pub(super) fn blobs_served(&self) -> usize {
        // The log has one line for each response, in their order: this one is the last.
        let last = "/v2/last/tags/list";
        let mut stream = TcpStream::connect(&self.host).expect("a connection");
        write!(stream, "GET {last} HTTP/1.0\r\n\r\n").expect("a request");
        stream.read_to_end(&mut Vec::new()).expect("a response");
        let log = self.log.lock().expect("a log");
        let responses = log.iter().filter(|line| line.contains("response completed"));
        responses
            .take_while(|line| !line.contains(last))
            .filter(|line| line.contains("/blobs/sha256:"))
            .count()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Writes the image of a layout into the storage of a registry.
pub(super) fn push(folder: &Path, layout: &Path, repository: &str, tag: &str) {
    let store = folder.join("store/docker/registry/v2");
    let write = |path: PathBuf, content: &[u8]| {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    };
    let repository = store.join("repositories").join(repository);
    for blob in fs::read_dir(layout.join("blobs/sha256")).expect("blobs").flatten() {
        let content = fs::read(blob.path()).expect("a blob");
        let digest = Digest::of(&content);
        let hex = digest.hex();
        write(store.join(format!("blobs/sha256/{}/{hex}/data", &hex[..2])), &content);
        write(repository.join(format!("_layers/sha256/{hex}/link")), digest.to_string().as_bytes());
    }
    let index = fs::read(layout.join("index.json")).expect("an index");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let digest = index["manifests"][0]["digest"].as_str().expect("a digest");
    let hex = digest.trim_start_matches("sha256:");
    for link in [
        format!("_manifests/revisions/sha256/{hex}/link"),
        format!("_manifests/tags/{tag}/current/link"),
        format!("_manifests/tags/{tag}/index/sha256/{hex}/link"),
    ] {
        write(repository.join(link), digest.as_bytes());
    }
}
