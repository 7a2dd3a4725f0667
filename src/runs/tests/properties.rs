//! Whatever happens: at most one effect, an end or a question, and no word that the world belies.

use proptest::prelude::*;

use super::simulation::{Event, Guards, Order, Simulation};
use crate::api::v1alpha1::Phase;
use crate::engines::{ErrorKind, Retry};
use crate::testing::api_server::ApiFault;
use crate::testing::fakes::{ACTIONS, Call, Fault, JobEnd};

fn calls() -> impl Strategy<Value = Call> {
    prop::sample::select(vec![
        Call::Open,
        Call::Prepare,
        Call::Create,
        Call::Release,
        Call::Find,
        Call::Collect,
        Call::Cancel,
        Call::Fence,
        Call::Apply,
        Call::FindChange,
        Call::FenceChange,
    ])
}

fn faults() -> impl Strategy<Value = (Call, Fault)> {
    let fault = prop::sample::select(vec![
        Fault::PASSING,
        Fault::SILENT_BEFORE,
        Fault::SILENT_AFTER,
        Fault::LASTING,
    ]);
    (calls(), fault)
}

pub(super) fn events() -> impl Strategy<Value = Event> {
    let process = 0..3usize;
    prop_oneof![
        30 => process.clone().prop_map(Event::Step),
        12 => (process.clone(), 1..4usize).prop_map(|(process, passes)| Event::Passes(process, passes)),
        4 => process.prop_map(Event::Crash),
        10 => Just(Event::StepJobs),
        4 => Just(Event::FinishJobs),
        1 => Just(Event::LoseJobs),
        4 => (0..60_000i64).prop_map(Event::Clock),
        1 => (-3_600_000..3_600_000i64).prop_map(Event::Clock),
        1 => Just(Event::Cancel),
        1 => any::<bool>().prop_map(Event::Suspend),
        4 => faults().prop_map(|(call, fault)| Event::Fault(call, fault)),
        1 => calls().prop_map(|call| Event::Break(call, Fault::PASSING)),
        1 => Just(Event::Break(Call::Apply, Fault::LASTING)),
        2 => Just(Event::Repair),
        1 => Just(Event::Answer),
    ]
}

/// What an API server answers wrongly, and how often compared with what happens otherwise.
fn api_faults() -> impl Strategy<Value = ApiFault> {
    let code = || prop::sample::select(vec![404u16, 409, 410, 429, 500, 503, 504]);
    prop_oneof![
        2 => code().prop_map(ApiFault::Refused),
        2 => code().prop_map(ApiFault::Denied),
        1 => Just(ApiFault::Lost),
        1 => Just(ApiFault::Unanswered),
        3 => (0..6usize).prop_map(ApiFault::Stale),
        2 => Just(ApiFault::Nothing),
    ]
}

fn events_on_api_server() -> impl Strategy<Value = Event> {
    prop_oneof![3 => events(), 1 => api_faults().prop_map(Event::Api)]
}

fn job_ends() -> impl Strategy<Value = Vec<JobEnd>> {
    let end = prop_oneof![
        4 => Just(JobEnd::Succeeds),
        1 => Just(JobEnd::Fails(ErrorKind::Unavailable, Retry::Later)),
        1 => Just(JobEnd::Fails(ErrorKind::RateLimited, Retry::Later)),
        1 => Just(JobEnd::Fails(ErrorKind::InvalidInput, Retry::Never)),
        1 => Just(JobEnd::Fails(ErrorKind::Timeout, Retry::EffectUnknown)),
        1 => Just(JobEnd::Fails(ErrorKind::Unexpected, Retry::Never)),
        1 => Just(JobEnd::IsLost),
        1 => Just(JobEnd::IsLostAfterCommit),
        1 => Just(JobEnd::Hangs),
    ];
    prop::collection::vec(end, 0..4)
}

pub(super) fn orders() -> impl Strategy<Value = Order> {
    let timeout = prop::sample::select(vec![None, Some("1m"), Some("2h")]);
    let action = prop::sample::select(ACTIONS.to_vec());
    (action, prop::bool::weighted(0.1), 0..4u32, timeout, job_ends()).prop_map(
        |(action, dry_run, retries, timeout, ends)| Order {
            action,
            dry_run,
            retries,
            timeout,
            ends,
        },
    )
}

/// A run whose jobs hang ends only when it is stopped.
fn may_hang(order: &Order) -> bool {
    order.timeout.is_none() && order.ends.contains(&JobEnd::Hangs)
}

fn live_through(mut simulation: Simulation, events: &[Event]) -> Result<Phase, String> {
    let hangs = may_hang(&simulation.order);
    for event in events {
        simulation.happen(event)?;
    }
    if hangs {
        simulation.happen(&Event::Cancel)?;
    }
    let phase = simulation.settle()?;
    simulation.wake_the_late()?;
    Ok(phase)
}

proptest! {
    #[test]
    fn whatever_happens_a_run_has_at_most_one_effect_and_ends_or_asks(
        order in orders(),
        events in prop::collection::vec(events(), 0..120),
    ) {
        let phase = live_through(Simulation::new(order, Guards::ALL), &events).map_err(TestCaseError::fail)?;
        prop_assert!(phase.is_terminal() || phase == Phase::Unknown);
    }

    #[test]
    fn a_crash_after_any_step_changes_nothing_but_the_time(
        action in prop::sample::select(ACTIONS.to_vec()),
        crashes in prop::collection::vec(1..9usize, 0..30),
    ) {
        let mut simulation = Simulation::new(Order::of(action), Guards::ALL);
        for steps in crashes {
            for _ in 0..steps {
                simulation.happen(&Event::Step(0)).map_err(TestCaseError::fail)?;
            }
            simulation.happen(&Event::Crash(0)).map_err(TestCaseError::fail)?;
            simulation.happen(&Event::StepJobs).map_err(TestCaseError::fail)?;
        }
        prop_assert_eq!(simulation.settle().map_err(TestCaseError::fail)?, Phase::Succeeded);
        prop_assert_eq!(simulation.status().attempts.len(), 1);
    }

    #[test]
    fn two_processes_that_drive_one_run_make_one_effect(
        action in prop::sample::select(ACTIONS.to_vec()),
        turns in prop::collection::vec((0..2usize, any::<bool>()), 0..80),
    ) {
        let mut simulation = Simulation::new(Order::of(action), Guards::ALL);
        for (process, jobs_move) in turns {
            simulation.happen(&Event::Step(process)).map_err(TestCaseError::fail)?;
            if jobs_move {
                simulation.happen(&Event::StepJobs).map_err(TestCaseError::fail)?;
            }
        }
        prop_assert_eq!(simulation.settle().map_err(TestCaseError::fail)?, Phase::Succeeded);
        simulation.wake_the_late().map_err(TestCaseError::fail)?;
    }
}

proptest! {
    // Each case takes some ten times as long as one in memory.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, ..ProptestConfig::default() })]

    #[test]
    fn whatever_an_api_server_answers_a_run_has_at_most_one_effect_and_ends_or_asks(
        order in orders(),
        events in prop::collection::vec(events_on_api_server(), 0..120),
    ) {
        let simulation = Simulation::on_api_server(order);
        let phase = live_through(simulation, &events).map_err(TestCaseError::fail)?;
        prop_assert!(phase.is_terminal() || phase == Phase::Unknown);
    }

    #[test]
    fn an_api_server_that_fails_at_any_request_changes_nothing_but_the_time(
        action in prop::sample::select(ACTIONS.to_vec()),
        faults in prop::collection::vec((api_faults(), 1..6usize), 0..30),
    ) {
        let mut simulation = Simulation::on_api_server(Order::of(action));
        for (fault, steps) in faults {
            simulation.happen(&Event::Api(fault)).map_err(TestCaseError::fail)?;
            for _ in 0..steps {
                simulation.happen(&Event::Step(0)).map_err(TestCaseError::fail)?;
            }
            simulation.happen(&Event::StepJobs).map_err(TestCaseError::fail)?;
        }
        prop_assert_eq!(simulation.settle().map_err(TestCaseError::fail)?, Phase::Succeeded);
        prop_assert_eq!(simulation.status().attempts.len(), 1);
    }
}
