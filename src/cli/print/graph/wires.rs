//! The lines between two layers: where they end on the boxes, and the row on which each turns.
//!
//! A column in which one net leaves the upper layer is kept free of the ends of other nets in the lower layer, so lines
//! never lie on one another: they only cross.

use std::collections::{BTreeMap, BTreeSet};

use super::order::{Item, Link, Order};

/// Most columns that a line moves to stay straight.
const NEAR: i64 = 4;

/// The lines of one net between two layers.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) net: usize,
    /// The column in which it leaves the upper layer.
    pub(super) top: i64,
    /// The columns in which it enters the lower layer, and what is there.
    pub(super) ends: Vec<(i64, Item)>,
    /// The row of the gap on which it turns; none if it is straight.
    pub(super) track: Option<usize>,
}

/// Where the items stand: the middle of each and what it takes to either side.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) middle: Vec<i64>,
    pub(super) halves: Vec<i64>,
}

/// Returns the lines below a layer, and whether every end has a column for itself. Moves the passing lines of the layer
/// below where a column is taken.
pub(super) fn runs(order: &Order, gap: usize, places: &mut Places) -> (Vec<Run>, bool) {
    let mut runs: BTreeMap<usize, Run> = BTreeMap::new();
    for link in &order.gaps[gap] {
        let top = top_of(order, *link, places);
        runs.entry(link.net).or_insert(Run { net: link.net, top, ends: Vec::new(), track: None });
    }
    let mut taken: BTreeMap<i64, usize> = runs.values().map(|run| (run.top, run.net)).collect();
    let mut is_clear = true;
    let row = order.rows.get(gap + 1).map_or(&[][..], Vec::as_slice);
    for (at, item) in row.iter().enumerate() {
        let (least, most) = room(row, at, order.items[*item], places);
        let mut nets: Vec<(i64, usize)> =
            order.above[*item].iter().map(|link| (runs[&link.net].top, link.net)).collect();
        nets.sort_unstable();
        let wishes = wishes(&nets, order.items[*item], places.middle[*item], (least, most));
        let mut used = BTreeSet::new();
        for ((_, net), wish) in nets.into_iter().zip(wishes) {
            let is_free = |column: &i64| {
                !used.contains(column) && taken.get(column).is_none_or(|other| *other == net)
            };
            let column = nearest(wish, least, most).find(is_free);
            is_clear &= column.is_some();
            let column = column.unwrap_or(wish);
            used.insert(column);
            taken.entry(column).or_insert(net);
            if let Item::Bend(_) = order.items[*item] {
                places.middle[*item] = column;
            }
            if let Some(run) = runs.get_mut(&net) {
                run.ends.push((column, order.items[*item]));
            }
        }
    }
    let mut runs: Vec<Run> = runs.into_values().collect();
    set_tracks(&mut runs);
    (runs, is_clear)
}

/// Returns the column in which a link leaves the upper layer.
fn top_of(order: &Order, link: Link, places: &Places) -> i64 {
    let beside = i64::from(order.nets[link.net].is_backward) * 2;
    match order.items[link.top] {
        Item::Step(_) => places.middle[link.top] + beside,
        Item::Bend(_) => places.middle[link.top],
    }
}

/// Returns the columns that the ends at an item may take: inside a box, between its neighbours for a line.
fn room(row: &[usize], at: usize, item: Item, places: &Places) -> (i64, i64) {
    let middle = places.middle[row[at]];
    if let Item::Step(_) = item {
        let half = places.halves[row[at]];
        return (middle - half + 1, middle + half - 2);
    }
    let left = at.checked_sub(1).map(|left| row[left]);
    let right = row.get(at + 1).copied();
    let least = left.map_or(middle - 20, |left| places.middle[left] + places.halves[left] + 2);
    let most = right.map_or(middle + 20, |right| places.middle[right] - places.halves[right] - 2);
    (least.min(middle), most.max(middle))
}

/// Returns where the ends at an item are best: one alone near the middle, several straight below where they come from or
/// spread over the box; in the order of where they come from, so that they need not cross.
fn wishes(nets: &[(i64, usize)], item: Item, middle: i64, (least, most): (i64, i64)) -> Vec<i64> {
    let is_straight = |top: i64| (least..=most).contains(&top);
    if matches!(item, Item::Bend(_)) || nets.len() == 1 {
        let wish = |top: i64| is_straight(top) && (top - middle).abs() <= NEAR;
        return nets.iter().map(|(top, _)| if wish(*top) { *top } else { middle }).collect();
    }
    let parts = i64::try_from(nets.len() + 1).unwrap_or(i64::MAX);
    let spread: Vec<i64> =
        (1..parts).map(|part| least - 1 + (most - least + 2) * part / parts).collect();
    let straight = nets.iter().zip(&spread);
    let mut wishes: Vec<i64> =
        straight.map(|((top, _), spread)| if is_straight(*top) { *top } else { *spread }).collect();
    for at in 1..nets.len() {
        if nets[at].0 > most {
            wishes[at] = wishes[at].max(wishes[at - 1] + 2);
        }
    }
    for at in (1..nets.len()).rev() {
        if nets[at - 1].0 < least {
            wishes[at - 1] = wishes[at - 1].min(wishes[at] - 2);
        }
    }
    let rises = wishes.is_sorted_by(|left, right| left < right);
    if rises && wishes.iter().all(|wish| is_straight(*wish)) { wishes } else { spread }
}

/// Returns the columns of a range from the nearest to a wish to the farthest.
fn nearest(wish: i64, least: i64, most: i64) -> impl Iterator<Item = i64> {
    let sides = move |distance: i64| [wish - distance, wish + distance];
    let reach = (wish - least).abs().max((most - wish).abs());
    (0..=reach).flat_map(sides).filter(move |column| (least..=most).contains(column))
}

/// Gives each line that is not straight a row: those that go right from the right, then those that go left from the
/// left, each below all that it overlaps, which spares crossings.
fn set_tracks(runs: &mut [Run]) {
    let span = |run: &Run| {
        let ends = run.ends.iter().map(|(column, _)| *column);
        (ends.clone().min().unwrap_or(run.top), ends.max().unwrap_or(run.top))
    };
    let mut turning: Vec<(bool, i64, usize)> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let (first, last) = span(run);
        if (first, last) != (run.top, run.top) {
            let goes_left = first + last < 2 * run.top;
            turning.push((goes_left, if goes_left { run.top } else { -run.top }, at));
        }
    }
    turning.sort_unstable();
    let mut placed: Vec<(i64, i64, usize)> = Vec::new();
    for (_, _, at) in turning {
        let (first, last) = span(&runs[at]);
        let (first, last) = (first.min(runs[at].top), last.max(runs[at].top));
        let over = placed.iter().filter(|(from, to, _)| *from <= last + 1 && first <= *to + 1);
        let track = over.map(|(_, _, track)| track + 1).max().unwrap_or(0);
        placed.push((first, last, track));
        runs[at].track = Some(track);
    }
}
