//! What is fired and what is missed, pass by pass and over any sequence of passes.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::validate::Schedule;

fn at(text: &str) -> Timestamp {
    text.parse().expect("should be a time")
}

fn cron(expression: &str) -> ValidSchedule {
    ValidSchedule {
        schedule: Schedule::parse(Some(expression), None, None).expect("should be valid"),
        starting_deadline: None,
        catch_up: CatchUp::None,
        catch_up_limit: 10,
        jitter: Duration::ZERO,
        suspend: false,
    }
}

fn since(base: &str) -> ScheduleState {
    ScheduleState { last_planned: None, base: at(base), missed: 0 }
}

fn decide(settings: &ValidSchedule, state: &ScheduleState, now: &str) -> ScheduleDecision {
    plan_schedule(settings, state, "uid", at(now))
}

fn hours(decision: &ScheduleDecision) -> Vec<String> {
    decision.fire.iter().map(|time| time.strftime("%H:%M").to_string()).collect()
}

#[test]
fn a_planned_time_fires_once_and_the_next_five_are_known() {
    let settings = cron("0 * * * *");
    let state = since("2026-12-01T10:00:00Z");
    let early = decide(&settings, &state, "2026-12-01T10:59:59Z");
    assert_eq!((early.fire.as_slice(), early.missed), (&[][..], 0));
    assert_eq!(early.next, Some(at("2026-12-01T11:00:00Z")));
    let due = decide(&settings, &state, "2026-12-01T11:00:00Z");
    assert_eq!(due.fire, [at("2026-12-01T11:00:00Z")]);
    assert_eq!(due.next, Some(at("2026-12-01T12:00:00Z")));
    assert_eq!(due.upcoming.len(), 5);
    assert_eq!(due.upcoming[4], at("2026-12-01T16:00:00Z"));
    let again = decide(&settings, &state.after(&due), "2026-12-01T11:00:01Z");
    assert_eq!((again.fire.as_slice(), again.missed), (&[][..], 0));
    assert_eq!(again.last_planned, due.last_planned);
}

#[rstest]
#[case(CatchUp::None, None, &[], 5)]
#[case(CatchUp::None, Some(45), &["15:00"], 4)]
#[case(CatchUp::Latest, None, &["15:00"], 4)]
#[case(CatchUp::Latest, Some(20), &[], 5)]
#[case(CatchUp::All, None, &["13:00", "14:00", "15:00"], 2)]
#[case(CatchUp::All, Some(100), &["14:00", "15:00"], 3)]
fn what_passed_is_caught_up_as_the_schedule_says(
    #[case] catch_up: CatchUp,
    #[case] deadline_minutes: Option<u64>,
    #[case] fire: &[&str],
    #[case] missed: u64,
) {
    let starting_deadline = deadline_minutes.map(Duration::from_mins);
    let settings =
        ValidSchedule { catch_up, starting_deadline, catch_up_limit: 3, ..cron("0 * * * *") };
    let state = since("2026-12-01T10:30:00Z");
    let decision = decide(&settings, &state, "2026-12-01T15:30:00Z");
    assert_eq!(hours(&decision), fire);
    assert_eq!(decision.missed, missed);
    assert_eq!(decision.last_planned, Some(at("2026-12-01T15:00:00Z")));
    assert_eq!(state.after(&decision).missed, missed);
}

#[test]
fn without_catching_up_a_minute_late_is_in_time() {
    let settings = cron("0 * * * *");
    let state = since("2026-12-01T10:30:00Z");
    assert_eq!(hours(&decide(&settings, &state, "2026-12-01T11:01:00Z")), ["11:00"]);
    let late = decide(&settings, &state, "2026-12-01T11:01:01Z");
    assert_eq!((late.fire.len(), late.missed), (0, 1));
}

#[test]
fn nothing_before_an_edit_or_a_resume_is_caught_up() {
    let settings = ValidSchedule { catch_up: CatchUp::All, ..cron("0 * * * *") };
    let last_planned = Some(at("2026-12-01T10:00:00Z"));
    let state = ScheduleState { last_planned, ..since("2026-12-01T14:10:00Z") };
    assert_eq!(hours(&decide(&settings, &state, "2026-12-01T15:00:00Z")), ["15:00"]);
    let suspended = ValidSchedule { suspend: true, ..settings };
    let decision = decide(&suspended, &state, "2026-12-01T20:00:00Z");
    assert_eq!(decision, ScheduleDecision { last_planned, ..Default::default() });
}

#[test]
fn a_clock_set_back_fires_nothing_again() {
    let settings = ValidSchedule { catch_up: CatchUp::All, ..cron("0 * * * *") };
    let last_planned = Some(at("2026-12-01T15:00:00Z"));
    let state = ScheduleState { last_planned, ..since("2026-12-01T09:00:00Z") };
    let decision = decide(&settings, &state, "2026-12-01T11:00:00Z");
    assert_eq!((decision.fire.len(), decision.missed), (0, 0));
    assert_eq!(decision.last_planned, last_planned);
    assert_eq!(decision.next, Some(at("2026-12-01T16:00:00Z")));
}

#[test]
fn jitter_holds_a_run_back_and_says_until_when() {
    let settings = ValidSchedule { jitter: Duration::from_mins(30), ..cron("0 * * * *") };
    let state = since("2026-12-01T10:30:00Z");
    let held = decide(&settings, &state, "2026-12-01T11:00:00Z");
    assert!(held.fire.is_empty() && held.last_planned.is_none());
    assert_eq!(held.upcoming[0], at("2026-12-01T11:00:00Z"));
    let next = held.next.expect("should be known");
    assert!(next > held.upcoming[0] && next < at("2026-12-01T11:30:00Z"), "{next}");
    let due = plan_schedule(&settings, &state, "uid", next);
    assert_eq!(due.fire, [at("2026-12-01T11:00:00Z")]);
    let other = plan_schedule(&settings, &state, "another uid", at("2026-12-01T11:00:00Z"));
    assert_ne!(other.next, held.next);
}

#[rstest]
#[case("orders", "orders-20261201-020000")]
#[case("table.infer", "table-infer-4e1c1cd2-20261201-020000")]
fn runs_are_named_by_workflow_and_second(#[case] workflow: &str, #[case] name: &str) {
    let named = run_name(workflow, at("2026-12-01T02:00:00Z"));
    assert_eq!(named.len(), name.len());
    assert_eq!(named.split('-').next(), name.split(['-', '.']).next());
    assert!(named.ends_with("-20261201-020000"), "{named}");
}

fn settings() -> impl Strategy<Value = ValidSchedule> {
    let schedules = prop_oneof![
        Just((Some("*/7 * * * *"), None)),
        Just((Some("0,30 2,3 * * *"), None)),
        Just((Some("17 * * * 0,6"), None)),
        (10_u64..4_000).prop_map(|every| (None, Some(Duration::from_secs(every)))),
    ];
    let catch_up = prop_oneof![Just(CatchUp::None), Just(CatchUp::Latest), Just(CatchUp::All)];
    let deadline = proptest::option::of((0_u64..20_000).prop_map(Duration::from_secs));
    (schedules, catch_up, deadline, 1_u32..20, prop_oneof![Just(0_u64), 1_u64..5_000]).prop_map(
        |((cron, every), catch_up, starting_deadline, catch_up_limit, jitter)| {
            let zone = cron.map(|_| "Europe/Vienna");
            let schedule = Schedule::parse(cron, every, zone).expect("should be valid");
            let jitter = Duration::from_secs(jitter);
            let suspend = false;
            ValidSchedule { schedule, starting_deadline, catch_up, catch_up_limit, jitter, suspend }
        },
    )
}

proptest! {
    #[test]
    fn every_planned_time_is_fired_or_missed_exactly_once(
        settings in settings(),
        start in 1_774_000_000_i64..1_775_000_000,
        passes in proptest::collection::vec((-3_000_i64..20_000, any::<bool>()), 1..40),
    ) {
        let base = Timestamp::from_second(start).expect("should be a time");
        let mut state = ScheduleState { last_planned: None, base, missed: 0 };
        let (mut now, mut fired) = (base, Vec::new());
        for (seconds, is_at_next) in passes {
            now += SignedDuration::from_secs(seconds);
            let asked = plan_schedule(&settings, &state, "uid", now);
            if let Some(next) = asked.next.filter(|_| is_at_next && asked.fire.is_empty()) {
                now = next;
            }
            let decision = plan_schedule(&settings, &state, "uid", now);
            prop_assert!(decision.fire.is_sorted());
            prop_assert!(decision.fire.iter().all(|planned| *planned <= now));
            prop_assert!(decision.next.is_some_and(|next| next > now));
            prop_assert!(decision.last_planned >= state.last_planned);
            prop_assert_eq!(decision.upcoming.len(), 5);
            fired.extend(decision.fire.iter().copied());
            // A restart: what is recorded is all that is left.
            state = state.after(&decision);
        }
        prop_assert!(fired.is_sorted_by(|one, next| one < next), "none fires twice: {:?}", fired);
        let last = state.last_planned.unwrap_or(base);
        let times = settings.schedule.times(base);
        let planned: Vec<Timestamp> = std::iter::successors(times.next_after(base), |time| times.next_after(*time))
            .take_while(|time| *time <= last)
            .collect();
        prop_assert!(fired.iter().all(|time| planned.contains(time)));
        prop_assert_eq!(planned.len() as u64, fired.len() as u64 + state.missed);
    }

    #[test]
    fn on_time_passes_miss_nothing(
        settings in settings(),
        start in 1_774_000_000_i64..1_775_000_000,
    ) {
        let base = Timestamp::from_second(start).expect("should be a time");
        let mut state = ScheduleState { last_planned: None, base, missed: 0 };
        let mut now = base;
        for _ in 0..20 {
            let decision = plan_schedule(&settings, &state, "uid", now);
            prop_assert_eq!(decision.missed, 0);
            prop_assert!(decision.fire.len() <= 1);
            state = state.after(&decision);
            now = decision.next.expect("should be known");
        }
    }

    #[test]
    fn suspending_and_resuming_plans_only_what_comes_after(
        settings in settings(),
        spans in proptest::collection::vec(1_i64..40_000, 1..20),
    ) {
        let mut now = at("2026-03-20T00:00:00Z");
        let mut state = ScheduleState { last_planned: None, base: now, missed: 0 };
        let mut settings = ValidSchedule { catch_up: CatchUp::All, ..settings };
        for span in spans {
            let decision = plan_schedule(&settings, &state, "uid", now);
            prop_assert!(decision.fire.iter().all(|planned| *planned > state.base));
            state = state.after(&decision);
            now += SignedDuration::from_secs(span);
            settings.suspend = !settings.suspend;
            if !settings.suspend {
                state.base = now;
            }
        }
    }

    #[test]
    fn names_are_labels_that_differ(workflow in "[a-z0-9]([a-z0-9.-]{0,80}[a-z0-9])?", seconds in 0_i64..4_000_000_000) {
        let planned = Timestamp::from_second(seconds).expect("should be a time");
        let name = run_name(&workflow, planned);
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        prop_assert!(name.len() <= 63 && name.chars().all(inner));
        prop_assert!(!name.starts_with('-') && !name.ends_with('-'));
        prop_assert_eq!(&name, &run_name(&workflow, planned));
        prop_assert_ne!(&name, &run_name(&workflow, planned + SignedDuration::from_secs(1)));
        prop_assert_ne!(name, run_name(&format!("{workflow}x"), planned));
    }
}
