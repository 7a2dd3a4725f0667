//! Processes that work on one run, stopped between any two steps, and what must hold of the world.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::api::labels::FORCE_DELETE;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{
    Attempt, AttemptOutcome, AttemptState, OperatorRun, OperatorRunStatus, Phase,
};
use crate::engines::execution::Fence;
use crate::engines::job::{JobState, JobToken};
use crate::plan::Keeping;
use crate::plan::{Checked, Decision, Observation, Sight, plan};
use crate::runs::drive::is_intent;
use crate::runs::{
    EachTime, LeftBehind, Outcome, ProgressBudget, RunContext, Session, Wake, act, gather,
    lifetime, record,
};
use crate::store::kubernetes::KubernetesStore;
use crate::store::{Store, StoreError};
use crate::testing::api_server::{ApiFault, ApiServer};
use crate::testing::fakes::{
    Call, FAKE_OPERATORS, FakeClock, FakeEngines, FakeStore, Fault, JobEnd, LOCATION, SharedWorld,
    World, shared,
};
use crate::validate::ValidRun;

pub(super) const UID: &str = "uid-of-run";

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A process makes its next step: read, observe and decide, act, store.
    Step(usize),
    /// A process makes whole passes.
    Passes(usize, usize),
    /// A process dies where it is; another takes its place.
    Crash(usize),
    StepJobs,
    FinishJobs,
    LoseJobs,
    /// The clock moves, also backwards.
    Clock(i64),
    Cancel,
    Suspend(bool),
    /// A person deletes the run.
    Delete,
    /// A person lets it go whatever still works.
    Force,
    Fault(Call, Fault),
    Break(Call, Fault),
    Repair,
    /// The API server answers a request wrongly; nothing where there is none.
    Api(ApiFault),
    /// A person stops everything, looks, and answers truthfully.
    Answer,
}

/// Guards of the program that a test may take away.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each guard is taken away alone")]
pub(super) struct Guards {
    pub(super) look_before_create: bool,
    pub(super) look_by_author: bool,
    pub(super) fence: bool,
    pub(super) owner: bool,
}

impl Guards {
    pub(super) const ALL: Self =
        Self { look_before_create: true, look_by_author: true, fence: true, owner: true };
}

/// What a run asks for.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) action: &'static str,
    pub(super) dry_run: bool,
    pub(super) retries: u32,
    pub(super) timeout: Option<&'static str>,
    pub(super) ends: Vec<JobEnd>,
}

impl Order {
    pub(super) fn of(action: &'static str) -> Self {
        Self { action, dry_run: false, retries: 0, timeout: None, ends: Vec::new() }
    }
}

#[derive(Default)]
enum Stage {
    #[default]
    Idle,
    Read(Box<OperatorRun>),
    Decided(Box<OperatorRun>, Decision),
    Acted(Box<OperatorRun>, Decision, Outcome),
}

#[derive(Default)]
struct Process {
    session: Session,
    stage: Stage,
}

/// Where the run is kept.
enum Place {
    Memory(Arc<FakeStore>),
    Server(ApiServer),
}

pub(super) struct Simulation {
    pub(super) world: SharedWorld,
    pub(super) order: Order,
    place: Place,
    runtime: Runtime,
    context: RunContext,
    processes: Vec<Process>,
    guards: Guards,
    attempts: Vec<Attempt>,
    ended: Option<OperatorRunStatus>,
    left: Option<LeftBehind>,
}

impl Simulation {
    pub(super) fn new(order: Order, guards: Guards) -> Self {
        let (world, runtime) = (shared(), new_runtime());
        let store = Arc::new(FakeStore::new(Arc::clone(&world)));
        let run = Resource::OperatorRun(Box::new(run_of(&order)));
        runtime.block_on(store.create(&run)).expect("should create");
        let kept: Arc<dyn Store> = Arc::<FakeStore>::clone(&store);
        Self::of(order, guards, (world, runtime), (Place::Memory(store), kept))
    }

    /// The same with a run that an API server keeps.
    pub(super) fn on_api_server(order: Order) -> Self {
        let (world, runtime, server) = (shared(), new_runtime(), ApiServer::default());
        server.insert(&Resource::OperatorRun(Box::new(run_of(&order))));
        let client = runtime.block_on(async { server.client() });
        let kept: Arc<dyn Store> = Arc::new(KubernetesStore::new(client, "mason-operator-run"));
        let place = (Place::Server(server), kept);
        let mut simulation = Self::of(order, Guards::ALL, (world, runtime), place);
        simulation.context.keeping.holds = false;
        simulation
    }

    fn of(
        order: Order,
        guards: Guards,
        (world, runtime): (SharedWorld, Runtime),
        (place, store): (Place, Arc<dyn Store>),
    ) -> Self {
        World::of(&world).ends = order.ends.iter().copied().collect();
        let context = RunContext {
            store,
            library: Arc::new([]),
            look_up: Arc::new(EachTime),
            open_engines: Arc::new(FakeEngines(Arc::clone(&world))),
            operators: FAKE_OPERATORS,
            kinds: &[crate::api::v1alpha1::ActionKind::Builtin],
            clients: &[],
            admission: Arc::default(),
            clock: Arc::new(FakeClock(Arc::clone(&world))),
            attachments: None,
            keeping: Keeping { holds: true, ..Keeping::default() },
            budget: Arc::new(ProgressBudget::unlimited()),
        };
        let processes = (0..3).map(|_| Process::default()).collect();
        let (attempts, ended, left) = (Vec::new(), None, None);
        Self { world, order, place, runtime, context, processes, guards, attempts, ended, left }
    }

    /// The same where no finalizer can hold a run, as on a machine without a cluster.
    pub(super) fn unheld(order: Order, guards: Guards) -> Self {
        let mut simulation = Self::new(order, guards);
        simulation.context.keeping.holds = false;
        simulation
    }

    pub(super) fn key() -> Key {
        Key { kind: Kind::OperatorRun, namespace: "default".to_owned(), name: "run".to_owned() }
    }

    /// Returns the run; nothing when it is gone.
    pub(super) fn run(&self) -> Option<OperatorRun> {
        let found = match &self.place {
            Place::Memory(store) => self.runtime.block_on(store.get(&Self::key())).ok().flatten(),
            Place::Server(server) => server
                .document(&Self::key())
                .and_then(|document| Resource::from_document(Kind::OperatorRun, document).ok()),
        };
        match found {
            Some(Resource::OperatorRun(run)) => Some(*run),
            None => None,
            other => panic!("should hold the run: {other:?}"),
        }
    }

    /// The run as a process reads it, which may fail and may be old.
    fn read(&self) -> Option<Box<OperatorRun>> {
        match self.runtime.block_on(self.context.store.get(&Self::key())) {
            Ok(Some(Resource::OperatorRun(run))) => Some(run),
            _ => None,
        }
    }

    fn edit(&self, field: &str, value: impl Into<serde_json::Value>) {
        let value = value.into();
        match &self.place {
            Place::Server(server) => server.edit(&Self::key(), |spec| spec[field] = value),
            Place::Memory(store) => store.edit(&Self::key(), |run| {
                let mut spec = serde_json::to_value(&run.spec).expect("should be JSON");
                spec[field] = value;
                run.spec = serde_json::from_value(spec).expect("should be a spec");
            }),
        }
    }

    pub(super) fn status(&self) -> OperatorRunStatus {
        self.run().and_then(|run| run.status).unwrap_or_default()
    }

    /// Returns what was said to be left outside when the run was let go, if anything.
    pub(super) fn left(&self) -> Option<&LeftBehind> {
        self.left.as_ref()
    }

    /// Lets it happen, and says what must not be.
    pub(super) fn happen(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Step(process) => self.step(*process)?,
            Event::Passes(process, passes) => {
                for _ in 0..passes * 4 {
                    self.step(*process)?;
                }
            }
            Event::Crash(process) => self.processes[*process] = Process::default(),
            Event::StepJobs => self.world().step_jobs(),
            Event::FinishJobs => self.world().finish_jobs(),
            Event::LoseJobs => self.world().lose_jobs(),
            Event::Clock(milliseconds) => self.move_clock(*milliseconds),
            Event::Cancel => self.edit("cancel", true),
            Event::Suspend(wanted) => self.edit("suspend", *wanted),
            Event::Api(fault) => {
                if let Place::Server(server) = &self.place {
                    server.script(*fault);
                }
            }
            Event::Delete => {
                let now = self.world().now;
                if let Place::Memory(store) = &self.place {
                    store.delete_by_person(&Self::key(), now);
                }
            }
            Event::Force => {
                if let Place::Memory(store) = &self.place {
                    store.edit(&Self::key(), |run| {
                        let annotations = run.metadata.annotations.get_or_insert_default();
                        annotations.insert(FORCE_DELETE.to_owned(), "true".to_owned());
                    });
                }
            }
            Event::Fault(call, fault) => {
                self.world().faults.entry(*call).or_default().push_back(*fault);
            }
            Event::Break(call, fault) => {
                self.world().broken.insert(*call, *fault);
            }
            Event::Repair => self.repair(),
            Event::Answer => self.answer(),
        }
        self.check()
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        World::of(&self.world)
    }

    fn move_clock(&self, milliseconds: i64) {
        let mut world = self.world();
        let moved = world.now.checked_add(SignedDuration::from_millis(milliseconds));
        world.now = moved.unwrap_or(world.now).max(Timestamp::UNIX_EPOCH);
    }

    /// Everything works again.
    fn repair(&self) {
        let mut world = self.world();
        world.faults.clear();
        world.broken.clear();
        if let Place::Server(server) = &self.place {
            server.heal();
        }
    }

    /// Nothing works on the run any more when the person looks.
    fn answer(&mut self) {
        if self.status().phase != Phase::Unknown {
            return;
        }
        self.processes = (0..3).map(|_| Process::default()).collect();
        for attempt in self.status().attempts {
            let mut world = self.world();
            let token = JobToken(attempt.token);
            while world.fence(&token) == Fence::NotYet {
                world.step_jobs();
            }
        }
        let resolution = if self.has_effect() { "Succeeded" } else { "Repeat" };
        self.edit("resolution", resolution);
    }

    fn step(&mut self, index: usize) -> Result<(), String> {
        let process = std::mem::take(&mut self.processes[index]);
        let Process { mut session, stage } = process;
        let stage = match stage {
            Stage::Idle => self.read().map_or(Stage::Idle, Stage::Read),
            Stage::Read(run) => {
                let seen = self.observe(&mut session, &run);
                let now = self.world().now;
                let decision = plan(&run, &seen, now);
                Stage::Decided(run, decision)
            }
            Stage::Decided(run, decision) => {
                let outcome = self.perform(&mut session, &run, &decision);
                Stage::Acted(run, decision, outcome)
            }
            Stage::Acted(run, decision, outcome) => {
                let write = lifetime::write(&self.context, &run, &decision, &outcome);
                match self.runtime.block_on(write).expect("should write") {
                    Some(written) if written.next != Wake::Reread => {
                        self.left = written.left.or_else(|| self.left.take());
                    }
                    Some(_) => {}
                    None => {
                        let now = self.world().now;
                        let status = record(&run, &decision, &outcome, now);
                        let is_kept = self.keep(*run, status)?;
                        if is_kept && is_intent(&decision, &outcome) {
                            let last = self.status().attempts.pop().expect("should have one");
                            session.intends(JobToken(last.token));
                        }
                    }
                }
                Stage::Idle
            }
        };
        self.processes[index] = Process { session, stage };
        Ok(())
    }

    fn observe(&self, session: &mut Session, run: &OperatorRun) -> Observation {
        let status = run.status.clone().unwrap_or_default();
        if status.resolved.is_none() && !status.phase.is_terminal() {
            let checked = Some(Checked::Ready(Box::new(valid_run(&self.order))));
            let keeping = self.context.keeping;
            return Observation { checked, keeping, ..Observation::default() };
        }
        let mut seen =
            self.runtime.block_on(gather(&self.context, session, run)).expect("should read");
        let last = status.attempts.last();
        let intended = last.is_some_and(|last| last.state == AttemptState::Intended);
        if intended && !self.guards.look_before_create && seen.job != Sight::NotLooked {
            seen.job = Sight::Nothing;
        }
        if !self.guards.look_by_author && seen.change != Sight::NotLooked {
            seen.change = Sight::Nothing;
        }
        if let (Sight::Found(job), false) = (&mut seen.job, self.guards.owner) {
            UID.clone_into(&mut job.owner.run_uid);
            job.owner.attempt = last.map_or(0, |last| last.number);
        }
        seen
    }

    fn perform(&self, session: &mut Session, run: &OperatorRun, decision: &Decision) -> Outcome {
        if matches!(decision, Decision::Fence { .. }) && !self.guards.fence {
            return Outcome::Fenced(Fence::Down);
        }
        self.runtime.block_on(act(&self.context, session, run, decision)).expect("should act")
    }

    fn keep(&mut self, run: OperatorRun, status: OperatorRunStatus) -> Result<bool, String> {
        if run.status.as_ref() == Some(&status) {
            return Ok(false);
        }
        let wanted = OperatorRun { status: Some(status), ..run };
        match self
            .runtime
            .block_on(self.context.store.replace_status(&Resource::OperatorRun(Box::new(wanted))))
        {
            // A pass that cannot store what it knows is made again.
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. } | StoreError::ApiServer { .. }) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether what the run is for has taken place.
    fn has_effect(&self) -> bool {
        let (commits, changes) = self.world().effects_of(UID);
        match self.order.action {
            "fake.job" => commits > 0,
            "fake.change" | "fake.both" => changes > 0,
            _ => false,
        }
    }

    /// What must hold at any time.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let status = self.status();
        let world = self.world();
        let (commits, changes) = world.effects_of(UID);
        if commits > 1 || changes > 1 {
            return Err(format!("{commits} commits and {changes} changes took place"));
        }
        let works = |state| matches!(state, JobState::Queued | JobState::Running);
        if world.jobs.iter().filter(|(_, job)| works(job.state)).count() > 1 {
            return Err("two jobs work at once".to_owned());
        }
        for (index, (token, job)) in world.jobs.iter().enumerate() {
            if world.jobs[..index].iter().any(|(other, _)| other == token) {
                return Err("an attempt has two jobs".to_owned());
            }
            if job.owner.run_uid != UID && job.state != JobState::Inert {
                return Err("another run's job was released or stopped".to_owned());
            }
        }
        let still_works = world.jobs.iter().any(|(_, job)| works(job.state));
        drop(world);
        if self.run().is_none() {
            let may_work = self.left.is_some();
            return if still_works && !may_work {
                Err("a run is gone and its job works".to_owned())
            } else {
                Ok(())
            };
        }
        self.check_end(&status)?;
        self.check_attempts(&status)
    }

    /// Attempts are only added, keep their numbers and tokens, and stay as they ended; one whose change
    /// turns out to have been made has succeeded.
    fn check_attempts(&mut self, status: &OperatorRunStatus) -> Result<(), String> {
        for (index, before) in self.attempts.iter().enumerate() {
            let Some(now) = status.attempts.get(index) else {
                return Err("an attempt was removed".to_owned());
            };
            let turned_out = now.outcome == Some(AttemptOutcome::Succeeded);
            let ended = before.state == AttemptState::Finished && !turned_out;
            if (before.number, &before.token) != (now.number, &now.token) || ended && before != now
            {
                return Err(format!("an attempt was changed: {before:?} {now:?}"));
            }
        }
        self.attempts.clone_from(&status.attempts);
        Ok(())
    }

    fn check_end(&mut self, status: &OperatorRunStatus) -> Result<(), String> {
        if let Some(ended) = &self.ended {
            let same = ended == status;
            return if same {
                self.check_effect(status)
            } else {
                Err("an end was changed".to_owned())
            };
        }
        if status.phase.is_terminal() {
            self.ended = Some(status.clone());
            return self.check_effect(status);
        }
        Ok(())
    }

    fn check_effect(&self, status: &OperatorRunStatus) -> Result<(), String> {
        let effect = self.has_effect();
        let committed = self.world().effects_of(UID).0 > 0;
        let named = status.messages.errors.iter().any(|message| message.contains(LOCATION));
        let unseen = status.columns.message.contains("could not be looked up");
        if status.phase == Phase::Failed && committed && !effect && !named && !unseen {
            return Err("a failure that does not name what was committed".to_owned());
        }
        let wanted = self.order.action != "fake.answer" && !self.order.dry_run;
        match status.phase {
            Phase::Succeeded if wanted && !effect => Err("success without an effect".to_owned()),
            Phase::Succeeded if !wanted && effect => Err("a dry run had an effect".to_owned()),
            Phase::Failed | Phase::Cancelled if effect => {
                Err(format!("{:?} although it took place", status.phase))
            }
            _ => Ok(()),
        }
    }

    /// Repairs the world and lets one process go on until the run ends or a person is asked.
    pub(super) fn settle(&mut self) -> Result<Phase, String> {
        self.happen(&Event::Repair)?;
        self.happen(&Event::Suspend(false))?;
        self.happen(&Event::Crash(0))?;
        let mut asking = 0;
        for _ in 0..600 {
            self.happen(&Event::Passes(0, 1))?;
            self.happen(&Event::StepJobs)?;
            self.happen(&Event::Clock(20_000))?;
            let phase = self.status().phase;
            asking = if phase == Phase::Unknown { asking + 1 } else { 0 };
            if phase.is_terminal() || asking > 20 {
                return Ok(phase);
            }
        }
        match self.status().phase {
            Phase::Unknown => Ok(Phase::Unknown),
            phase => Err(format!("it neither ended nor asks: {phase:?} {:?}", self.status())),
        }
    }

    /// Repairs the world and lets one process go on until the run, which is being deleted, is gone.
    pub(super) fn settle_leaving(&mut self) -> Result<(), String> {
        self.happen(&Event::Repair)?;
        self.happen(&Event::Crash(0))?;
        for _ in 0..100 {
            if self.run().is_none() {
                return Ok(());
            }
            self.happen(&Event::Passes(0, 1))?;
            self.happen(&Event::StepJobs)?;
            self.happen(&Event::Clock(1_000))?;
        }
        Err(format!("it is still there: {:?}", self.run()))
    }

    /// Lets processes that were stopped in the middle go on after the end.
    pub(super) fn wake_the_late(&mut self) -> Result<(), String> {
        for process in 1..self.processes.len() {
            for _ in 0..8 {
                self.happen(&Event::Step(process))?;
                self.happen(&Event::StepJobs)?;
                self.happen(&Event::FinishJobs)?;
            }
        }
        Ok(())
    }
}

fn new_runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("should have a runtime")
}

fn run_of(order: &Order) -> OperatorRun {
    let mut spec = json!({
        "operator": "fake/work",
        "configRef": {"name": "lake"},
        "dryRun": order.dry_run,
        "retry": {"limit": order.retries},
    });
    if let Some(timeout) = order.timeout {
        spec["timeout"] = json!(timeout);
    }
    serde_json::from_value(json!({
        "apiVersion": "mason.dev/v1alpha1",
        "kind": "OperatorRun",
        "metadata": {"name": "run", "namespace": "default", "uid": UID},
        "spec": spec,
    }))
    .expect("should be a run")
}

pub(super) fn valid_run(order: &Order) -> ValidRun {
    let client = json!({"client": "here", "type": "local"});
    let mut engines = json!({"metastore": client, "storage": client});
    if matches!(order.action, "fake.job" | "fake.both") {
        engines["execution"] = client;
    }
    serde_json::from_value(json!({
        "operator": "fake/work",
        "definition": {"name": "fake-work", "digest": "sha256:0"},
        "action": order.action,
        "allowWritingSql": false,
        "parameters": {},
        "origins": [],
        "config": {"name": "lake", "namespace": "default"},
        "engines": engines,
        "clients": [],
        "dryRun": order.dry_run,
        "retry": {"limit": order.retries},
    }))
    .expect("should be valid")
}
