use proptest::prelude::*;

use super::*;

fn needs(namespace: &str, config: &str, memory_bytes: u64) -> Needs {
    let (namespace, config) = (namespace.to_owned(), ("shared".to_owned(), config.to_owned()));
    Needs { namespace, config, memory_bytes }
}

fn bounds(all: usize) -> Bounds {
    Bounds { all: Some(all), ..Bounds::default() }
}

fn begins(queue: &mut AdmissionQueue, uid: &str, needs: Needs) -> bool {
    queue.ask(uid, needs) == Place::Free
}

#[expect(clippy::needless_pass_by_value, reason = "a place is asked for and read at once")]
fn reason(place: Place) -> Reason {
    match place {
        Place::Taken { reason, .. } => reason,
        Place::Free => panic!("should wait"),
    }
}

#[test]
fn a_run_waits_until_another_has_ended_and_then_has_its_place() {
    let mut queue = AdmissionQueue::new(bounds(2));
    for uid in ["a", "b"] {
        assert!(begins(&mut queue, uid, needs("n", "c", 0)));
    }
    let waits = queue.ask("d", needs("n", "c", 0));
    let message = "as many runs work as may in all (2)".to_owned();
    assert_eq!(waits, Place::Taken { reason: Reason::WorkerPoolFull, message });
    assert!(begins(&mut queue, "a", needs("n", "c", 0)), "a run that works goes on");
    assert_eq!(queue.end("b"), ["d"]);
    assert!(begins(&mut queue, "d", needs("n", "c", 0)), "its place is kept for it");
    assert_eq!(queue.lengths(), (2, 0));
    assert!(queue.end("nobody").is_empty());
}

#[test]
fn who_works_already_counts_and_is_never_turned_away() {
    let mut queue = AdmissionQueue::new(bounds(1));
    queue.occupy("a", needs("n", "c", 0));
    queue.occupy("b", needs("n", "c", 0));
    queue.occupy("b", needs("n", "c", 0));
    assert!(!begins(&mut queue, "d", needs("n", "c", 0)));
    assert!(queue.end("a").is_empty(), "one still works, as many as may");
    assert_eq!(queue.end("b"), ["d"]);
}

#[test]
fn namespaces_take_turns_and_within_one_who_came_first_is_first() {
    let mut queue = AdmissionQueue::new(bounds(1));
    assert!(begins(&mut queue, "first", needs("a", "c", 0)));
    for number in 0..4 {
        assert!(!begins(&mut queue, &format!("a{number}"), needs("a", "c", 0)));
    }
    for uid in ["b0", "b1", "c0"] {
        assert!(!begins(&mut queue, uid, needs(&uid[..1], "c", 0)));
    }
    // Asking again changes no place.
    assert!(!begins(&mut queue, "a0", needs("a", "c", 0)));
    let (mut order, mut works) = (Vec::new(), "first".to_owned());
    while let [next] = queue.end(&works).as_slice() {
        order.push(next.clone());
        works.clone_from(next);
    }
    assert_eq!(order, ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]);
}

#[test]
fn each_bound_holds_up_only_those_whom_it_concerns() {
    let all = Bounds { namespace: Some(2), config: Some(5), ..bounds(10) };
    let mut queue = AdmissionQueue::new(all);
    assert!(queue.bound_config(("shared".to_owned(), "c".to_owned()), Some(1)).is_empty());
    assert!(begins(&mut queue, "c0", needs("a", "c", 0)));
    assert_eq!(reason(queue.ask("c1", needs("a", "c", 0))), Reason::ConcurrencyLimit);
    assert_eq!(reason(queue.ask("c2", needs("b", "c", 0))), Reason::ConcurrencyLimit);
    assert!(begins(&mut queue, "d0", needs("a", "d", 0)), "another config");
    let full = queue.ask("d1", needs("a", "d", 0));
    let message = "as many runs of namespace `a` work as may (2)".to_owned();
    assert_eq!(full, Place::Taken { reason: Reason::ConcurrencyLimit, message });
    assert!(begins(&mut queue, "d2", needs("b", "d", 0)), "another namespace");
    let raised = queue.bound_config(("shared".to_owned(), "c".to_owned()), Some(2));
    assert_eq!(raised, ["c2"], "the namespace of the other has no place");
    assert_eq!(queue.end("d0"), ["d1"], "the config of the other has none");
}

#[test]
fn the_memory_of_all_work_together_has_a_bound() {
    let mut queue =
        AdmissionQueue::new(Bounds { memory_bytes: Some(4 << 30), ..Bounds::default() });
    for uid in ["a", "b", "c"] {
        assert!(begins(&mut queue, uid, needs("n", uid, 1 << 30)));
    }
    let waits = queue.ask("big", needs("n", "big", 2 << 30));
    let message = "not 2Gi are free of the 4Gi for all work".to_owned();
    assert_eq!(waits, Place::Taken { reason: Reason::WorkerPoolFull, message });
    assert!(begins(&mut queue, "pod", needs("n", "p", 0)), "work in pods takes none");
    assert_eq!(queue.end("a"), ["big"]);
}

#[test]
fn while_paused_nothing_begins_and_what_works_goes_on() {
    let mut queue = AdmissionQueue::new(Bounds::default());
    assert!(begins(&mut queue, "a", needs("n", "c", 0)));
    assert!(queue.pause(true).is_empty());
    assert_eq!(reason(queue.ask("b", needs("n", "c", 0))), Reason::Paused);
    assert!(begins(&mut queue, "a", needs("n", "c", 0)));
    assert!(queue.end("a").is_empty());
    assert_eq!(queue.pause(false), ["b"]);
}

#[test]
fn a_large_run_is_not_passed_by_for_ever() {
    let mut queue = AdmissionQueue::new(Bounds { memory_bytes: Some(4), ..Bounds::default() });
    for number in 0..4 {
        assert!(begins(&mut queue, &format!("s{number}"), needs("small", "c", 1)));
    }
    assert!(!begins(&mut queue, "large", needs("large", "c", 4)));
    // Small ones come all the time, so that there is never room for a large one by itself.
    for number in 4..500 {
        queue.ask(&format!("s{number}"), needs("small", "c", 1));
        if queue.end(&format!("s{}", number - 4)).contains(&"large".to_owned()) {
            assert!(number > 60, "it is passed by at first, else a place stays empty");
            return;
        }
    }
    panic!("the large run starves");
}

#[derive(Debug, Clone)]
enum Happens {
    Comes { namespace: u8, config: u8, memory: u64 },
    Ends(prop::sample::Index),
    Leaves(prop::sample::Index),
}

fn happenings() -> impl Strategy<Value = Vec<Happens>> {
    let comes = (0..3_u8, 0..3_u8, 0..5_u64)
        .prop_map(|(namespace, config, memory)| Happens::Comes { namespace, config, memory });
    let one = prop_oneof![
        4 => comes,
        2 => any::<prop::sample::Index>().prop_map(Happens::Ends),
        1 => any::<prop::sample::Index>().prop_map(Happens::Leaves),
    ];
    prop::collection::vec(one, 1..120)
}

/// Says which bound is broken.
fn broken(queue: &AdmissionQueue) -> Option<String> {
    let works: Vec<&Needs> = queue.working.values().collect();
    let most = |counted: &dyn Fn(&Needs, &Needs) -> bool| {
        works.iter().map(|one| works.iter().filter(|other| counted(one, other)).count()).max()
    };
    let memory: u64 = works.iter().map(|one| one.memory_bytes).sum();
    let all = [
        ("all", Some(works.len()), 4),
        ("namespace", most(&|one, other| one.namespace == other.namespace), 3),
        ("config", most(&|one, other| one.config == other.config), 2),
        ("memory", usize::try_from(memory).ok(), 6),
    ];
    let over = all.into_iter().find(|(_, used, most)| used.unwrap_or_default() > *most);
    over.map(|(what, used, most)| format!("{what}: {used:?} of {most}"))
}

proptest! {
    #[test]
    fn no_bound_is_ever_broken_and_everybody_has_a_turn(happenings in happenings()) {
        let memory_bytes = Some(6);
        let mut queue =
            AdmissionQueue::new(Bounds { namespace: Some(3), config: Some(2), memory_bytes, ..bounds(4) });
        let (mut working, mut waiting): (Vec<String>, Vec<String>) = Default::default();
        let begin = |begun: Vec<String>, working: &mut Vec<String>, waiting: &mut Vec<String>| {
            waiting.retain(|uid| !begun.contains(uid));
            working.extend(begun);
        };
        for (number, happens) in happenings.into_iter().enumerate() {
            match happens {
                Happens::Comes { namespace, config, memory } => {
                    let uid = number.to_string();
                    let needs = needs(&namespace.to_string(), &config.to_string(), memory);
                    match queue.ask(&uid, needs) {
                        Place::Free => working.push(uid),
                        Place::Taken { .. } => waiting.push(uid),
                    }
                }
                Happens::Ends(_) if working.is_empty() => {}
                Happens::Ends(index) => {
                    let uid = working.swap_remove(index.index(working.len()));
                    begin(queue.end(&uid), &mut working, &mut waiting);
                }
                Happens::Leaves(_) if waiting.is_empty() => {}
                Happens::Leaves(index) => {
                    let uid = waiting.swap_remove(index.index(waiting.len()));
                    begin(queue.end(&uid), &mut working, &mut waiting);
                }
            }
            prop_assert_eq!(broken(&queue), None);
            prop_assert_eq!(queue.lengths(), (working.len(), waiting.len()));
        }
        // Every run ends at some time, and then every waiting run has had a slot.
        while let Some(uid) = working.pop() {
            begin(queue.end(&uid), &mut working, &mut waiting);
            prop_assert_eq!(broken(&queue), None);
        }
        prop_assert!(waiting.is_empty(), "they never begin: {:?}", waiting);
    }
}
