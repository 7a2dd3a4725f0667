//! One script for each precondition, on an API server: harmless with it, and failing without it.
//!
//! `faults` runs each of these tests again with its precondition taken away, where it has to fail.

use super::simulation::{Event, Order, Simulation, UID};
use crate::api::v1alpha1::Phase;
use crate::engines::job::{JobId, JobOwner, JobState, JobToken};
use crate::plan::attempt_token;
use crate::testing::fakes::{FakeJob, JobEnd, Rules, World};

/// Lives through a script, to the end, with late processes woken after it.
fn live(order: Order, rules: Rules, events: &[Event]) -> (Phase, Simulation) {
    let mut simulation = Simulation::on_api_server(order);
    World::of(&simulation.world).rules = rules;
    let mut lived = || {
        for event in events {
            simulation.happen(event)?;
        }
        let phase = simulation.settle()?;
        simulation.wake_the_late()?;
        Ok::<_, String>(phase)
    };
    let phase = lived().expect("should hold");
    (phase, simulation)
}

#[test]
fn a_late_process_undoes_no_end() {
    // One process creates the job and is held up before it writes that down; another goes on.
    let script = [Event::Passes(1, 1), Event::Step(1), Event::Step(1), Event::Step(1)];
    let (phase, _) = live(Order::of("fake.job"), Rules::default(), &script);
    assert_eq!(phase, Phase::Succeeded);
}

#[test]
fn a_crash_after_the_creation_makes_no_second_job() {
    let script =
        [Event::Passes(0, 1), Event::Step(0), Event::Step(0), Event::Step(0), Event::Crash(0)];
    // Not even where the client would make a second one.
    let rules = Rules { create_once: false, ..Rules::default() };
    let (phase, simulation) = live(Order::of("fake.job"), rules, &script);
    assert_eq!(phase, Phase::Succeeded);
    assert_eq!(World::of(&simulation.world).jobs.len(), 1);
}

#[test]
fn a_job_of_another_run_is_left_alone() {
    let mut simulation = Simulation::on_api_server(Order::of("fake.job"));
    let job = FakeJob {
        id: JobId("job-of-other".to_owned()),
        owner: JobOwner { run_uid: "other".to_owned(), run: "other".to_owned(), attempt: 1 },
        state: JobState::Inert,
        end: JobEnd::Succeeds,
        stopping: false,
    };
    World::of(&simulation.world).jobs.push((JobToken(attempt_token(UID, 1)), job));
    assert_eq!(simulation.settle(), Ok(Phase::Failed));
    assert_eq!(simulation.status().columns.reason, "ChildConflict");
}

#[test]
fn a_job_that_is_not_the_recorded_one_is_left_alone() {
    let mut simulation = Simulation::on_api_server(Order::of("fake.job"));
    simulation.happen(&Event::Passes(0, 2)).expect("should launch");
    "another-job".clone_into(&mut World::of(&simulation.world).jobs[0].1.id.0);
    assert_eq!(simulation.settle(), Ok(Phase::Failed));
    assert_eq!(simulation.status().columns.reason, "ChildConflict");
    assert_eq!(World::of(&simulation.world).jobs[0].1.state, JobState::Inert);
}

#[test]
fn a_late_release_begins_nothing_after_the_cancellation() {
    // One process is about to release the job and is held up; the run is cancelled meanwhile.
    let script = [Event::Passes(1, 2), Event::Step(1), Event::Step(1), Event::Cancel];
    let (phase, simulation) = live(Order::of("fake.job"), Rules::default(), &script);
    assert_eq!(phase, Phase::Cancelled);
    assert_eq!(World::of(&simulation.world).effects_of(UID), (0, 0));
}

#[test]
fn a_crash_after_a_change_makes_no_second_one() {
    // Intended, decided, and applied; the process dies before it writes the last down.
    let script =
        [Event::Passes(0, 2), Event::Step(0), Event::Step(0), Event::Step(0), Event::Crash(0)];
    // Not even where the metastore would make it twice.
    let rules = Rules { change_once: false, ..Rules::default() };
    let (phase, simulation) = live(Order::of("fake.change"), rules, &script);
    assert_eq!(phase, Phase::Succeeded);
    assert_eq!(World::of(&simulation.world).effects_of(UID), (0, 1));
}
