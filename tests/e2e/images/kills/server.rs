//! A registry that stops within a response.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// Where it stops: after so many bytes of the content with this digest.
#[derive(Clone)]
pub(super) struct Stop {
    pub(super) digest: String,
    pub(super) after: usize,
}

/// The registry of one layout, until the end of the tests.
pub(super) struct Server {
    pub(super) host: String,
    /// The digests of the blobs that were asked for.
    blobs: Arc<Mutex<Vec<String>>>,
}

/// What each connection needs.
#[derive(Clone)]
struct Connection {
    layout: PathBuf,
    stop: Option<Stop>,
    stopped: Sender<TcpStream>,
    blobs: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts it. What it returns receives the connection on which it has stopped.
    pub(super) fn start(layout: &Path, stop: Option<Stop>) -> (Self, Receiver<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let (stopped, receiver) = channel();
        let blobs = Arc::new(Mutex::new(Vec::new()));
        let connection = Connection { layout: layout.to_owned(), stop, stopped, blobs: blobs.clone() };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = connection.clone();
                thread::spawn(move || connection.answer(stream));
            }
        });
        (Self { host, blobs }, receiver)
    }

    pub(super) fn image(&self) -> String {
        format!("{}/app:1", self.host)
    }

    pub(super) fn blobs(&self) -> Vec<String> {
        self.blobs.lock().expect("a lock").clone()
    }
}

impl Connection {
    /// Answers one request, and closes the connection unless it stops.
    fn answer(self, mut stream: TcpStream) {
        let lines = BufReader::new(stream.try_clone().expect("a connection")).lines().map_while(Result::ok);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let path = head.first().and_then(|line| line.split(' ').nth(1)).expect("a request").to_owned();
        let digest = match path.split_once("/blobs/") {
            Some((_, digest)) => {
                self.blobs.lock().expect("a lock").push(digest.to_owned());
                digest.to_owned()
            }
            None => self.manifest(),
        };
        let blob = self.layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
        let content = fs::read(blob).expect("a blob");
        let length = content.len();
        write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")
            .expect("a client");
        match self.stop.filter(|stop| stop.digest == digest) {
            Some(Stop { after, .. }) => {
                stream.write_all(&content[..after]).expect("a client");
                // The receiver keeps the connection open.
                let _ = self.stopped.send(stream);
            }
            None => drop(stream.write_all(&content)),
        }
    }

    fn manifest(&self) -> String {
        let index = fs::read(self.layout.join("index.json")).expect("an index");
        let index: serde_json::Value = serde_json::from_slice(&index).expect("JSON");
        index["manifests"][0]["digest"].as_str().expect("a digest").to_owned()
    }
}
