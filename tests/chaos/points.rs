//! Which point comes next, and which runs lead to it.

use std::collections::BTreeMap;

use mason::faults::POINTS;

use crate::draw::Draw;
use crate::orders::Sort;

/// How often each point was hit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Points(BTreeMap<String, usize>);

impl Points {
    pub(crate) fn hit(&mut self, point: &str) {
        *self.0.entry(point.to_owned()).or_default() += 1;
    }

    pub(crate) fn of(&self, point: &str) -> usize {
        self.0.get(point).copied().unwrap_or_default()
    }

    /// Returns every point with how often it was hit.
    pub(crate) fn all(&self) -> Vec<(&'static str, usize)> {
        POINTS.iter().map(|point| (*point, self.of(point))).collect()
    }

    /// Returns one of the points that were hit least; after a point that makes another one possible,
    /// that one.
    pub(crate) fn next(&self, draw: &mut Draw, after: Option<&str>) -> &'static str {
        let led_to: &[&str] = match after {
            Some("launch.before-write") => &["adopt.before-write", "adopt.after-write"],
            Some("change.made" | "apply.before-write") => {
                &["settle.before-write", "settle.after-write"]
            }
            _ => &[],
        };
        let is_led_to = |point: &&&str| led_to.contains(*point);
        if let Some(point) = POINTS.iter().filter(is_led_to).min_by_key(|point| self.of(point)) {
            return point;
        }
        // A point that only another one leads to is asked for by asking for that one.
        let asked = |point: &'static str| match point.split_once('.') {
            Some(("adopt", _)) => "launch.before-write",
            Some(("settle", _)) => "apply.before-write",
            _ => point,
        };
        let least = POINTS.iter().map(|point| self.of(point)).min().unwrap_or_default();
        let few: Vec<_> = POINTS.iter().filter(|point| self.of(point) <= least + 1).collect();
        asked(few[draw.below(few.len())])
    }
}

/// Returns a sort of run that leads to a point.
pub(crate) fn sort_for(draw: &mut Draw, point: &str) -> Sort {
    let sorts: &[Sort] = match point.split_once('.').unwrap_or_default() {
        ("refuse", _) => &[Sort::Refused],
        ("cancel", _) => &[Sort::Cancelled, Sort::Late, Sort::PodCancelled, Sort::PodLate],
        ("fence" | "conclude", _) => &[
            Sort::Wrong,
            Sort::Wrong,
            Sort::Cancelled,
            Sort::Late,
            Sort::PodCancelled,
            Sort::PodLate,
        ],
        ("apply" | "settle" | "change", _) => &[Sort::Create, Sort::Declare],
        ("worker", "committed" | "executed" | "prepared" | "proven") => {
            &[Sort::Append, Sort::Replace, Sort::Merge]
        }
        ("worker" | "collect", _) | ("release", "marked") => &[Sort::Append, Sort::Declare],
        _ => &[Sort::Append, Sort::Declare, Sort::Wrong, Sort::Pod, Sort::PodCancelled],
    };
    draw.one(sorts)
}
