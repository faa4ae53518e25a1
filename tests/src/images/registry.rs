//! Debian's `docker-registry`, with images that the tests write into its storage.

use super::debian;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::symlink,
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
pub struct Registry {
    process: Child,
    /// Its host and port.
    pub host: String,
    /// The lines of its log.
    log: Mutex<Receiver<String>>,
}

/// How a registry is reached.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Whether it asks for the user `user` and the password `secret`.
    pub with_password: bool,
    /// The address that it listens on.
    pub address: String,
    /// The files of its certificate and of the key. Without them it has no TLS.
    pub tls: Option<[PathBuf; 2]>,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self { with_password: false, address: "127.0.0.1".into(), tls: None }
    }
}

impl Registry {
    /// Starts one with the storage of this folder, on this machine, without TLS.
    ///
    /// # Panics
    ///
    /// It cannot be installed or started.
    #[must_use]
    pub fn start(folder: &Path, with_password: bool) -> Self {
        Self::start_with(folder, &RegistryOptions { with_password, ..RegistryOptions::default() })
    }

    /// Starts one with the storage of this folder.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    #[must_use]
    pub fn start_with(folder: &Path, options: &RegistryOptions) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let users = folder.join("users");
        fs::write(&users, USERS).expect("a file");
        let mut config = json!({
            "version": "0.1",
            "storage": { "filesystem": { "rootdirectory": folder.join("store") } },
            "http": { "addr": format!("{}:0", options.address) },
        });
        if let Some([certificate, key]) = &options.tls {
            config["http"]["tls"] = json!({ "certificate": certificate, "key": key });
        }
        if options.with_password {
            config["auth"] = json!({ "htpasswd": { "realm": "test", "path": users } });
        }
        // JSON is YAML. Several registries may have one storage.
        let file = folder.join(format!("config-{}.yml", uuid::Uuid::new_v4()));
        fs::write(&file, config.to_string()).expect("a file");
        let mut process = Command::new(debian::program("docker-registry", "/usr/bin/docker-registry"))
            .arg("serve")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry");
        let mut lines = BufReader::new(process.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let listening = lines.find(|line| line.contains("listening on ")).expect("an address");
        let (_, rest) = listening.split_once("listening on ").expect("an address");
        let host = rest.split(['"', ',', ' ']).next().expect("an address").to_owned();
        let (sender, log) = channel();
        thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
        Self { process, host, log: Mutex::new(log) }
    }

    /// The number of blobs that it has served since the last call. It is one without a password and without TLS.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub fn blobs_served(&self) -> usize {
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

/// Writes the image of a layout into the storage of a registry. Large blobs stay where they
/// are.
///
/// # Panics
///
/// The storage cannot be written.
pub fn push(folder: &Path, layout: &Path, repository: &str, tag: &str) {
    let store = folder.join("store/docker/registry/v2");
    let create = |path: &Path| fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let write = |path: PathBuf, content: &str| {
        create(&path);
        fs::write(path, content).expect("a file");
    };
    let repository = store.join("repositories").join(repository);
    for blob in fs::read_dir(layout.join("blobs/sha256")).expect("blobs").flatten() {
        let hex = blob.file_name().into_string().expect("a digest");
        let data = store.join(format!("blobs/sha256/{}/{hex}/data", &hex[..2]));
        create(&data);
        if blob.file_type().expect("a file").is_symlink() {
            // It is large, and may be there as part of another image.
            let _ = symlink(blob.path().canonicalize().expect("a blob"), data);
        } else {
            fs::copy(blob.path(), data).expect("a copy");
        }
        // Some are manifests, and others are parts.
        for links in ["_layers", "_manifests/revisions"] {
            write(repository.join(format!("{links}/sha256/{hex}/link")), &format!("sha256:{hex}"));
        }
    }
    let index = fs::read(layout.join("index.json")).expect("an index");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let digest = index["manifests"][0]["digest"].as_str().expect("a digest");
    let hex = digest.trim_start_matches("sha256:");
    for link in [
        format!("_manifests/tags/{tag}/current/link"),
        format!("_manifests/tags/{tag}/index/sha256/{hex}/link"),
    ] {
        write(repository.join(link), digest);
    }
}
