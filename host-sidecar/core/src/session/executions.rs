//! The executions of a session: those that run, and a bounded number of those that have ended.

use super::{ExecutionInfo, channel::Channel, errors};
use cofferdam_types::{Error, ErrorCode, quoted};
use std::{
    collections::{HashSet, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::SystemTime,
};
use tokio::time::Instant;

/// Ended executions of which the output is kept, at the most.
const MAX_ENDED: usize = 64;
/// Ids of callers that a session remembers.
const MAX_IDS: usize = 1 << 16;

/// One execution of a session.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) channel: Arc<Channel>,
    /// Its number on the connection.
    pub(super) number: u32,
    pub(super) requested: (SystemTime, Instant),
    pub(super) is_background: bool,
    pub(super) has_terminal: bool,
}

impl Execution {
    /// What it is now.
    pub(super) fn info(&self) -> ExecutionInfo {
        ExecutionInfo {
            id: self.id.clone(),
            command: self.title.clone(),
            pid: self.channel.pid(),
            started: self.requested.0,
            end: self.channel.end().and_then(|(end, _)| end.ok()),
            background: self.is_background,
            terminal: self.has_terminal,
        }
    }

    fn has_ended(&self) -> bool {
        self.channel.end().is_some()
    }
}

/// The executions of a session.
#[derive(Debug, Default)]
pub(super) struct Executions {
    /// In the order of their start.
    all: VecDeque<Arc<Execution>>,
    /// Hashes of all ids that callers have given, so that none is used twice.
    used: HashSet<u64>,
    hasher: RandomState,
}

impl Executions {
    /// Takes an id of a caller, which then cannot be used again.
    pub(super) fn take_id(&mut self, id: &str) -> Result<(), Error> {
        if self.used.len() == MAX_IDS {
            let message = "the session has had too many executions with an id of the caller; leave the id out, or open \
                           another session";
            return Err(Error::new(ErrorCode::Quota, message));
        }
        if self.used.insert(self.hasher.hash_one(id)) {
            return Ok(());
        }
        let message = format!("the session has had an execution {}; use each id once", quoted(id));
        Err(Error::new(ErrorCode::Conflict, message))
    }

    /// Gives back the id of an execution that was not started.
    pub(super) fn give_back_id(&mut self, id: &str) {
        self.used.remove(&self.hasher.hash_one(id));
    }

    /// Adds an execution.
    pub(super) fn add(&mut self, execution: Arc<Execution>) {
        self.all.push_back(execution);
    }

    /// Drops the oldest ended ones, whose output may hold so many bytes together.
    pub(super) fn drop_oldest(&mut self, max_ended_bytes: u64) {
        let (mut count, mut bytes) = (0, 0_u64);
        let mut keeps = |execution: &Arc<Execution>| {
            if !execution.has_ended() {
                return true;
            }
            count += 1;
            bytes = bytes.saturating_add(execution.channel.kept());
            count <= MAX_ENDED && bytes <= max_ended_bytes
        };
        let mut kept: VecDeque<_> = VecDeque::new();
        for execution in self.all.drain(..).rev() {
            if keeps(&execution) {
                kept.push_front(execution);
            }
        }
        self.all = kept;
    }

    /// All of them, in the order of their start.
    pub(super) fn list(&self) -> Vec<ExecutionInfo> {
        self.all.iter().map(|execution| execution.info()).collect()
    }

    /// The one with this id.
    pub(super) fn find(&self, id: &str) -> Result<Arc<Execution>, Error> {
        let found = self.all.iter().rev().find(|execution| execution.id == id);
        found.cloned().ok_or_else(|| errors::unknown_execution(id))
    }
}
