//! Each guard is needed: with it a script is harmless, without it the same script breaks a property.

use super::simulation::{Event, Guards, Order, Simulation, UID};
use crate::api::v1alpha1::Phase;
use crate::engines::job::{JobId, JobOwner, JobState, JobToken};
use crate::plan::attempt_token;
use crate::testing::fakes::{Call, FakeJob, Fault, JobEnd, Rules, World};

/// Lives through a script, to the end, with late processes woken after it.
fn live(
    order: Order,
    guards: Guards,
    rules: Rules,
    events: &[Event],
) -> Result<(Phase, Simulation), String> {
    let mut simulation = Simulation::unheld(order, guards);
    World::of(&simulation.world).rules = rules;
    for event in events {
        simulation.happen(event)?;
    }
    let phase = simulation.settle()?;
    simulation.wake_the_late()?;
    Ok((phase, simulation))
}

fn broken(order: Order, guards: Guards, rules: Rules, events: &[Event]) -> String {
    match live(order, guards, rules, events) {
        Ok((phase, _)) => panic!("should break a property, but ended as {phase:?}"),
        Err(broken) => broken,
    }
}

#[test]
fn without_compare_and_swap_a_late_process_undoes_an_end() {
    // One process creates the job and is held up before it writes that down; another goes on.
    let script = [Event::Passes(1, 1), Event::Step(1), Event::Step(1), Event::Step(1)];
    let swapped = live(Order::of("fake.job"), Guards::ALL, Rules::default(), &script);
    assert_eq!(swapped.expect("should hold").0, Phase::Succeeded);
    let rules = Rules { compare_and_swap: false, ..Rules::default() };
    let why = broken(Order::of("fake.job"), Guards::ALL, rules, &script);
    assert_eq!(why, "an end was changed");
}

#[test]
fn without_a_look_before_it_creates_a_crash_makes_a_second_job() {
    // The job is created, and the process dies before it writes that down.
    let script =
        [Event::Passes(0, 1), Event::Step(0), Event::Step(0), Event::Step(0), Event::Crash(0)];
    let rules = Rules { create_once: false, ..Rules::default() };
    let looked = live(Order::of("fake.job"), Guards::ALL, rules, &script);
    assert_eq!(looked.expect("should hold").0, Phase::Succeeded);
    let guards = Guards { look_before_create: false, ..Guards::ALL };
    assert_eq!(broken(Order::of("fake.job"), guards, rules, &script), "an attempt has two jobs");
}

#[test]
fn without_a_fence_a_late_release_works_after_the_cancellation() {
    // One process is about to release the job and is held up; the run is cancelled meanwhile.
    let script = [Event::Passes(1, 2), Event::Step(1), Event::Step(1), Event::Cancel];
    let fenced = live(Order::of("fake.job"), Guards::ALL, Rules::default(), &script);
    assert_eq!(fenced.expect("should hold").0, Phase::Cancelled);
    let guards = Guards { fence: false, ..Guards::ALL };
    let why = broken(Order::of("fake.job"), guards, Rules::default(), &script);
    assert_eq!(why, "Cancelled although it took place");
}

#[test]
fn without_a_look_by_author_a_crash_makes_a_change_twice() {
    // Intended, decided, and applied; the process dies before it writes the last down.
    let script =
        [Event::Passes(0, 2), Event::Step(0), Event::Step(0), Event::Step(0), Event::Crash(0)];
    let rules = Rules { change_once: false, ..Rules::default() };
    let looked = live(Order::of("fake.change"), Guards::ALL, rules, &script);
    assert_eq!(looked.expect("should hold").0, Phase::Succeeded);
    let guards = Guards { look_by_author: false, ..Guards::ALL };
    let why = broken(Order::of("fake.change"), guards, rules, &script);
    assert_eq!(why, "0 commits and 2 changes took place");
}

#[test]
fn without_a_fence_of_changes_a_late_one_is_made_after_the_failure() {
    // One process decided on the change and is held up; another one is refused for good. Then the
    // reason for the refusal goes away.
    let script = [
        Event::Passes(1, 2),
        Event::Step(1),
        Event::Step(1),
        Event::Fault(Call::Apply, Fault::LASTING),
        Event::Passes(0, 1),
    ];
    let fenced = live(Order::of("fake.change"), Guards::ALL, Rules::default(), &script);
    assert_eq!(fenced.expect("should hold").0, Phase::Failed);
    let rules = Rules { change_fences_hold: false, ..Rules::default() };
    let why = broken(Order::of("fake.change"), Guards::ALL, rules, &script);
    assert_eq!(why, "Failed although it took place");
}

#[test]
fn without_a_look_at_commits_three_deaths_fail_a_run_that_committed() {
    let dying = || Order { ends: vec![JobEnd::IsLostAfterCommit; 3], ..Order::of("fake.job") };
    // Later attempts adopt the first one's commit and die as well.
    let rules = Rules { commit_once: true, ..Rules::default() };
    let (phase, simulation) = live(dying(), Guards::ALL, rules, &[]).expect("should hold");
    assert_eq!((phase, simulation.status().attempts.len()), (Phase::Succeeded, 1));
    let rules = Rules { commits_found: false, ..rules };
    assert_eq!(broken(dying(), Guards::ALL, rules, &[]), "Failed although it took place");
}

#[test]
fn without_a_look_at_the_owner_another_runs_job_is_released() {
    let with_guards = |guards| {
        let mut simulation = Simulation::unheld(Order::of("fake.job"), guards);
        let owner = JobOwner { run_uid: "other".to_owned(), run: "other".to_owned(), attempt: 1 };
        let id = JobId("job-of-other".to_owned());
        let (state, end, stopping) = (JobState::Inert, JobEnd::Succeeds, false);
        let job = FakeJob { id, owner, state, end, stopping };
        let token = JobToken(attempt_token(UID, 1));
        World::of(&simulation.world).jobs.push((token, job));
        simulation.settle().map(|phase| (phase, simulation.status().columns.reason))
    };
    let owned = with_guards(Guards::ALL).expect("should hold");
    assert_eq!(owned, (Phase::Failed, "ChildConflict".to_owned()));
    let why = with_guards(Guards { owner: false, ..Guards::ALL }).expect_err("should break");
    assert_eq!(why, "another run's job was released or stopped");
}
