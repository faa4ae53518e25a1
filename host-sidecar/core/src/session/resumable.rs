//! A connection to a runner that is made again when it breaks, and goes on where it was. Who uses it sees one stream each
//! way, which ends only when there is no way to the runner any more.

use crate::backend::{BoxFuture, SessionReader, SessionWriter};
use cofferdam_protocol::Link;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split},
    time::{Instant, sleep, sleep_until, timeout},
};

/// Bytes of one read, and of what waits for the user.
const CHUNK: usize = 64 << 10;
/// For how long a connection is made again. A runner ends its session after a somewhat longer time without one.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(45);
/// Time limit of one attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MIN_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(2);
/// Without a byte for this time, a connection is taken as broken: a session is asked more often whether it answers.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);

/// For how long the streams may carry nothing while the runner is well: until a connection is taken as broken, and made
/// again.
pub const MAX_SILENCE: Duration = STALL_TIMEOUT.saturating_add(RECONNECT_TIMEOUT);

/// Makes connections to one runner.
pub trait Connector: Send + 'static {
    /// Makes a connection, or fails in a way that may pass.
    fn connect(&mut self) -> BoxFuture<'_, Connected>;
}

/// The result of one attempt to connect.
pub enum Connected {
    /// There is a connection.
    Streams(SessionReader, SessionWriter),
    /// There is none now.
    Failed(io::Error),
    /// The runner is gone.
    Gone,
}

/// One stream each way to the runner that `connector` connects with, over any number of connections. Dropping both of
/// them ends it.
#[must_use]
pub fn resumable(connector: impl Connector) -> (SessionReader, SessionWriter) {
    let (own, user) = duplex(CHUNK);
    tokio::spawn(run(connector, own));
    let (reader, writer) = split(user);
    (Box::new(reader), Box::new(writer))
}

/// Whether the streams go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The connection broke.
    Broken,
    /// The user has dropped the streams, or the runner violated the protocol.
    Final,
}

async fn run(mut connector: impl Connector, mut user: DuplexStream) {
    let mut ends = Ends::default();
    let (mut last_alive, mut delay) = (Instant::now(), MIN_DELAY);
    while last_alive.elapsed() < RECONNECT_TIMEOUT {
        let (reader, writer) = match timeout(CONNECT_TIMEOUT, connector.connect()).await {
            Ok(Connected::Streams(reader, writer)) => (reader, writer),
            Ok(Connected::Gone) => return,
            Ok(Connected::Failed(error)) => {
                tracing::debug!(%error, "a session's connection could not be made");
                sleep(delay).await;
                delay = (delay * 2).min(MAX_DELAY);
                continue;
            }
            Err(_) => {
                tracing::debug!("a session's connection was not made in time");
                continue;
            }
        };
        let mut connection =
            Connection { reader, writer, is_alive: false, needs_flush: false, is_writable: true };
        ends.link.connect();
        if connection.run(&mut ends, &mut user).await == End::Final || ends.pass_on(&mut user).await.is_err()
        {
            return;
        }
        if connection.is_alive {
            (last_alive, delay) = (Instant::now(), MIN_DELAY);
        } else {
            sleep(delay).await;
            delay = (delay * 2).min(MAX_DELAY);
        }
        tracing::debug!("a session's connection broke, and is made again");
    }
}

/// What outlives a connection.
#[derive(Default)]
struct Ends {
    link: Link,
    /// What the user has not read yet.
    received: Vec<u8>,
    read: usize,
}

impl Ends {
    /// Has the user read everything that came over a connection that is over.
    async fn pass_on(&mut self, user: &mut DuplexStream) -> io::Result<()> {
        let waiting = self.received.get(self.read..).unwrap_or_default();
        user.write_all(waiting).await?;
        (self.received, self.read) = (Vec::new(), 0);
        Ok(())
    }
}

struct Connection<R, W> {
    reader: R,
    writer: W,
    /// Whether the runner has sent anything.
    is_alive: bool,
    needs_flush: bool,
    /// Whether it takes bytes. If it does not, its last bytes may say why.
    is_writable: bool,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// Moves bytes both ways until the connection breaks, or the user is gone.
    async fn run(&mut self, ends: &mut Ends, user: &mut DuplexStream) -> End {
        let (mut from_runner, mut from_user) = (vec![0; CHUNK], vec![0; CHUNK]);
        let (mut user_reader, mut user_writer) = split(user);
        let mut last_read = Instant::now();
        loop {
            let Ends { link, received, read } = &mut *ends;
            let (has_room, waiting) = (link.has_room(), received.get(*read..).unwrap_or_default());
            let Ok(output) = link.output() else { return End::Final };
            let may_write = self.is_writable && (self.needs_flush || !output.is_empty());
            tokio::select! {
                written = write(&mut self.writer, output), if may_write => match written {
                    Ok(length) => {
                        link.written(length);
                        self.needs_flush = length > 0;
                    }
                    Err(_) => self.is_writable = false,
                },
                length = self.reader.read(&mut from_runner), if waiting.is_empty() => match length {
                    Ok(length) if length > 0 => {
                        (self.is_alive, last_read, *read) = (true, Instant::now(), 0);
                        received.clear();
                        let result = link.receive(&from_runner[..length], |bytes| received.extend(bytes));
                        if result.is_err() { return End::Final }
                    }
                    _ => return End::Broken,
                },
                written = user_writer.write(waiting), if !waiting.is_empty() => match written {
                    Ok(length) if length > 0 => {
                        *read += length;
                        last_read = Instant::now();
                    }
                    _ => return End::Final,
                },
                length = user_reader.read(&mut from_user), if has_room => match length {
                    Ok(length) if length > 0 => link.push(&from_user[..length]),
                    _ => return End::Final,
                },
                () = sleep_until(last_read + STALL_TIMEOUT), if waiting.is_empty() => return End::Broken,
            }
        }
    }
}

/// Writes some of these bytes and gives their number, or flushes what was written.
async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    match writer.write(bytes).await {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        written => written,
    }
}
