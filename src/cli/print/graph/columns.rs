//! The column of each item: near what it is linked to, never on top of its neighbours.

use super::order::{Item, Order};

/// Rounds of a pass down and a pass up.
const ROUNDS: usize = 4;
/// Blank columns between two boxes, and beside a line.
const BETWEEN_BOXES: i64 = 3;
const BESIDE_LINE: i64 = 2;

/// Returns the middle column of each item; `halves` is what each takes to either side of it.
pub(super) fn columns(order: &Order, halves: &[i64]) -> Vec<i64> {
    let mut middle = vec![0; order.items.len()];
    for row in &order.rows {
        let offsets = offsets(order, row, halves);
        let shift = offsets.last().copied().unwrap_or_default() / 2;
        for (item, offset) in row.iter().zip(offsets) {
            middle[*item] = offset - shift;
        }
    }
    for _ in 0..ROUNDS {
        for layer in 0..order.rows.len() {
            place(order, layer, halves, &mut middle, (true, false));
        }
        for layer in (0..order.rows.len()).rev() {
            place(order, layer, halves, &mut middle, (false, true));
        }
    }
    for layer in 0..order.rows.len() {
        place(order, layer, halves, &mut middle, (true, true));
    }
    middle
}

/// Places the items of a layer as near as their distances allow to the mean of what is above, below or both.
fn place(order: &Order, layer: usize, halves: &[i64], middle: &mut [i64], sides: (bool, bool)) {
    let row = &order.rows[layer];
    let offsets = offsets(order, row, halves);
    let wishes: Vec<(i64, i64)> = row
        .iter()
        .zip(&offsets)
        .map(|(item, offset)| {
            let (wish, weight) = wish(order, *item, middle, sides);
            (wish - offset, weight)
        })
        .collect();
    for ((item, offset), column) in row.iter().zip(&offsets).zip(rising(&wishes)) {
        middle[*item] = column + offset;
    }
}

/// Returns the column that an item is best in, and how much that matters: a line that passes two layers stays straight
/// before all else.
fn wish(order: &Order, item: usize, middle: &[i64], (above, below): (bool, bool)) -> (i64, i64) {
    let mut ends = Vec::new();
    if above {
        ends.extend(order.above[item].iter().map(|link| link.top));
    }
    if below {
        ends.extend(order.below[item].iter().map(|link| link.bottom));
    }
    let is_bend = |item: usize| matches!(order.items[item], Item::Bend(_));
    if let Some(end) = ends.iter().copied().find(|end| is_bend(item) && is_bend(*end)) {
        return (middle[end], 64);
    }
    let columns: Vec<i64> = ends.iter().map(|end| middle[*end]).collect();
    let weight = if is_bend(item) { 8 } else { 4 };
    mean(&columns).map_or((middle[item], 1), |wish| (wish, weight))
}

fn mean(numbers: &[i64]) -> Option<i64> {
    let count = i64::try_from(numbers.len()).ok().filter(|count| *count > 0)?;
    Some((2 * numbers.iter().sum::<i64>() + count).div_euclid(2 * count))
}

/// Returns the least distance of the middle of each item of a row from the middle of the first.
fn offsets(order: &Order, row: &[usize], halves: &[i64]) -> Vec<i64> {
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0;
    for (at, item) in row.iter().enumerate() {
        if let Some(left) = at.checked_sub(1).map(|left| row[left]) {
            let is_box = |item: usize| matches!(order.items[item], Item::Step(_));
            let between = if is_box(left) && is_box(*item) { BETWEEN_BOXES } else { BESIDE_LINE };
            offset += halves[left] + 1 + between + halves[*item];
        }
        offsets.push(offset);
    }
    offsets
}

/// Returns numbers that never fall, with the least weighted squares of distances from the (wish, weight) pairs: pool
/// adjacent violators.
fn rising(wishes: &[(i64, i64)]) -> Vec<i64> {
    let mut pools: Vec<(i64, i64, usize)> = Vec::new();
    for (wish, weight) in wishes {
        let mut pool = (wish * weight, *weight, 1);
        while let Some((sum, weight, count)) =
            pools.pop_if(|(sum, weight, _)| *sum * pool.1 > pool.0 * *weight)
        {
            pool = (pool.0 + sum, pool.1 + weight, pool.2 + count);
        }
        pools.push(pool);
    }
    let spread = |(sum, weight, count): (i64, i64, usize)| {
        std::iter::repeat_n((2 * sum + weight).div_euclid(2 * weight), count)
    };
    pools.into_iter().flat_map(spread).collect()
}

#[cfg(test)]
mod tests {
    use super::rising;

    #[test]
    fn falling_wishes_meet_at_their_weighted_mean() {
        assert_eq!(rising(&[(1, 1), (3, 1), (7, 1)]), [1, 3, 7]);
        assert_eq!(rising(&[(4, 1), (0, 3), (9, 1)]), [1, 1, 9]);
        assert_eq!(rising(&[(3, 1), (2, 1), (1, 1)]), [2, 2, 2]);
    }
}
