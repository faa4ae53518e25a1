//! Takes the steps of a case.

mod executions;
mod files;
mod sessions;
mod usable;

use super::{SessionCase, SessionDriver, compare::check_message, steps::Step};
use crate::{cluster::runtime, conformance::Failure};
use cofferdam::{
    core::session::{FileReader, FileWriter, OutputReader, Session, SessionExecution, Watch},
    types::{Error, ErrorCode},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;
use uuid::Uuid;

/// Time in which a session must be closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Executes a case.
///
/// # Errors
///
/// The first step that has another result than the expected one, or the case takes too long.
pub fn run(case: &SessionCase, driver: &SessionDriver) -> Result<(), Failure> {
    runtime().block_on(async {
        let mut world = World::new(case, driver);
        let result = world.run().await;
        result.and(world.close_all().await)
    })
}

/// Executes a hostile case. After it, its first session must be usable, or have ended for one of the reasons that the
/// case allows: then a new one must be usable.
///
/// # Errors
///
/// As [`run`], or no session is usable.
pub fn run_hostile(case: &SessionCase, driver: &SessionDriver) -> Result<(), Failure> {
    runtime().block_on(async {
        let mut world = World::new(case, driver);
        let result = match world.run().await {
            Ok(()) => world.check_usable().await,
            failed => failed,
        };
        result.and(world.close_all().await)
    })
}

/// The name of the first session.
const MAIN: &str = "main";

/// What the steps of a case have made, by its name in the case.
struct World<'a> {
    case: &'a SessionCase,
    driver: &'a SessionDriver,
    /// Makes its tenants unique.
    id: String,
    /// The step that is being taken.
    at: String,
    sessions: BTreeMap<String, Session>,
    executions: BTreeMap<String, SessionExecution>,
    stalled: Vec<OutputReader>,
    reads: BTreeMap<String, FileReader>,
    writes: BTreeMap<String, FileWriter>,
    watches: BTreeMap<String, Watch>,
}

impl<'a> World<'a> {
    fn new(case: &'a SessionCase, driver: &'a SessionDriver) -> Self {
        Self {
            case,
            driver,
            id: Uuid::new_v4().simple().to_string(),
            at: "the first session".to_owned(),
            sessions: BTreeMap::new(),
            executions: BTreeMap::new(),
            stalled: Vec::new(),
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            watches: BTreeMap::new(),
        }
    }

    /// Takes all steps, within the time of the case.
    async fn run(&mut self) -> Result<(), Failure> {
        let limit = self.case.timeout();
        let result = timeout(limit, self.take_all()).await;
        let result = result.unwrap_or_else(|_| Err(format!("the steps are not over after {limit:?}").into()));
        result.map_err(|failure| match failure.downcast_ref::<Error>() {
            Some(error) => format!("{}: {error:?}", self.at).into(),
            None => format!("{}: {failure}", self.at).into(),
        })
    }

    async fn take_all(&mut self) -> Result<(), Failure> {
        let spec = &self.case.spec;
        let opens_main = |step: &Step| matches!(step, Step::Open(open) if open.handle.0 == MAIN);
        if !spec.steps.first().is_some_and(opens_main) {
            self.open(&spec.session).await?;
        }
        for (number, step) in (1..).zip(&spec.steps) {
            let kind = format!("{step:?}");
            let kind = kind.split_once('(').map_or("", |(kind, _)| kind);
            self.at = format!("step {number} ({kind})");
            self.take(step).await?;
        }
        Ok(())
    }

    async fn take(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Open(step) => self.open(step).await,
            Step::Exec(step) => self.execute(step).await,
            Step::Start(step) => self.start(step).await,
            Step::Stdin(step) => self.write_stdin(step).await,
            Step::CloseStdin(step) => self.close_stdin(step).await,
            Step::Signal(step) => self.signal(step).await,
            Step::Resize(step) => self.resize(step).await,
            Step::Kill(step) => self.kill(step).await,
            Step::Wait(step) => self.wait(step).await,
            Step::Output(step) => self.output(step).await,
            Step::StalledReader(step) => self.stall(step).await,
            Step::Attach(step) => self.attach(step),
            Step::Executions(step) => self.compare_executions(step),
            Step::Read(step) => self.read(step).await,
            Step::BeginRead(step) => self.begin_read(step).await,
            Step::EndRead(step) => self.end_read(step).await,
            Step::Write(step) => self.write(step).await,
            Step::BeginWrite(step) => self.begin_write(step).await,
            Step::EndWrite(step) => self.end_write(step).await,
            Step::List(step) => self.list(step).await,
            Step::Stat(step) => self.stat(step).await,
            Step::Mkdir(step) => self.make_directory(step).await,
            Step::Move(step) => self.move_file(step).await,
            Step::Remove(step) => self.remove(step).await,
            Step::ReadTree(step) => self.read_tree(step).await,
            Step::WriteTree(step) => self.write_tree(step).await,
            Step::Watch(step) => self.watch(step).await,
            Step::Changes(step) => self.changes(step).await,
            Step::Usage(step) => self.usage(step).await,
            Step::Info(step) => self.info(step),
            Step::Update(step) => self.update(step).await,
            Step::Close(step) => self.close(step).await,
            Step::Ended(step) => self.ended(step).await,
            Step::Sessions(step) => self.compare_sessions(step),
            Step::Find(step) => self.find(step),
            Step::Repeat(repeat) => {
                for _ in 0..repeat.times {
                    for step in &repeat.steps {
                        Box::pin(self.take(step)).await?;
                    }
                }
                Ok(())
            }
            Step::Attempt(steps) => {
                for step in steps {
                    let failure = Box::pin(self.take(step)).await.err();
                    failure.map_or(Ok(()), |failure| check_message(&*failure.downcast::<Error>()?))?;
                }
                Ok(())
            }
        }
    }

    /// Closes what is still open. A session that has ended says so.
    async fn close_all(self) -> Result<(), Failure> {
        for (name, session) in self.sessions {
            let result = timeout(CLOSE_TIMEOUT, session.close()).await;
            let result =
                result.map_err(|_| format!("the session {name} is not closed after {CLOSE_TIMEOUT:?}"))?;
            match result {
                Err(error) if error.code != ErrorCode::Gone => {
                    return Err(format!("the session {name} cannot be closed: {error:?}").into());
                }
                Err(error) => check_message(&error)?,
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// A tenant that no other case has.
    fn tenant(&self, name: Option<&str>) -> String {
        format!("{}-{}", name.unwrap_or("own"), self.id)
    }

    fn session(&self, name: &str) -> Result<&Session, Failure> {
        named(&self.sessions, "session", name)
    }

    fn execution(&self, name: &str) -> Result<&SessionExecution, Failure> {
        named(&self.executions, "execution", name)
    }
}

fn named<'m, T>(map: &'m BTreeMap<String, T>, what: &str, name: &str) -> Result<&'m T, Failure> {
    map.get(name).ok_or_else(|| format!("the case has no {what} {name}").into())
}

/// Removes what has this name.
fn take_named<T>(map: &mut BTreeMap<String, T>, what: &str, name: &str) -> Result<T, Failure> {
    map.remove(name).ok_or_else(|| format!("the case has no {what} {name}").into())
}
