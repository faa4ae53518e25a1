//! The faults that one sidecar meets, determined by a seed and a number.

use super::{node::PROGRAMS, program::Program, step::Step};
use cofferdam::config::Workload;
use cofferdam_tests::cluster::Action;
use hyper::StatusCode;
use rand::{Rng, RngCore, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// Programs and faults.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) workload: Workload,
    /// Whether sandboxes are prewarmed.
    pub(crate) is_warm: bool,
    /// Executed one after the other.
    pub(crate) programs: Vec<Program>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) interference: Option<Interference>,
    /// When the first run is cancelled.
    pub(crate) cancelled: Option<Duration>,
}

/// A fault of some requests of one step.
#[derive(Debug)]
pub(crate) struct Fault {
    step: Step,
    /// Index of the first affected request, and the number of affected requests.
    first: usize,
    count: usize,
    action: Action,
}

/// An action of another client or of the node against a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interference {
    pub(crate) kind: InterferenceKind,
    /// The interference happens at this delay after the sidecar's first request of this step.
    pub(crate) step: Step,
    pub(crate) delay: Duration,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum InterferenceKind {
    DeletePod,
    /// Delete the Pod without a grace period.
    KillPod,
    EvictPod,
    DeleteOwner,
    /// Restart one of the node's programs.
    Restart(&'static str),
}

/// The random number generator of one case.
pub(crate) fn rng(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

fn millis(random: &mut impl RngCore, max: u64) -> Duration {
    Duration::from_millis(random.random_range(0..max))
}

impl Plan {
    /// Whether the node may be unable to delete a Pod: containerd may lose a sandbox if it is restarted while
    /// creating it.
    pub(crate) fn may_damage_node(&self) -> bool {
        self.interference
            .is_some_and(|interference| matches!(interference.kind, InterferenceKind::Restart("containerd")))
    }

    /// The plan of this number. The number selects one step that has a fault; the rest is random.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let random = &mut rng(seed, number);
        let step = Step::ALL[usize::try_from(number).unwrap_or_default() % Step::ALL.len()];
        let mut faults = vec![Fault::of(step, random)];
        if step == Step::ResolveConflict {
            // This step happens only after a lost response.
            let step =
                *[Step::CreateOwner, Step::CreateConfigMap].choose(random).unwrap_or(&Step::CreateOwner);
            faults.push(Fault { step, first: 0, count: 1, action: Action::DropResponse });
        }
        for _ in 0..random.random_range(0..3) {
            let step = *Step::ALL.choose(random).unwrap_or(&Step::Attach);
            faults.push(Fault::of(step, random));
        }
        let interference = random.random_ratio(1, 4).then(|| Interference {
            kind: *[
                InterferenceKind::DeletePod,
                InterferenceKind::KillPod,
                InterferenceKind::EvictPod,
                InterferenceKind::DeleteOwner,
            ]
            .choose(random)
            .unwrap_or(&InterferenceKind::DeletePod),
            step: *Step::INTERFERENCE_POINTS.choose(random).unwrap_or(&Step::Attach),
            delay: millis(random, 1500),
        });
        let is_warm = random.random_ratio(1, 3);
        Self {
            workload: if random.random() { Workload::Job } else { Workload::Pod },
            is_warm,
            programs: (0..random.random_range(1..=2)).map(|_| Program::any(random)).collect(),
            faults,
            interference,
            cancelled: random.random_ratio(1, 8).then(|| millis(random, 3000)),
        }
    }

    /// A plan with one program and these faults.
    pub(crate) fn of(program: Program, faults: Vec<Fault>) -> Self {
        Self {
            workload: Workload::Job,
            is_warm: false,
            programs: vec![program],
            faults,
            interference: None,
            cancelled: None,
        }
    }

    /// A plan for the real node. It has only one program because executions are counted per plan there.
    pub(crate) fn for_real_node(seed: u64, number: u64) -> Self {
        let mut plan = Self::new(seed, number);
        plan.is_warm = false;
        plan.programs.truncate(1);
        let random = &mut rng(!seed, number);
        if random.random_ratio(1, 4) {
            let program = PROGRAMS.choose(random).unwrap_or(&"kubelet");
            let (step, delay) =
                (*Step::INTERFERENCE_POINTS.choose(random).unwrap_or(&Step::Attach), millis(random, 1500));
            plan.interference = Some(Interference { kind: InterferenceKind::Restart(program), step, delay });
        }
        plan
    }

    /// The action for the request of a step with this index.
    pub(crate) fn action(&self, step: Step, index: usize) -> Action {
        let applies =
            |fault: &&Fault| fault.step == step && (fault.first..fault.first + fault.count).contains(&index);
        self.faults.iter().find(applies).map_or(Action::Forward, |fault| fault.action.clone())
    }
}

impl Fault {
    /// The same fault for the first `count` requests of a step.
    pub(crate) fn of_first(count: usize, step: Step, action: Action) -> Self {
        Self { step, first: 0, count, action }
    }

    fn of(step: Step, random: &mut impl RngCore) -> Self {
        let action = action(step, random);
        // Deletions are retried for a limited time only, after which the object is left for `gc`.
        let max = if matches!(action, Action::Hang | Action::Stall(_)) { 1 } else { 3 };
        Self { step, first: random.random_range(0..2), count: random.random_range(1..=max), action }
    }
}

fn action(step: Step, random: &mut impl RngCore) -> Action {
    let bytes = match step {
        Step::Attach | Step::ReadLog => random.random_range(0..150_000),
        _ => random.random_range(0..3000),
    };
    let (code, reason, message) = *API_ERRORS.choose(random).unwrap_or(&API_ERRORS[0]);
    let status = StatusCode::from_u16(code).unwrap_or_default();
    let body = status_object(code, reason, message);
    let mut actions = vec![
        Action::DropRequest,
        Action::Respond(status, body.clone()),
        Action::Respond(status, body.clone()),
        Action::Cut(bytes),
        Action::Truncate(bytes),
        Action::Stall(bytes),
        Action::Hang,
        Action::Delay(millis(random, 4000), Box::new(Action::Forward)),
    ];
    if !step.is_stream() {
        actions.extend([
            Action::DropResponse,
            Action::DropResponse,
            Action::Delay(millis(random, 4000), Box::new(Action::DropResponse)),
        ]);
        if code >= 500 {
            actions.push(Action::ReplaceResponse(status, body));
        }
    }
    if step.is_watch() {
        let gone = status_object(410, "Expired", "too old resource version");
        actions.extend([
            Action::Shuffle(random.next_u64()),
            Action::Shuffle(random.next_u64()),
            Action::Respond(StatusCode::OK, format!("{{\"type\":\"ERROR\",\"object\":{gone}}}\n")),
        ]);
    }
    actions.swap_remove(random.random_range(0..actions.len()))
}

/// Typical errors of API servers.
const API_ERRORS: [(u16, &str, &str); 6] = [
    (409, "Conflict", "Operation cannot be fulfilled on resourcequotas: the object has been modified"),
    (410, "Expired", "The resourceVersion for the provided watch is too old."),
    (429, "TooManyRequests", "the server has received too many requests"),
    (500, "InternalError", "etcdserver: leader changed"),
    (503, "ServiceUnavailable", "apiserver is shutting down"),
    (504, "Timeout", "etcdserver: request timed out"),
];

fn status_object(code: u16, reason: &str, message: &str) -> String {
    serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
    .to_string()
}
