//! What befalls one sidecar, decided by a seed and a number alone.

use super::{node::PROGRAMS, program::Program, step::Step};
use cofferdam::config::Workload;
use cofferdam_tests::cluster::Action;
use hyper::StatusCode;
use rand::{Rng, RngCore, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// All that happens.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) workload: Workload,
    /// Whether sandboxes are started ahead.
    pub(crate) is_warm: bool,
    /// One after the other.
    pub(crate) programs: Vec<Program>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) interference: Option<Interference>,
    /// When the caller of the first run gives up.
    pub(crate) cancelled: Option<Duration>,
}

/// Something that befalls requests of one step.
#[derive(Debug)]
pub(crate) struct Fault {
    step: Step,
    /// The first of them, and how many.
    first: usize,
    count: usize,
    action: Action,
}

/// What somebody else does to the objects of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interference {
    pub(crate) what: Interferes,
    /// Once the sidecar has come to this step, and so long after.
    pub(crate) step: Step,
    pub(crate) delay: Duration,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Interferes {
    DeletePod,
    /// Without any time to end.
    KillPod,
    EvictPod,
    DeleteOwner,
    /// One of the node's programs ends and begins again.
    Restart(&'static str),
}

/// The dice for one of many.
pub(crate) fn dice(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

fn millis(random: &mut impl RngCore, most: u64) -> Duration {
    Duration::from_millis(random.random_range(0..most))
}

impl Plan {
    /// Whether the node may be left with something that it cannot remove: a containerd that is started again while it makes a
    /// sandbox may not know how to end that.
    pub(crate) fn may_hurt_node(&self) -> bool {
        self.interference.is_some_and(|interference| matches!(interference.what, Interferes::Restart("containerd")))
    }

    /// The plan of this number. Each step has its turn; what befalls it, and what else does, is the dice's.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let random = &mut dice(seed, number);
        let turn = usize::try_from(number).unwrap_or_default() % Step::ALL.len();
        let mut faults = vec![Fault::of(Step::ALL[turn], random)];
        if Step::ALL[turn] == Step::Settle {
            // It takes a lost answer to come to that.
            let step = *[Step::CreateOwner, Step::CreateConfigMap].choose(random).unwrap_or(&Step::CreateOwner);
            faults.push(Fault { step, first: 0, count: 1, action: Action::LoseAnswer });
        }
        for _ in 0..random.random_range(0..3) {
            let step = *Step::ALL.choose(random).unwrap_or(&Step::Join);
            faults.push(Fault::of(step, random));
        }
        let interference = random.random_ratio(1, 4).then(|| Interference {
            what: *[Interferes::DeletePod, Interferes::KillPod, Interferes::EvictPod, Interferes::DeleteOwner]
                .choose(random)
                .unwrap_or(&Interferes::DeletePod),
            step: *Step::ENDURED.choose(random).unwrap_or(&Step::Join),
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

    /// One program, and what befalls its requests.
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

    /// One for the real node, where a program cannot be counted that is executed beside another one of its plan.
    pub(crate) fn on_node(seed: u64, number: u64) -> Self {
        let mut plan = Self::new(seed, number);
        plan.is_warm = false;
        plan.programs.truncate(1);
        let random = &mut dice(!seed, number);
        if random.random_ratio(1, 4) {
            let program = PROGRAMS.choose(random).unwrap_or(&"kubelet");
            let (step, delay) = (*Step::ENDURED.choose(random).unwrap_or(&Step::Join), millis(random, 1500));
            plan.interference = Some(Interference { what: Interferes::Restart(program), step, delay });
        }
        plan
    }

    /// What becomes of the request of a step that has so many before it.
    pub(crate) fn action(&self, step: Step, before: usize) -> Action {
        let befalls = |fault: &&Fault| fault.step == step && (fault.first..fault.first + fault.count).contains(&before);
        self.faults.iter().find(befalls).map_or(Action::Forward, |fault| fault.action.clone())
    }
}

impl Fault {
    /// The same befalls so many requests of a step, from the first on.
    pub(crate) fn of_first(count: usize, step: Step, action: Action) -> Self {
        Self { step, first: 0, count, action }
    }

    fn of(step: Step, random: &mut impl RngCore) -> Self {
        let action = action(step, random);
        // What is told to remove is told for as long as it takes: what never comes through is for `gc`.
        let most = if matches!(action, Action::Hang | Action::Stall(_)) { 1 } else { 3 };
        Self { step, first: random.random_range(0..2), count: random.random_range(1..=most), action }
    }
}

fn action(step: Step, random: &mut impl RngCore) -> Action {
    let bytes = match step {
        Step::Join | Step::ReadLog => random.random_range(0..150_000),
        _ => random.random_range(0..3000),
    };
    let (code, reason, message) = *REFUSALS.choose(random).unwrap_or(&REFUSALS[0]);
    let status = StatusCode::from_u16(code).unwrap_or_default();
    let body = refusal(code, reason, message);
    let mut actions = vec![
        Action::LoseRequest,
        Action::Answer(status, body.clone()),
        Action::Answer(status, body.clone()),
        Action::Cut(bytes),
        Action::End(bytes),
        Action::Stall(bytes),
        Action::Hang,
        Action::Delay(millis(random, 4000), Box::new(Action::Forward)),
    ];
    if !step.is_stream() {
        actions.extend([
            Action::LoseAnswer,
            Action::LoseAnswer,
            Action::Delay(millis(random, 4000), Box::new(Action::LoseAnswer)),
        ]);
        if code >= 500 {
            actions.push(Action::Misreport(status, body));
        }
    }
    if step.is_watch() {
        let gone = refusal(410, "Expired", "too old resource version");
        actions.extend([
            Action::Shuffle(random.next_u64()),
            Action::Shuffle(random.next_u64()),
            Action::Answer(StatusCode::OK, format!("{{\"type\":\"ERROR\",\"object\":{gone}}}\n")),
        ]);
    }
    actions.swap_remove(random.random_range(0..actions.len()))
}

/// What API servers refuse with.
const REFUSALS: [(u16, &str, &str); 6] = [
    (409, "Conflict", "Operation cannot be fulfilled on resourcequotas: the object has been modified"),
    (410, "Expired", "The resourceVersion for the provided watch is too old."),
    (429, "TooManyRequests", "the server has received too many requests"),
    (500, "InternalError", "etcdserver: leader changed"),
    (503, "ServiceUnavailable", "apiserver is shutting down"),
    (504, "Timeout", "etcdserver: request timed out"),
];

fn refusal(code: u16, reason: &str, message: &str) -> String {
    serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
    .to_string()
}
