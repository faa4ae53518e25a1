//! The operations on one session and the fault that happens meanwhile, determined by a seed and a number. No I/O.

use super::operation::{Operation, millis};
use crate::plan::rng;
use cofferdam_tests::cluster::Action;
use rand::{
    Rng, RngCore,
    seq::{IndexedRandom, SliceRandom},
};
use std::time::Duration;

/// Operations of any kind, beside one of each kind.
const MORE_OPERATIONS: usize = 4;
/// Operations that are cheap, of which [`MORE_OPERATIONS`] are made.
const CHEAP_KINDS: usize = 6;

/// Operations and a fault.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether sandboxes are prewarmed.
    pub(super) is_warm: bool,
    pub(super) operations: Vec<Operation>,
    pub(super) fault: Fault,
    /// The operation during which the fault happens, and the time after that has begun.
    pub(super) at: usize,
    pub(super) delay: Duration,
    /// When the connection that creates the session is cut. The creation is then requested again.
    pub(super) lost_creation: Option<Duration>,
}

/// What happens to the session.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Only connections of the client are cut.
    None,
    /// The runner is killed: the session is lost.
    EndRunner,
    /// The sidecar is killed, and another one started: nothing is left of the session.
    KillSidecar,
    /// Each response of the API server is late by this time.
    SlowApiServer(Duration),
    /// The connections to the Pod end like this, one after the other.
    CutPod(Vec<Action>),
    /// The kubelet is restarted.
    RestartKubelet,
}

impl Plan {
    /// The plan of this number for a session on this machine. The number selects the fault; the rest is random.
    pub(crate) fn local(seed: u64, number: u64) -> Self {
        let random = &mut rng(seed, number);
        let fault = match number % 3 {
            0 => Fault::None,
            1 => Fault::EndRunner,
            _ => Fault::KillSidecar,
        };
        Self::new(fault, random)
    }

    /// The same for a session in a cluster.
    pub(crate) fn in_cluster(seed: u64, number: u64) -> Self {
        let random = &mut rng(seed, number);
        let fault = match number % 5 {
            0 => Fault::CutPod(pod_cuts(random)),
            1 => Fault::EndRunner,
            2 => Fault::SlowApiServer(millis(random, 3000)),
            3 => Fault::KillSidecar,
            _ => Fault::RestartKubelet,
        };
        Self::new(fault, random)
    }

    fn new(fault: Fault, random: &mut impl RngCore) -> Self {
        let mut kinds: Vec<_> = (0..Operation::KINDS).collect();
        kinds.extend((0..MORE_OPERATIONS).map(|_| random.random_range(0..CHEAP_KINDS)));
        kinds.shuffle(random);
        Self {
            is_warm: random.random_ratio(1, 3),
            at: random.random_range(0..kinds.len()),
            operations: kinds.into_iter().map(|kind| Operation::of(kind, random)).collect(),
            fault,
            delay: millis(random, 1500),
            lost_creation: random.random_ratio(1, 3).then(|| millis(random, 1500)),
        }
    }
}

impl Fault {
    /// Whether the session ends.
    pub(super) fn ends_session(&self) -> bool {
        matches!(self, Self::EndRunner | Self::KillSidecar)
    }

    /// What the connection to the Pod with this number meets, and any other request.
    pub(super) fn action(&self, connection: Option<usize>) -> Action {
        match (self, connection) {
            (Self::SlowApiServer(time), _) => Action::Delay(*time, Box::new(Action::Forward)),
            (Self::CutPod(cuts), Some(number)) => cuts.get(number).cloned().unwrap_or(Action::Forward),
            _ => Action::Forward,
        }
    }
}

fn pod_cuts(random: &mut impl RngCore) -> Vec<Action> {
    let cut = |random: &mut _| {
        let bytes = Rng::random_range(random, 0..200_000);
        [Action::Cut(bytes), Action::Cut(bytes), Action::Stall(bytes), Action::DropRequest]
            .choose(random)
            .cloned()
            .unwrap_or(Action::Forward)
    };
    (0..random.random_range(2..8)).map(|_| cut(random)).collect()
}
