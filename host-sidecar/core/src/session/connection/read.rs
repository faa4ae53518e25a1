//! The frames of a connection, and its clock.

use super::{Connection, ConnectionEnd, Route, State};
use crate::{
    output_assembler::{Corrupt, MAX_REASON},
    session::channel::Late,
};
use cofferdam_protocol::{CONTROL, Decoder, Frame};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, MissedTickBehavior, interval},
};

/// Bytes of one read.
const CHUNK: usize = 128 << 10;
/// Between two looks at the deadlines.
const TICK: Duration = Duration::from_secs(1);
/// From one answer of the runner to the next question.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Time that the runner has to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether the runner answers.
#[derive(Debug)]
enum Ping {
    /// It is asked next at this time.
    At(Instant),
    /// It must have answered by this time.
    Until(Instant),
}

impl Connection {
    /// Reads frames until the connection ends, and watches the deadlines of the runner.
    pub(super) async fn read(
        &self,
        mut reader: impl AsyncRead + Unpin + Send,
        max_body: u64,
        max_silence: Duration,
    ) -> ConnectionEnd {
        let mut heard = Instant::now();
        let mut decoder = Decoder::with_max_body(max_body);
        let mut chunk = vec![0; CHUNK];
        let mut ping = Ping::At(Instant::now() + PING_INTERVAL);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let end = tokio::select! {
                read = reader.read(&mut chunk) => match read {
                    Ok(0) | Err(_) => Some(ConnectionEnd::Disconnected),
                    Ok(length) => {
                        heard = Instant::now();
                        decoder.push(&chunk[..length]);
                        self.receive_all(&mut decoder, &mut ping).unwrap_or_else(|corrupt| Some(ConnectionEnd::Corrupt(corrupt)))
                    }
                },
                now = ticks.tick() => self.check_time(now, heard, max_silence, &mut ping),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn receive_all(
        &self,
        decoder: &mut Decoder<Frame>,
        ping: &mut Ping,
    ) -> Result<Option<ConnectionEnd>, Corrupt> {
        while let Some((channel, frame)) = decoder.next()? {
            match frame {
                Frame::Ready if channel == CONTROL && matches!(ping, Ping::Until(_)) => {
                    *ping = Ping::At(Instant::now() + PING_INTERVAL);
                }
                Frame::SessionEnded(end) if channel == CONTROL => {
                    return Ok(Some(ConnectionEnd::SessionEnded(end)));
                }
                Frame::Failed(reason) if channel == CONTROL && reason.len() <= MAX_REASON => {
                    return Ok(Some(ConnectionEnd::Failed(reason)));
                }
                frame => self.receive(channel, frame)?,
            }
        }
        Ok(None)
    }

    /// Gives a frame to the execution of its channel.
    fn receive(&self, number: u32, frame: Frame) -> Result<(), Corrupt> {
        let mut state = self.state();
        let unexpected =
            Corrupt("it sent a frame on the channel of no execution, or one that has no place there");
        if let Frame::Usage(usage) = frame {
            let Some(Route::Usage(sender)) = state.routes.remove(&number) else { return Err(unexpected) };
            // Who asked may have gone.
            let _ = sender.send(usage);
            return Ok(());
        }
        let Some(Route::Execution(channel)) = state.routes.get(&number) else { return Err(unexpected) };
        let now = Instant::now();
        let received = channel.receive(frame, now)?;
        if received.is_last {
            state.forget(number, now);
        }
        drop(state);
        self.grant(number, received.credit);
        Ok(())
    }

    /// Asks the runner whether it answers, and ends what is late. What a connection that is silent carries late is not the
    /// runner's fault: frames come in order, so a late step does not come any more once a later frame was heard.
    fn check_time(
        &self,
        now: Instant,
        heard: Instant,
        max_silence: Duration,
        ping: &mut Ping,
    ) -> Option<ConnectionEnd> {
        let is_over = |deadline: Instant| heard > deadline || deadline + max_silence < now;
        let mut asks = matches!(*ping, Ping::At(time) if time <= now);
        let late: Vec<_> = self.state().late(now);
        for (number, late) in late {
            match late {
                Late::Runner(deadline) if is_over(deadline) => return Some(ConnectionEnd::NotResponding),
                Late::Runner(_) => asks |= matches!(*ping, Ping::At(_)),
                Late::Reader => self.abandon(number, now),
            }
        }
        match *ping {
            Ping::Until(deadline) if deadline + max_silence < now => {
                return Some(ConnectionEnd::NotResponding);
            }
            _ if asks => {
                *ping = Ping::Until(now + PING_TIMEOUT);
                self.state().urgent.has_ping = true;
                self.urgent.notify_one();
            }
            _ => {}
        }
        None
    }

    /// Kills an execution whose output nobody reads any more.
    pub(in crate::session) fn abandon(&self, number: u32, now: Instant) {
        let channel = match self.state().routes.get(&number) {
            Some(Route::Execution(channel)) => channel.clone(),
            _ => return,
        };
        self.grant(number, channel.abandon(now));
        self.kill(number);
    }
}

impl State {
    fn forget(&mut self, number: u32, now: Instant) {
        self.routes.remove(&number);
        self.urgent.credits.remove(&number);
        self.urgent.kills.remove(&number);
        self.last_end = now;
    }

    fn late(&self, now: Instant) -> Vec<(u32, Late)> {
        let late = |(number, route): (&u32, &Route)| match route {
            Route::Execution(channel) => channel.late(now).map(|late| (*number, late)),
            Route::Usage(_) => None,
        };
        self.routes.iter().filter_map(late).collect()
    }
}
