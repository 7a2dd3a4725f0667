//! The graph of a workflow's steps: what is wrong with it, what comes before what, and in which order.
//!
//! Checks find every problem at once, each with the field at which it is; [`ancestors`] and [`order`] are for
//! graphs without problems, and still give an answer for others. A `finally` step runs after every ordinary
//! step, without naming one. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::validate::problem::{Problem, Problems, did_you_mean};

/// A step, as far as the graph goes.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// The step's id.
    pub id: &'a str,
    /// The ids of the steps that it waits for.
    pub dependencies: &'a [String],
    /// Whether it runs at any end of the run, after all ordinary steps.
    pub finally: bool,
}

/// Returns everything that is wrong with a graph: ids that are used twice, dependencies that are unknown,
/// listed twice or not allowed, and for each group of steps that wait for each other one shortest cycle. In
/// the order of the spec, cycles last.
#[must_use]
pub(super) fn check(nodes: &[Node<'_>]) -> Problems {
    let mut problems = Problems::default();
    let index = index_of(nodes);
    for (at, node) in nodes.iter().enumerate() {
        check_id(nodes, &index, at, &mut problems);
        for position in 0..node.dependencies.len() {
            let problem = check_dependency(nodes, &index, (at, position));
            problems.0.extend(problem);
        }
    }
    for cycle in cycles(&edges(nodes, &index)) {
        problems.push(cycle_problem(nodes, &index, &cycle));
    }
    problems
}

fn check_id(nodes: &[Node<'_>], index: &HashMap<&str, usize>, at: usize, problems: &mut Problems) {
    let id = nodes[at].id;
    let first = index.get(id).copied().unwrap_or(at);
    if first != at {
        let message = format!("step `{id}` is there already, as `spec.steps[{first}]`");
        problems.push(Problem::new(format!("spec.steps[{at}].id"), message));
    }
}

/// Returns what is wrong with one dependency, given by its step and its position.
fn check_dependency(
    nodes: &[Node<'_>],
    index: &HashMap<&str, usize>,
    (at, position): (usize, usize),
) -> Option<Problem> {
    let node = &nodes[at];
    let name = node.dependencies[position].as_str();
    let problem = |message| Problem::new(dependency_path(at, position), message);
    if node.dependencies[..position].iter().any(|before| before == name) {
        return Some(problem(format!("step `{name}` is listed twice")));
    }
    if name == node.id {
        return Some(problem(format!("step `{name}` waits for itself")));
    }
    let Some(other) = index.get(name).map(|other| &nodes[*other]) else {
        let is_fit = |(other, step): &(usize, &Node<'_>)| {
            step.id != node.id && step.finally == node.finally && index.get(step.id) == Some(other)
        };
        let known = nodes.iter().enumerate().filter(is_fit);
        let hint = did_you_mean(name, known.map(|(_, step)| step.id));
        return Some(problem(format!("there is no step `{name}`")).hint_if(hint));
    };
    match (node.finally, other.finally) {
        (false, true) => {
            let message = format!("`{name}` is a `finally` step, which runs after all others");
            Some(problem(message).hint("only `finally` steps can wait for it"))
        }
        (true, false) => {
            let message = format!(
                "a `finally` step cannot wait for `{name}`: it runs after all ordinary steps as it is"
            );
            Some(problem(message).hint("leave it out, or use `when` over its phase"))
        }
        _ => None,
    }
}

fn dependency_path(at: usize, position: usize) -> String {
    format!("spec.steps[{at}].dependencies[{position}]")
}

fn cycle_problem(nodes: &[Node<'_>], index: &HashMap<&str, usize>, cycle: &[usize]) -> Problem {
    let (first, next) = (cycle[0], cycle[1 % cycle.len()]);
    let is_next = |name: &String| index.get(name.as_str()) == Some(&next);
    let position = nodes[first].dependencies.iter().position(is_next).unwrap_or_default();
    let ids: Vec<&str> = cycle.iter().chain(&cycle[..1]).map(|at| nodes[*at].id).collect();
    let message = format!("these steps wait for each other: {}", ids.join(" -> "));
    Problem::new(dependency_path(first, position), message)
}

/// Returns the first step with each id.
fn index_of<'a>(nodes: &[Node<'a>]) -> HashMap<&'a str, usize> {
    let mut index = HashMap::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        index.entry(node.id).or_insert(at);
    }
    index
}

/// Returns what each step waits for by its dependencies, without itself, unknown steps and repetitions.
fn edges(nodes: &[Node<'_>], index: &HashMap<&str, usize>) -> Vec<Vec<usize>> {
    let of = |(at, node): (usize, &Node<'_>)| {
        let known = node.dependencies.iter().filter_map(|name| index.get(name.as_str()).copied());
        let mut seen = BTreeSet::new();
        known.filter(|other| *other != at && seen.insert(*other)).collect()
    };
    nodes.iter().enumerate().map(of).collect()
}

/// Returns one shortest cycle of each strongly connected component, beginning with its first step, ordered by that step.
fn cycles(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let pairs = edges.iter().enumerate();
    let pairs = pairs.flat_map(|(from, targets)| targets.iter().map(move |to| (from, *to)));
    let mut graph = DiGraph::<(), (), usize>::default();
    for _ in edges {
        graph.add_node(());
    }
    graph.extend_with_edges(pairs);
    let components = kosaraju_scc(&graph).into_iter().filter(|component| component.len() > 1);
    let mut cycles: Vec<Vec<usize>> = components
        .filter_map(|component| {
            let mut members: Vec<usize> = component.into_iter().map(NodeIndex::index).collect();
            members.sort_unstable();
            shortest_cycle(edges, &members)
        })
        .collect();
    cycles.sort_unstable();
    cycles
}

/// Returns a shortest cycle among the members of a component; of several the one with the earliest first step.
fn shortest_cycle(edges: &[Vec<usize>], members: &[usize]) -> Option<Vec<usize>> {
    let mut shortest: Option<Vec<usize>> = None;
    for &start in members {
        let bound = shortest.as_ref().map_or(usize::MAX, Vec::len);
        if let Some(cycle) = cycle_through(edges, members, (start, bound)) {
            shortest = Some(cycle);
        }
    }
    let mut cycle = shortest?;
    let first = cycle.iter().enumerate().min_by_key(|(_, node)| **node).map(|(at, _)| at)?;
    cycle.rotate_left(first);
    Some(cycle)
}

/// Returns a shortest cycle through a member, if it has fewer steps than the bound.
fn cycle_through(
    edges: &[Vec<usize>],
    members: &[usize],
    (start, bound): (usize, usize),
) -> Option<Vec<usize>> {
    let mut before: HashMap<usize, (usize, usize)> = HashMap::from([(start, (start, 1))]);
    let mut waiting = VecDeque::from([start]);
    while let Some(node) = waiting.pop_front() {
        let length = before.get(&node).map_or(bound, |(_, length)| *length);
        if length >= bound {
            return None;
        }
        for &next in &edges[node] {
            if next == start {
                let step = |node: &usize| before.get(node).map(|(node, _)| *node);
                let mut cycle: Vec<usize> =
                    std::iter::successors(Some(node), step).take(length).collect();
                cycle.reverse();
                return Some(cycle);
            }
            if members.binary_search(&next).is_ok() && !before.contains_key(&next) {
                before.insert(next, (node, length + 1));
                waiting.push_back(next);
            }
        }
    }
    None
}

/// For each step, a set of steps that come before it: by [`ancestors`], all that are settled before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ancestors {
    /// A row of bits for each step.
    rows: Vec<Vec<u64>>,
}

impl Ancestors {
    /// Returns a graph of so many steps of which none comes before another.
    #[must_use]
    pub(super) fn none(count: usize) -> Self {
        Self { rows: vec![vec![0; count.div_ceil(64)]; count] }
    }

    /// Returns whether one step, by its index, is settled before another begins.
    #[must_use]
    pub(super) fn is_before(&self, ancestor: usize, node: usize) -> bool {
        let word = self.rows.get(node).and_then(|row| row.get(ancestor / 64));
        word.is_some_and(|word| word >> (ancestor % 64) & 1 == 1)
    }

    /// Returns the indexes of all steps that are settled before a step begins, in the order of the spec.
    pub(super) fn of(&self, node: usize) -> impl Iterator<Item = usize> {
        (0..self.rows.len()).filter(move |other| self.is_before(*other, node))
    }

    /// Adds a step and its ancestors to those of another; returns whether that changed anything.
    pub(super) fn add(&mut self, ancestor: usize, node: usize) -> bool {
        let mut added = self.rows[ancestor].clone();
        added[ancestor / 64] |= 1 << (ancestor % 64);
        let mut has_changed = false;
        for (word, bits) in self.rows[node].iter_mut().zip(added) {
            has_changed |= *word | bits != *word;
            *word |= bits;
        }
        has_changed
    }
}

/// Returns which steps are settled before which: those a step waits for, directly or not, and for a `finally` step
/// every ordinary one. A step of a cycle is its own ancestor.
#[must_use]
pub(super) fn ancestors(nodes: &[Node<'_>]) -> Ancestors {
    let mut edges = edges(nodes, &index_of(nodes));
    for (at, _) in nodes.iter().enumerate().filter(|(_, node)| node.finally) {
        let ordinary = nodes.iter().enumerate().filter(|(_, node)| !node.finally);
        edges[at].extend(ordinary.map(|(other, _)| other));
    }
    let order = order(nodes);
    let mut ancestors = Ancestors::none(nodes.len());
    // One round settles a graph without cycles; the next one sees it.
    loop {
        let mut has_changed = false;
        for &node in &order {
            for &other in &edges[node] {
                has_changed |= ancestors.add(other, node);
            }
        }
        if !has_changed {
            return ancestors;
        }
    }
}

/// Returns the indexes of all steps so that each comes after those it waits for, `finally` steps last, and otherwise
/// in the order of the spec. Steps of a cycle, and those behind one, come at the end.
#[must_use]
pub fn order(nodes: &[Node<'_>]) -> Vec<usize> {
    let edges = edges(nodes, &index_of(nodes));
    let mut open: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); nodes.len()];
    for (node, targets) in edges.iter().enumerate() {
        for &target in targets {
            dependents[target].push(node);
        }
    }
    let rank = |node: usize| Reverse((nodes[node].finally, node));
    let mut ready: BinaryHeap<_> =
        (0..nodes.len()).filter(|node| open[*node] == 0).map(rank).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse((_, node))) = ready.pop() {
        order.push(node);
        for &dependent in &dependents[node] {
            open[dependent] -= 1;
            if open[dependent] == 0 {
                ready.push(rank(dependent));
            }
        }
    }
    order.extend((0..nodes.len()).filter(|node| open[*node] > 0));
    order
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    type Steps = Vec<(String, Vec<String>, bool)>;

    fn steps(text: &str) -> Steps {
        let step = |line: &str| {
            let (id, dependencies) = line.split_once(':').expect("should have a colon");
            let dependencies = dependencies.split_whitespace().map(str::to_owned).collect();
            let finally = id.starts_with('f');
            (id.to_owned(), dependencies, finally)
        };
        text.split(',').map(str::trim).map(step).collect()
    }

    fn nodes(steps: &Steps) -> Vec<Node<'_>> {
        steps
            .iter()
            .map(|(id, dependencies, finally)| Node { id, dependencies, finally: *finally })
            .collect()
    }

    fn problems(text: &str) -> Vec<String> {
        let shown = |problem: Problem| {
            let hint = problem.hint.map_or(String::new(), |hint| format!(" ({hint})"));
            format!("{}: {}{hint}", problem.path, problem.message)
        };
        check(&nodes(&steps(text))).0.into_iter().map(shown).collect()
    }

    #[test]
    fn a_graph_that_is_well_has_no_problem() {
        assert_eq!(problems("a:, b: a, c: a b, f1:, f2: f1"), Vec::<String>::new());
        assert!(check(&[]).is_empty());
    }

    #[test]
    fn every_problem_is_told_where_it_is() {
        let found = problems("a: a, b: x a a, a: b, c: f1, f1: b");
        let expected = [
            "spec.steps[0].dependencies[0]: step `a` waits for itself",
            "spec.steps[1].dependencies[0]: there is no step `x` (known: a, c)",
            "spec.steps[1].dependencies[2]: step `a` is listed twice",
            "spec.steps[2].id: step `a` is there already, as `spec.steps[0]`",
            "spec.steps[3].dependencies[0]: `f1` is a `finally` step, which runs after all others \
             (only `finally` steps can wait for it)",
            "spec.steps[4].dependencies[0]: a `finally` step cannot wait for `b`: it runs after all \
             ordinary steps as it is (leave it out, or use `when` over its phase)",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn each_group_tells_one_shortest_cycle_at_its_first_step() {
        let found = problems("z:, c: z a d, a: b, b: c, d: c z, x: y, y: x, f1: f2, f2: f1");
        let expected = [
            "spec.steps[1].dependencies[2]: these steps wait for each other: c -> d -> c",
            "spec.steps[5].dependencies[0]: these steps wait for each other: x -> y -> x",
            "spec.steps[7].dependencies[0]: these steps wait for each other: f1 -> f2 -> f1",
        ];
        assert_eq!(found, expected);
        let three = problems("b: c, c: a, a: b");
        assert_eq!(
            three,
            ["spec.steps[0].dependencies[0]: these steps wait for each other: b -> c -> a -> b"]
        );
    }

    #[test]
    fn the_order_is_that_of_the_spec_where_dependencies_allow() {
        let order_of = |text: &str| order(&nodes(&steps(text)));
        assert_eq!(order_of("a:, b:, c:"), [0, 1, 2]);
        assert_eq!(order_of("f1:, a: c, b:, c:"), [2, 3, 1, 0]);
        assert_eq!(order_of("a: b, b: a, c: a, d:"), [3, 0, 1, 2]);
    }

    #[test]
    fn a_finally_step_comes_after_every_ordinary_one() {
        let steps = steps("a:, f1:, b: a, f2: f1, c:");
        let ancestors = ancestors(&nodes(&steps));
        assert_eq!(ancestors.of(1).collect::<Vec<_>>(), [0, 2, 4]);
        assert_eq!(ancestors.of(3).collect::<Vec<_>>(), [0, 1, 2, 4]);
        let are_unordered = |one: usize, other: usize| {
            one != other && !ancestors.is_before(one, other) && !ancestors.is_before(other, one)
        };
        assert!(are_unordered(2, 4));
        assert!(!are_unordered(0, 2) && !are_unordered(2, 2));
    }

    #[test]
    #[ignore = "measures; run in release"]
    fn five_hundred_steps_take_milliseconds() {
        for backward in [true, false] {
            let among = |at: usize| if backward { at.max(1) } else { 500 };
            let edge =
                |at: usize, edge: usize| format!("s{}", (at * 7919 + edge * 104_729) % among(at));
            let edges = |at: usize| (0..10).map(|one| edge(at, one)).collect();
            let steps: Steps = (0..500).map(|at| (format!("s{at}"), edges(at), false)).collect();
            let nodes = nodes(&steps);
            let start = Instant::now();
            let found = check(&nodes).0.len();
            let checked = start.elapsed();
            let ancestors = ancestors(&nodes);
            println!("check {checked:?} ({found}), with ancestors {:?}", start.elapsed());
            assert!(ancestors.is_before(0, 499));
        }
    }

    /// Returns which steps lead to which, by the plainest closure.
    fn closure(nodes: &[Node<'_>]) -> Vec<Vec<bool>> {
        let count = nodes.len();
        let mut reach = vec![vec![false; count]; count];
        for (at, node) in nodes.iter().enumerate() {
            for (other, target) in nodes.iter().enumerate() {
                reach[at][other] = at != other
                    && node.dependencies.iter().any(|name| name == target.id)
                    || node.finally && !target.finally;
            }
        }
        for middle in 0..count {
            for from in 0..count {
                for to in 0..count {
                    reach[from][to] |= reach[from][middle] && reach[middle][to];
                }
            }
        }
        reach
    }

    fn has_cycle(nodes: &[Node<'_>], at: usize, path: &mut Vec<usize>) -> bool {
        if path.contains(&at) {
            return true;
        }
        path.push(at);
        let targets: Vec<usize> = (0..nodes.len())
            .filter(|other| {
                *other != at && nodes[at].dependencies.iter().any(|name| name == nodes[*other].id)
            })
            .collect();
        let found = targets.into_iter().any(|target| has_cycle(nodes, target, path));
        path.pop();
        found
    }

    fn graphs() -> impl Strategy<Value = Steps> {
        let step = (prop::collection::vec(0_usize..8, 0..4), prop::bool::weighted(0.2));
        prop::collection::vec(step, 0..8).prop_map(|steps| {
            let id = |at: usize| format!("s{at}");
            steps
                .into_iter()
                .enumerate()
                .map(|(at, (edges, finally))| {
                    (id(at), edges.into_iter().map(id).collect(), finally)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_cycle_is_told_if_and_only_if_there_is_one(steps in graphs()) {
            let nodes = nodes(&steps);
            let is_cycle = |problem: &Problem| problem.message.contains(" -> ");
            let told = check(&nodes).0.iter().any(is_cycle);
            let expected = (0..nodes.len()).any(|at| has_cycle(&nodes, at, &mut Vec::new()));
            prop_assert_eq!(told, expected);
        }

        #[test]
        fn ancestors_are_those_of_the_plain_closure(steps in graphs()) {
            let nodes = nodes(&steps);
            let (ancestors, reach) = (ancestors(&nodes), closure(&nodes));
            for (at, row) in reach.iter().enumerate() {
                let expected: Vec<usize> = (0..nodes.len()).filter(|other| row[*other]).collect();
                prop_assert_eq!(ancestors.of(at).collect::<Vec<_>>(), expected);
            }
        }

        #[test]
        fn the_order_has_every_step_after_those_it_waits_for(steps in graphs()) {
            let nodes = nodes(&steps);
            let order = order(&nodes);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..nodes.len()).collect::<Vec<_>>());
            if check(&nodes).is_empty() {
                let place = |node: usize| order.iter().position(|one| *one == node);
                let ancestors = ancestors(&nodes);
                for node in 0..nodes.len() {
                    prop_assert!(ancestors.of(node).all(|before| place(before) < place(node)));
                }
            }
        }
    }
}
