//! A service that knows a job by its id alone, and a metastore that does not know who made a change: what cannot be
//! told is asked of a person, and nothing is made twice.

use proptest::prelude::*;

use super::properties::{events, orders};
use super::simulation::{Event, Guards, Order, Simulation};
use crate::api::v1alpha1::{AttemptState, Phase};
use crate::testing::fakes::{Call, Fault, Rules, World};

const REMOTE: [Rules; 2] = {
    let told = Rules::ALL;
    [
        Rules { token_index: false, ..told },
        Rules { change_index: false, change_once: false, ..told },
    ]
};

fn simulation(action: &'static str, rules: Rules) -> Simulation {
    let simulation = Simulation::new(Order::of(action), Guards::ALL);
    World::of(&simulation.world).rules = rules;
    simulation
}

fn happen(simulation: &mut Simulation, events: &[Event]) {
    for event in events {
        simulation.happen(event).expect("should hold");
    }
}

/// Makes passes of one process until the run ends or a person is asked, without a crash.
fn undisturbed(simulation: &mut Simulation) -> Phase {
    for _ in 0..60 {
        happen(simulation, &[Event::Passes(0, 1), Event::StepJobs, Event::Clock(20_000)]);
        let phase = simulation.status().phase;
        if phase.is_terminal() || phase == Phase::Unknown {
            return phase;
        }
    }
    simulation.status().phase
}

#[test]
fn a_run_that_is_not_disturbed_needs_no_index() {
    for rules in REMOTE {
        for action in ["fake.answer", "fake.job", "fake.change", "fake.both"] {
            let mut simulation = simulation(action, rules);
            assert_eq!(undisturbed(&mut simulation), Phase::Succeeded, "{action}");
        }
    }
}

#[test]
fn a_crash_before_the_job_is_recorded_asks_a_person_and_a_later_one_does_not() {
    let mut asked = 0;
    for steps in 0..24 {
        let mut simulation = simulation("fake.job", REMOTE[0]);
        for _ in 0..steps {
            happen(&mut simulation, &[Event::Step(0)]);
        }
        let attempts = simulation.status().attempts;
        let is_open = attempts.last().is_some_and(|last| last.state == AttemptState::Intended);
        asked += u32::from(is_open);
        let expected = if is_open { Phase::Unknown } else { Phase::Succeeded };
        assert_eq!(simulation.settle(), Ok(expected), "{steps}: {:?}", simulation.status());
        assert!(World::of(&simulation.world).jobs.len() <= 1, "{steps}");
    }
    assert_eq!(asked, 8, "the two passes that hold the run and launch its job");
}

#[test]
fn a_person_who_looked_says_how_it_goes_on() {
    let mut simulation = simulation("fake.job", REMOTE[0]);
    happen(&mut simulation, &[Event::Passes(0, 1), Event::Crash(0)]);
    assert_eq!(simulation.settle(), Ok(Phase::Unknown));
    let status = simulation.status();
    assert_eq!(status.attempts[0].state, AttemptState::Intended);
    assert!(status.columns.message.contains("keeps no index"), "{}", status.columns.message);
    happen(&mut simulation, &[Event::Answer]);
    assert_eq!(undisturbed(&mut simulation), Phase::Succeeded, "{:?}", simulation.status());
    assert_eq!(simulation.status().attempts.len(), 2);
}

#[test]
fn a_creation_that_failed_before_it_took_place_is_made_again() {
    let mut simulation = simulation("fake.job", REMOTE[0]);
    happen(&mut simulation, &[Event::Fault(Call::Create, Fault::PASSING)]);
    assert_eq!(undisturbed(&mut simulation), Phase::Succeeded, "{:?}", simulation.status());
    assert_eq!(World::of(&simulation.world).jobs.len(), 1);
}

#[test]
fn a_creation_without_an_answer_is_never_repeated_blindly() {
    for fault in [Fault::SILENT_BEFORE, Fault::SILENT_AFTER] {
        let mut simulation = simulation("fake.job", REMOTE[0]);
        happen(&mut simulation, &[Event::Fault(Call::Create, fault)]);
        assert_eq!(undisturbed(&mut simulation), Phase::Unknown, "{:?}", simulation.status());
        let jobs = World::of(&simulation.world).jobs.len();
        assert_eq!(jobs, usize::from(fault.after_effect));
    }
}

#[test]
fn a_change_without_an_answer_is_asked_of_a_person_where_the_service_cannot_tell() {
    let mut simulation = simulation("fake.change", REMOTE[1]);
    happen(&mut simulation, &[Event::Fault(Call::Apply, Fault::SILENT_AFTER)]);
    assert_eq!(undisturbed(&mut simulation), Phase::Unknown, "{:?}", simulation.status());
    assert_eq!(World::of(&simulation.world).changes.len(), 1);
}

#[test]
fn a_change_is_not_made_again_after_a_crash_where_the_service_cannot_tell() {
    let mut asked = 0;
    for steps in 0..24 {
        let mut simulation = simulation("fake.change", REMOTE[1]);
        for _ in 0..steps {
            happen(&mut simulation, &[Event::Step(0)]);
        }
        let phase = simulation.settle().expect("should hold");
        asked += u32::from(phase == Phase::Unknown);
        let changes = World::of(&simulation.world).changes.len();
        assert!(changes <= 1, "{steps}");
        assert!(phase == Phase::Unknown || changes == 1, "{steps}: {phase:?}");
    }
    assert!(asked > 0, "a crash around the change should leave it unknown");
}

#[test]
fn a_change_that_was_refused_for_good_fails_its_run_also_where_the_service_cannot_tell() {
    let mut simulation = simulation("fake.change", REMOTE[1]);
    happen(&mut simulation, &[Event::Fault(Call::Apply, Fault::LASTING)]);
    assert_eq!(undisturbed(&mut simulation), Phase::Failed, "{:?}", simulation.status());
    assert!(World::of(&simulation.world).changes.is_empty());
}

proptest! {
    #[test]
    fn whatever_happens_a_run_on_a_service_without_an_index_has_at_most_one_effect(
        order in orders(),
        events in prop::collection::vec(events(), 0..120),
        rules in prop::sample::select(REMOTE.to_vec()),
    ) {
        let mut simulation = Simulation::new(order, Guards::ALL);
        World::of(&simulation.world).rules = rules;
        for event in &events {
            simulation.happen(event).map_err(TestCaseError::fail)?;
        }
        simulation.wake_the_late().map_err(TestCaseError::fail)?;
    }
}
