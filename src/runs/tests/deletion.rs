//! Runs that are deleted at any moment: gone within bounds, and nothing of them works afterwards.

use proptest::prelude::*;

use super::properties::{events, orders};
use super::simulation::{Event, Guards, Order, Simulation};
use crate::engines::job::JobState;
use crate::testing::fakes::{ACTIONS, Call, Fault, JobEnd, World};

fn working(simulation: &Simulation) -> usize {
    let world = World::of(&simulation.world);
    let works = |state| matches!(state, JobState::Queued | JobState::Running);
    world.jobs.iter().filter(|(_, job)| works(job.state)).count()
}

proptest! {
    #[test]
    fn a_deleted_run_is_gone_within_bounds_and_nothing_of_it_works(
        order in orders(),
        before in prop::collection::vec(events(), 0..60),
        after in prop::collection::vec(events(), 0..40),
    ) {
        let mut simulation = Simulation::new(order, Guards::ALL);
        for event in before.iter().chain([&Event::Delete]).chain(&after) {
            simulation.happen(event).map_err(TestCaseError::fail)?;
        }
        simulation.settle_leaving().map_err(TestCaseError::fail)?;
        simulation.wake_the_late().map_err(TestCaseError::fail)?;
    }

    #[test]
    fn without_failures_nothing_is_left_behind_wherever_processes_crash(
        action in prop::sample::select(ACTIONS.to_vec()),
        hangs: bool,
        before in 0..40usize,
        crashes in prop::collection::vec(1..9usize, 0..8),
    ) {
        let ends = if hangs { vec![JobEnd::Hangs] } else { Vec::new() };
        let mut simulation = Simulation::new(Order { ends, ..Order::of(action) }, Guards::ALL);
        for _ in 0..before {
            simulation.happen(&Event::Step(0)).map_err(TestCaseError::fail)?;
        }
        simulation.happen(&Event::Delete).map_err(TestCaseError::fail)?;
        for steps in crashes {
            for _ in 0..steps {
                simulation.happen(&Event::Step(0)).map_err(TestCaseError::fail)?;
            }
            simulation.happen(&Event::Crash(0)).map_err(TestCaseError::fail)?;
        }
        simulation.settle_leaving().map_err(TestCaseError::fail)?;
        prop_assert_eq!(simulation.left(), None);
        prop_assert_eq!(working(&simulation), 0);
    }
}

fn until_it_works(simulation: &mut Simulation) {
    for _ in 0..60 {
        if working(simulation) == 1 {
            return;
        }
        simulation.happen(&Event::Step(0)).expect("should step");
    }
    panic!("no job works: {:?}", simulation.status());
}

#[test]
fn a_job_that_cannot_be_stopped_is_named_when_its_run_is_let_go() {
    let order = Order { ends: vec![JobEnd::Hangs], ..Order::of("fake.job") };
    let mut simulation = Simulation::new(order, Guards::ALL);
    until_it_works(&mut simulation);
    simulation.happen(&Event::Break(Call::Find, Fault::PASSING)).expect("should break");
    simulation.happen(&Event::Delete).expect("should delete");
    for _ in 0..40 {
        simulation.happen(&Event::Passes(0, 1)).expect("should pass");
        simulation.happen(&Event::Clock(10_000)).expect("should move");
    }
    assert!(simulation.run().is_none(), "{:?}", simulation.run());
    let left = simulation.left().expect("should say what is left");
    assert_eq!(left.job.as_deref(), Some("job-1"));
}

#[test]
fn a_person_lets_a_run_go_at_once() {
    let order = Order { ends: vec![JobEnd::Hangs], ..Order::of("fake.job") };
    let mut simulation = Simulation::new(order, Guards::ALL);
    until_it_works(&mut simulation);
    for call in [Call::Find, Call::Fence, Call::Cancel] {
        simulation.happen(&Event::Break(call, Fault::PASSING)).expect("should break");
    }
    simulation.happen(&Event::Force).expect("should annotate");
    simulation.happen(&Event::Delete).expect("should delete");
    simulation.happen(&Event::Passes(0, 2)).expect("should pass");
    assert!(simulation.run().is_none());
    assert!(simulation.left().is_some());
}
