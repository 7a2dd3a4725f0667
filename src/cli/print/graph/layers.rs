//! The layer of each step: one more than the deepest step that it waits for; finally steps below all others.

use std::collections::BTreeSet;

use super::steps::Steps;

/// The layers of the steps.
#[derive(Debug)]
pub(super) struct Layers {
    /// The layer of each step, from 0.
    pub(super) of: Vec<usize>,
    /// The number of layers.
    pub(super) count: usize,
    /// The first layer of finally steps that has other steps above it.
    pub(super) finally: Option<usize>,
}

impl Layers {
    /// Returns the layers of steps, with a dependency that closes a cycle turned round.
    pub(super) fn of(steps: &Steps) -> Self {
        let order = in_order(steps);
        let mut position = vec![0; order.len()];
        for (at, step) in order.iter().enumerate() {
            position[*step] = at;
        }
        let mut below = vec![Vec::new(); order.len()];
        for (from, to) in steps.edges().filter(|(from, to)| from != to) {
            let is_forward = position[from] < position[to];
            let (upper, lower) = if is_forward { (from, to) } else { (to, from) };
            below[upper].push(lower);
        }
        let has_others = steps.0.iter().any(|step| !step.finally);
        let mut of = vec![0; order.len()];
        let mut depth = 0;
        let mut finally = None;
        for upper in order {
            if steps.0[upper].finally && has_others {
                let first = *finally.get_or_insert(depth);
                of[upper] = of[upper].max(first);
            }
            depth = depth.max(of[upper] + 1);
            for lower in &below[upper] {
                of[*lower] = of[*lower].max(of[upper] + 1);
            }
        }
        Self { of, count: depth, finally }
    }

    /// Returns whether a dependency runs upwards or within a layer: it closes a cycle, or a step waits for a finally
    /// step.
    pub(super) fn has_backward(&self, steps: &Steps) -> bool {
        steps.edges().any(|(from, to)| self.of[from] >= self.of[to])
    }
}

/// Returns the steps so that each stands after what it waits for, finally steps last; a cycle is entered at its first
/// step.
fn in_order(steps: &Steps) -> Vec<usize> {
    let mut order = Vec::with_capacity(steps.0.len());
    for finally in [false, true] {
        let is_here = |step: usize| steps.0[step].finally == finally;
        let mut remaining: BTreeSet<usize> =
            (0..steps.0.len()).filter(|step| is_here(*step)).collect();
        let mut waits = vec![0_usize; steps.0.len()];
        let mut below = vec![Vec::new(); steps.0.len()];
        for (from, to) in steps.edges().filter(|(from, to)| is_here(*from) && is_here(*to)) {
            waits[to] += 1;
            below[from].push(to);
        }
        let mut ready: BTreeSet<usize> =
            remaining.iter().copied().filter(|step| waits[*step] == 0).collect();
        while let Some(step) = ready.pop_first().or_else(|| remaining.first().copied()) {
            remaining.remove(&step);
            order.push(step);
            for lower in &below[step] {
                waits[*lower] = waits[*lower].saturating_sub(1);
                if waits[*lower] == 0 && remaining.contains(lower) {
                    ready.insert(*lower);
                }
            }
        }
    }
    order
}
