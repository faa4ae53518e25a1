//! Connections to a runner that are cut, and go on where they were.

use cofferdam_core::{
    BoxFuture, SessionReader, SessionWriter,
    session::{Connected, Connector, resumable},
};
use cofferdam_protocol::Link;
use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
    time::{Instant, timeout},
};

/// A runner, whose end of the link outlives its connections.
#[derive(Default)]
struct Runner {
    link: Link,
    received: Vec<u8>,
}

/// What becomes of one connection.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It is cut after so many bytes to the runner, and from it.
    Cut(usize, usize),
    /// It lasts.
    Lasts,
    /// It never carries anything.
    Stalls,
    Fails,
    Gone,
}

/// Connects with the runner, each time with the next fate, and from then on with the last one.
struct Connections {
    runner: Arc<Mutex<Runner>>,
    fates: Vec<Fate>,
    made: usize,
}

impl Connections {
    fn new(runner: &Arc<Mutex<Runner>>, fates: &[Fate]) -> Self {
        Self { runner: runner.clone(), fates: fates.to_vec(), made: 0 }
    }
}

impl Connector for Connections {
    fn connect(&mut self) -> BoxFuture<'_, Connected> {
        let fate = self.fates[self.made.min(self.fates.len() - 1)];
        self.made += 1;
        let (to_runner, from_runner) = match fate {
            Fate::Fails => return Box::pin(async { Connected::Failed(io::ErrorKind::NotFound.into()) }),
            Fate::Gone => return Box::pin(async { Connected::Gone }),
            Fate::Cut(to_runner, from_runner) => (to_runner, from_runner),
            Fate::Lasts => (usize::MAX, usize::MAX),
            Fate::Stalls => (0, usize::MAX),
        };
        let (sidecar, runner) = duplex(16);
        if matches!(fate, Fate::Stalls) {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                drop(runner);
            });
        } else {
            tokio::spawn(serve(self.runner.clone(), runner, to_runner, from_runner));
        }
        let (reader, writer) = split(sidecar);
        Box::pin(async { Connected::Streams(Box::new(reader), Box::new(writer)) })
    }
}

/// The runner's side of one connection.
async fn serve(runner: Arc<Mutex<Runner>>, stream: DuplexStream, mut to: usize, mut from: usize) {
    runner.lock().expect("no panic").link.connect();
    let (mut reader, mut writer) = split(stream);
    let mut buffer = [0; 11];
    loop {
        let output = runner.lock().expect("no panic").link.output().expect("short").to_vec();
        let output = &output[..output.len().min(from)];
        let most = buffer.len().min(to);
        tokio::select! {
            read = reader.read(&mut buffer[..most]), if most > 0 => {
                let Ok(length @ 1..) = read else { return };
                to -= length;
                let Runner { link, received } = &mut *runner.lock().expect("no panic");
                link.receive(&buffer[..length], |bytes| received.extend(bytes)).expect("well-formed");
            }
            written = writer.write(output), if !output.is_empty() => {
                let Ok(length @ 1..) = written else { return };
                from -= length;
                runner.lock().expect("no panic").link.written(length);
            }
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        if to == 0 || from == 0 {
            return;
        }
    }
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|number| (number % 251) as u8).collect()
}

/// Has both sides send something, and checks that it arrives.
async fn exchange(runner: &Arc<Mutex<Runner>>, (mut reader, mut writer): (SessionReader, SessionWriter)) {
    let (in_all, out_all) = (bytes(90), bytes(70));
    let mut read = vec![0; out_all.len()];
    runner.lock().expect("no panic").link.push(&out_all[..50]);
    let write = async {
        for part in in_all.chunks(9) {
            writer.write_all(part).await.expect("a stream");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (_, ()) = tokio::join!(
        async {
            reader.read_exact(&mut read[..50]).await.expect("bytes");
            runner.lock().expect("no panic").link.push(&out_all[50..]);
            reader.read_exact(&mut read[50..]).await.expect("bytes");
        },
        write
    );
    while runner.lock().expect("no panic").received.len() < in_all.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(read == out_all && runner.lock().expect("no panic").received == in_all);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_doubled_wherever_connections_are_cut() {
    for to in (1..130).step_by(7) {
        for from in [1, 13, 40, usize::MAX] {
            for second in [Fate::Cut(14, 40), Fate::Cut(from, to), Fate::Stalls, Fate::Fails] {
                let runner = Arc::default();
                let fates = [Fate::Cut(to, from), second, Fate::Cut(30, usize::MAX), Fate::Lasts];
                let streams = resumable(Connections::new(&runner, &fates));
                let done = timeout(Duration::from_secs(60), exchange(&runner, streams)).await;
                assert!(done.is_ok(), "{fates:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_streams_end_when_the_runner_is_gone_or_cannot_be_reached_for_long() {
    for (last, least, most) in [(Fate::Gone, 0, 2), (Fate::Fails, 45, 60), (Fate::Stalls, 45, 65)] {
        let runner: Arc<Mutex<Runner>> = Arc::default();
        runner.lock().expect("no panic").link.push(b"the last bytes");
        let started = Instant::now();
        let (mut reader, _writer) =
            resumable(Connections::new(&runner, &[Fate::Cut(usize::MAX, 11 + 24), last]));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).await.expect("an end");
        assert_eq!(read, b"the last bytes", "{last:?}");
        let seconds = started.elapsed().as_secs();
        assert!((least..=most).contains(&seconds), "{last:?}: {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_when_its_user_drops_the_streams() {
    let runner: Arc<Mutex<Runner>> = Arc::default();
    let streams = resumable(Connections::new(&runner, &[Fate::Lasts]));
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The task of the connection and the test have one each, and the connector one.
    assert_eq!(Arc::strong_count(&runner), 3);
    drop(streams);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::strong_count(&runner), 1);
}
