//! Steps with `forEach`: which items begin, what became of those that are begun, and how the step ends.

use serde_json::Value;

use super::child::{SAID, line_of, settle};
use super::observation::{ChildKey, ChildSight, Children};
use super::pass::{Move, Pass};
use super::step::{decided, refused};
use crate::api::conditions::Reason;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{
    ForEach, ItemOutcome, ItemsStatus, MOST_ITEMS, Phase, StepPhase, StepStatus,
};
use crate::plan::failure::cut;
use crate::validate::{Scope, StepOutcome, resolve};

/// What becomes of an item that is next.
pub(super) enum ItemMove {
    /// It does not run.
    Skip,
    /// It fails without a run.
    Fail(Reason, String),
    /// Its run is to be created.
    Create(Box<Resource>),
}

/// Returns the line of a step whose items are seen so.
pub(super) fn seen_items(line: &StepStatus, seen: &Children, now: jiff::Timestamp) -> StepStatus {
    let mut line = line.clone();
    let Some(mut items) = line.items.take() else { return line };
    items.open = std::mem::take(&mut items.open)
        .into_iter()
        .filter(|open| {
            let ended = match seen.get(&ChildKey::of_item(&line.id, open.index)) {
                None => return true,
                Some(ChildSight::Gone) => {
                    let mut gone = StepStatus::default();
                    let message =
                        format!("its run `{}` was deleted before it had ended", open.name);
                    settle(&mut gone, StepPhase::Failed, (Reason::ChildGone, &message), now);
                    gone
                }
                Some(ChildSight::Found(child)) => {
                    items.truncated |= child.truncated;
                    line_of(&StepStatus::default(), child, now)
                }
            };
            if !ended.phase.is_settled() {
                return true;
            }
            note_end(&mut line, &mut items.outcomes.0, open.index, &ended);
            false
        })
        .collect();
    line.items = Some(items);
    line
}

/// Notes how the run of an item has ended, given as the line of a step with that run alone.
fn note_end(line: &mut StepStatus, outcomes: &mut [ItemOutcome], index: u32, ended: &StepStatus) {
    let outcome = match ended.phase {
        StepPhase::Succeeded => ItemOutcome::Succeeded,
        StepPhase::Cancelled => ItemOutcome::Cancelled,
        _ => ItemOutcome::Failed,
    };
    line.attempts = Some(line.attempts.unwrap_or_default() + ended.attempts.unwrap_or_default());
    if outcome == ItemOutcome::Succeeded {
        line.rows = line.rows.zip(ended.rows).map(|(all, more)| all.saturating_add(more));
    } else {
        let why = ended.message.as_deref().unwrap_or(ended.phase.as_str());
        note_failure((line, outcomes), index, ended.reason.unwrap_or(Reason::StepFailed), why);
    }
    let place = usize::try_from(index).ok().and_then(|index| outcomes.get_mut(index));
    if let Some(place) = place {
        *place = outcome;
    }
}

/// Lets an item fail whose run could not be made.
pub fn fail_item(line: &mut StepStatus, index: u32, (reason, why): (Reason, &str)) {
    let Some(mut items) = line.items.take() else { return };
    note_failure((line, &items.outcomes.0), index, reason, why);
    let place = usize::try_from(index).ok();
    if let Some(outcome) = place.and_then(|at| items.outcomes.0.get_mut(at)) {
        *outcome = ItemOutcome::Failed;
    }
    line.items = Some(items);
}

/// Keeps why the first item failed: the first in the list, whichever failed first.
fn note_failure(
    (line, outcomes): (&mut StepStatus, &[ItemOutcome]),
    index: u32,
    reason: Reason,
    why: &str,
) {
    let before = outcomes.iter().take(usize::try_from(index).unwrap_or(usize::MAX));
    let has_failed =
        |one: &ItemOutcome| matches!(one, ItemOutcome::Failed | ItemOutcome::Cancelled);
    if line.message.is_none() || !before.into_iter().any(has_failed) {
        line.reason = Some(reason);
        line.message = Some(cut(&format!("item {index}: {why}"), SAID));
    }
}

/// Returns what references and conditions can look up of a step with items. Its result has one place for each item, with null
/// for one that did not succeed; `seen` has the runs of the others where the result is asked for.
pub(super) fn outcome_of_items(
    line: &StepStatus,
    items: &ItemsStatus,
    seen: Option<&Children>,
) -> Option<StepOutcome> {
    let mut outcome = super::child::outcome_of(line, None);
    (outcome.truncated, outcome.pruned) = (items.truncated, false);
    let is_whole = items.launched == items.total && items.open.is_empty();
    let Some(seen) = seen.filter(|_| is_whole) else { return Some(outcome) };
    let mut results = Vec::new();
    for (index, one) in (0_u32..).zip(&items.outcomes.0) {
        if *one != ItemOutcome::Succeeded {
            results.push(Value::Null);
            continue;
        }
        let sight = seen.get(&ChildKey::of_item(&line.id, index))?;
        let child = match sight {
            ChildSight::Found(child) => Some(child),
            ChildSight::Gone => None,
        };
        outcome.pruned |= child.is_none_or(|child| child.pruned);
        outcome.truncated |= child.is_some_and(|child| child.truncated);
        results.push(child.and_then(|child| child.result.clone()).unwrap_or_default());
    }
    outcome.result = Some(Value::Array(results));
    Some(outcome)
}

impl Pass<'_> {
    /// Begins items of a step, as many as may work.
    pub(super) fn items(&self, index: usize, for_each: &ForEach, mut scope: Scope) -> Move {
        let mut line = self.lines[index].clone();
        let list = match list_of(&line, for_each, &scope) {
            Ok(list) => list,
            Err((reason, message)) => {
                let is_open = line.items.as_ref().is_some_and(|items| !items.open.is_empty());
                // What works is waited for.
                let failed = Move::Settle(StepPhase::Failed, reason, message);
                return if is_open { Move::Stay } else { failed };
            }
        };
        let mut items = line.items.take().unwrap_or_else(|| {
            line.rows = Some(0);
            line.started_at = Some(self.now);
            let total = u32::try_from(list.len()).unwrap_or(u32::MAX);
            ItemsStatus { total, ..ItemsStatus::default() }
        });
        line.phase = StepPhase::Running;
        let mut create = Vec::new();
        let next = usize::try_from(items.launched).unwrap_or(usize::MAX);
        for (item, value) in (items.launched..).zip(list.into_iter().skip(next)) {
            let working = items.open.len() + create.len();
            let most = usize::try_from(for_each.parallelism).unwrap_or(1);
            if working >= most || self.is_full(create.len()) {
                break;
            }
            scope.item = Some(value);
            items.outcomes.0.push(match self.item(index, item, &scope) {
                ItemMove::Skip => ItemOutcome::Skipped,
                ItemMove::Fail(reason, message) => {
                    note_failure((&mut line, &items.outcomes.0), item, reason, &message);
                    ItemOutcome::Failed
                }
                ItemMove::Create(run) => {
                    create.push((item, *run));
                    ItemOutcome::Open
                }
            });
            items.launched = item + 1;
        }
        if items.launched == items.total && items.open.is_empty() && create.is_empty() {
            finish(&mut line, &items, self.now);
        }
        line.items = Some(items);
        Move::Items(Box::new(line), create)
    }

    /// Whether every item of a step is begun.
    pub(super) fn are_all_launched(&self, index: usize) -> bool {
        self.lines[index].items.as_ref().is_some_and(|items| items.launched == items.total)
    }

    /// Decides a step of which no more items begin now: it ends with the last that works.
    pub(super) fn await_items(&self, index: usize) -> Move {
        let mut line = self.lines[index].clone();
        let Some(items) = line.items.clone() else { return Move::Stay };
        if items.launched == items.total && items.open.is_empty() {
            finish(&mut line, &items, self.now);
        } else {
            let is_unknown = self.is_unknown(&line, &items);
            line.phase = if is_unknown { StepPhase::Unknown } else { StepPhase::Running };
        }
        Move::Items(Box::new(line), Vec::new())
    }

    /// Decides the item that is next.
    fn item(&self, index: usize, item: u32, scope: &Scope) -> ItemMove {
        let step = &self.spec.steps[index];
        match decided(step, scope) {
            Some((StepPhase::Skipped, ..)) => return ItemMove::Skip,
            Some((_, reason, message)) => return ItemMove::Fail(reason, message),
            None => {}
        }
        match self.child(index, Some(item), scope) {
            Ok(run) => ItemMove::Create(Box::new(run)),
            Err((reason, message)) => ItemMove::Fail(reason, message),
        }
    }

    /// Whether a person has to say of every item at work what became of it.
    fn is_unknown(&self, line: &StepStatus, items: &ItemsStatus) -> bool {
        let is_unknown = |index| match self.seen.children.get(&ChildKey::of_item(&line.id, index)) {
            Some(ChildSight::Found(child)) => child.phase == Phase::Unknown,
            _ => false,
        };
        !items.open.is_empty() && items.open.iter().all(|open| is_unknown(open.index))
    }

    /// Decides a step with items when no more may begin: what works is waited for.
    pub(super) fn stop_items(&self, index: usize, (reason, why): (Reason, &str)) -> Move {
        let mut line = self.lines[index].clone();
        let Some(items) = line.items.clone().filter(|items| items.open.is_empty()) else {
            return Move::Stay;
        };
        if items.launched == items.total || failures(&items) > 0 {
            finish(&mut line, &items, self.now);
        } else {
            let message = format!("{why}; {} of {} items were begun", items.launched, items.total);
            settle(&mut line, StepPhase::Cancelled, (reason, &message), self.now);
        }
        Move::Items(Box::new(line), Vec::new())
    }
}

/// Returns the items of a step.
fn list_of(
    line: &StepStatus,
    for_each: &ForEach,
    scope: &Scope,
) -> Result<Vec<Value>, (Reason, String)> {
    let wrong = |message: String| Err((Reason::ReferenceError, message));
    let list = match resolve(&for_each.items, scope) {
        Ok(Value::Array(list)) => list,
        Ok(_) => return wrong("its `forEach.items` is no list".to_owned()),
        Err(unresolved) => return Err(refused(&unresolved)),
    };
    let total = line.items.as_ref().and_then(|items| usize::try_from(items.total).ok());
    match total {
        _ if list.len() > MOST_ITEMS => {
            wrong(format!("it has {} items, and at most {MOST_ITEMS} can be run", list.len()))
        }
        Some(total) if total != list.len() => {
            wrong(format!("its list had {total} items when it began, and has {} now", list.len()))
        }
        _ => Ok(list),
    }
}

/// Returns how many items failed or were cancelled.
pub(super) fn failures(items: &ItemsStatus) -> usize {
    items.count(ItemOutcome::Failed) + items.count(ItemOutcome::Cancelled)
}

/// Ends a step none of whose items works any more.
fn finish(line: &mut StepStatus, items: &ItemsStatus, now: jiff::Timestamp) {
    let failed = failures(items);
    if failed == 0 {
        let message = String::new();
        settle(line, StepPhase::Succeeded, (Reason::Completed, &message), now);
        line.message = None;
        return;
    }
    let first = line.message.take().unwrap_or_default();
    let message = format!("{failed} of {} items did not succeed; {first}", items.total);
    let reason = line.reason.unwrap_or(Reason::StepFailed);
    settle(line, StepPhase::Failed, (reason, &message), now);
}
