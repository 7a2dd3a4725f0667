//! What stands in each layer, in an order with few crossings.
//!
//! All dependencies that leave one step are one net: they share a line as long as they run together, so a net takes one
//! place in each layer that it passes. Order comes from barycenter sweeps; the best one that was seen is taken.
//!
//! # Source
//! Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", 1981.

use std::collections::BTreeMap;

use super::layers::Layers;
use super::steps::Steps;

/// The number of sweeps, down and up in turn.
const SWEEPS: usize = 8;

/// The dependencies that leave one step downwards, or that were turned round to do so.
#[derive(Debug)]
pub(super) struct Net {
    /// The step at its top.
    pub(super) step: usize,
    /// Whether its arrows point upwards, to the step.
    pub(super) is_backward: bool,
}

/// What takes a place in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// A step.
    Step(usize),
    /// A net that passes.
    Bend(usize),
}

/// A part of a net from one layer to the next, between indices of items.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) net: usize,
    pub(super) top: usize,
    pub(super) bottom: usize,
}

/// The items of all layers and how they are linked.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) nets: Vec<Net>,
    /// The items, the steps first.
    pub(super) items: Vec<Item>,
    /// The indices of the items of each layer, from the left.
    pub(super) rows: Vec<Vec<usize>>,
    /// The links from each layer to the next; none from the last.
    pub(super) gaps: Vec<Vec<Link>>,
    /// The links that end at each item.
    pub(super) above: Vec<Vec<Link>>,
    /// The links that begin at each item.
    pub(super) below: Vec<Vec<Link>>,
}

impl Order {
    /// Returns the items of the layers in a good order.
    pub(super) fn of(steps: &Steps, layers: &Layers) -> Self {
        let mut order = Self::unordered(steps, layers);
        let mut best = (order.crossings(), order.rows.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            order.sweep(sweep % 2 == 0);
            let crossings = order.crossings();
            if crossings < best.0 {
                best = (crossings, order.rows.clone());
            }
        }
        order.rows = best.1;
        order
    }

    fn unordered(steps: &Steps, layers: &Layers) -> Self {
        let mut rows = vec![Vec::new(); layers.count];
        for (step, layer) in layers.of.iter().enumerate() {
            rows[*layer].push(step);
        }
        let items: Vec<Item> = (0..steps.0.len()).map(Item::Step).collect();
        let mut order = Self {
            nets: Vec::new(),
            above: vec![Vec::new(); items.len()],
            below: vec![Vec::new(); items.len()],
            items,
            rows,
            gaps: vec![Vec::new(); layers.count],
        };
        for ((step, is_backward), mut ends) in nets_of(steps, layers) {
            ends.sort_by_key(|end| (layers.of[*end], *end));
            order.nets.push(Net { step, is_backward });
            order.add_net(step, &ends, layers);
        }
        order
    }

    /// Links a net from its step to its ends, which are sorted by layer.
    fn add_net(&mut self, step: usize, ends: &[usize], layers: &Layers) {
        let net = self.nets.len() - 1;
        let mut top = step;
        let mut layer = layers.of[step];
        for end in ends {
            while layer + 1 < layers.of[*end] {
                layer += 1;
                let bend = self.items.len();
                self.items.push(Item::Bend(net));
                self.above.push(Vec::new());
                self.below.push(Vec::new());
                self.rows[layer].push(bend);
                self.link(layer - 1, Link { net, top, bottom: bend });
                top = bend;
            }
            self.link(layer, Link { net, top, bottom: *end });
        }
    }

    fn link(&mut self, gap: usize, link: Link) {
        self.gaps[gap].push(link);
        self.above[link.bottom].push(link);
        self.below[link.top].push(link);
    }

    /// Orders each layer by the mean place of what each item is linked to in the layer before.
    fn sweep(&mut self, is_down: bool) {
        let mut place = self.places();
        let count = self.rows.len();
        for at in 1..count {
            let layer = if is_down { at } else { count - 1 - at };
            let mean = |item: usize| {
                let places: Vec<usize> = if is_down {
                    self.above[item].iter().map(|link| place[link.top]).collect()
                } else {
                    self.below[item].iter().map(|link| place[link.bottom]).collect()
                };
                // Places are compared on one scale, in thousandths.
                places.iter().sum::<usize>() * 1_000 / places.len().max(1)
            };
            let mut keyed: Vec<(usize, usize)> =
                self.rows[layer].iter().map(|item| (mean(*item), *item)).collect();
            keyed.sort_by_key(|(mean, item)| (*mean, place[*item]));
            self.rows[layer] = keyed.into_iter().map(|(_, item)| item).collect();
            for (at, item) in self.rows[layer].iter().enumerate() {
                place[*item] = at;
            }
        }
    }

    /// Returns the place of each item in its layer.
    fn places(&self) -> Vec<usize> {
        let mut place = vec![0; self.items.len()];
        for row in &self.rows {
            for (at, item) in row.iter().enumerate() {
                place[*item] = at;
            }
        }
        place
    }

    /// Returns how often links cross, counted as straight lines.
    fn crossings(&self) -> usize {
        let place = self.places();
        self.gaps
            .iter()
            .enumerate()
            .map(|(gap, links)| {
                let size = self.rows.get(gap + 1).map_or(0, Vec::len);
                let mut ends: Vec<(usize, usize)> =
                    links.iter().map(|link| (place[link.top], place[link.bottom])).collect();
                ends.sort_unstable();
                inversions(ends.iter().map(|(_, bottom)| *bottom), size)
            })
            .sum()
    }
}

/// Returns the ends of each net, by its step and whether its arrows point upwards.
fn nets_of(steps: &Steps, layers: &Layers) -> BTreeMap<(usize, bool), Vec<usize>> {
    let mut nets: BTreeMap<(usize, bool), Vec<usize>> = BTreeMap::new();
    for (from, to) in steps.edges() {
        match layers.of[from].cmp(&layers.of[to]) {
            std::cmp::Ordering::Less => nets.entry((from, false)).or_default().push(to),
            std::cmp::Ordering::Greater => nets.entry((to, true)).or_default().push(from),
            // Only a step that waits for itself is in the layer of what it waits for; it has no line.
            std::cmp::Ordering::Equal => {}
        }
    }
    nets
}

/// Returns how many pairs of numbers below `size` stand in falling order, with a Fenwick tree.
fn inversions(numbers: impl Iterator<Item = usize>, size: usize) -> usize {
    let mut tree = vec![0_usize; size + 1];
    let mut total = 0;
    for (seen, number) in numbers.enumerate() {
        let mut not_greater = 0;
        let mut at = number + 1;
        while at > 0 {
            not_greater += tree[at];
            at &= at - 1;
        }
        total += seen - not_greater;
        at = number + 1;
        while at <= size {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::inversions;

    #[test]
    fn inversions_are_the_pairs_in_falling_order() {
        assert_eq!(inversions([0, 1, 2].into_iter(), 3), 0);
        assert_eq!(inversions([2, 1, 0].into_iter(), 3), 3);
        assert_eq!(inversions([1, 1, 0].into_iter(), 2), 2);
    }
}
