//! Data races: steps that can run at the same time and use one table of one config, at least one of them writing it.
//! What comes of such a run depends on which step is faster. Pure.

use std::collections::BTreeMap;

use super::stated::StatedParameters;
use super::steps::Steps;
use super::uses::{Name, Used, uses_of_step};
use crate::api::v1alpha1::{ConfigRef, WorkflowSpec};
use crate::engines::table_use::Access;
use crate::validate::problem::{Problem, Problems};
use crate::validate::valid_run::Inputs;

/// Races that are told one by one, at most.
const MOST: usize = 100;

/// Adds every race of a workflow whose graph is in order, in the order of the steps. `inputs` has what each step is
/// checked with.
pub(super) fn check(
    spec: &WorkflowSpec,
    steps: &Steps<'_>,
    inputs: &[Inputs<'_>],
    problems: &mut Problems,
) {
    let mut uses = Vec::new();
    for ((index, step), inputs) in spec.steps.iter().enumerate().zip(inputs) {
        let Some(definition) = inputs.definition else { continue };
        let config = step.config_ref.as_ref().or(spec.config_ref.as_ref());
        let found = uses_of_step(StatedParameters { step, definition }, inputs.actions);
        uses.extend(found.into_iter().map(|used| (index, config, used)));
    }
    for (index, _, used) in &uses {
        problems.extend(race_of_items(spec, *index, used));
    }
    let can_meet = |one, other| !steps.is_before(one, other) && !steps.is_before(other, one);
    let races = races(&uses, &can_meet);
    let id = |index: usize| spec.steps[index].id.as_str();
    for race in races.iter().take(MOST) {
        problems.push(race.problem(id(race.first.step), id(race.second.step)));
    }
    if let Some(race) = races.get(MOST) {
        let more = races.len() - MOST;
        let message = format!("{more} more pairs of steps can meet at one table");
        problems.push(Problem::new(race.path(), message));
    }
}

/// Returns the problem of a step whose items can write one table at the same time: its name depends on no item.
fn race_of_items(spec: &WorkflowSpec, index: usize, used: &Used) -> Option<Problem> {
    let step = &spec.steps[index];
    let for_each = step.for_each.as_ref().filter(|for_each| for_each.parallelism > 1)?;
    if used.access != Access::Write || spec.parallelism == 1 {
        return None;
    }
    if for_each.items.as_array().is_some_and(|items| items.len() < 2) {
        return None;
    }
    let whole = Use {
        step: index,
        access: used.access,
        database: &used.database,
        table: used.table.as_ref(),
    };
    let (id, place) = (&step.id, whole.place());
    let message =
        format!("the items of step `{id}` can run at the same time, and each writes {place}");
    let problem = Problem::new(format!("spec.steps[{index}].forEach"), message);
    Some(problem.hint("look the table's name up in `item`, or set `parallelism: 1` in `forEach`"))
}

/// A use of a table, or of a database as a whole, by a step.
#[derive(Debug, Clone, Copy)]
struct Use<'a> {
    /// The index of the step.
    step: usize,
    access: Access,
    database: &'a Name,
    table: Option<&'a Name>,
}

/// Two steps that can meet at a table.
#[derive(Debug, Clone, Copy)]
struct Race<'a> {
    /// That of the step which stands first in the workflow.
    first: Use<'a>,
    second: Use<'a>,
}

/// Uses of one table or database by the index of the step; of several by one step the one that writes.
type ByStep<'a> = BTreeMap<usize, Use<'a>>;

/// What the steps do with one database of one config.
#[derive(Default)]
struct OfDatabase<'a> {
    /// Uses of the database as a whole.
    whole: ByStep<'a>,
    /// Uses of each of its tables.
    tables: BTreeMap<(&'a str, bool), ByStep<'a>>,
}

/// Returns every race between uses, ordered by the second step, then the first, then the table. `can_meet` says of two
/// steps whether neither waits for the other.
fn races<'a>(
    uses: &'a [(usize, Option<&ConfigRef>, Used)],
    can_meet: &dyn Fn(usize, usize) -> bool,
) -> Vec<Race<'a>> {
    let mut found = Vec::new();
    for OfDatabase { whole, tables } in by_database(uses).values() {
        within(whole, can_meet, &mut found);
        for of_table in tables.values() {
            within(of_table, can_meet, &mut found);
        }
        // Of a database as a whole, a pair of steps is told once and not for each of its tables.
        let mut any_table = ByStep::new();
        if !whole.is_empty() {
            tables.values().flat_map(BTreeMap::values).for_each(|one| add(&mut any_table, *one));
        }
        between(whole, &any_table, can_meet, &mut found);
    }
    found.sort_by(|one, other| one.key().cmp(&other.key()));
    found.dedup_by(|one, other| one.key() == other.key());
    found
}

fn by_database<'a>(
    uses: &'a [(usize, Option<&'a ConfigRef>, Used)],
) -> BTreeMap<impl Ord + 'a, OfDatabase<'a>> {
    let mut databases: BTreeMap<_, OfDatabase<'a>> = BTreeMap::new();
    for (step, config, Used { access, database, table }) in uses {
        let config = config.map(|config| (config.name.as_str(), config.namespace.as_deref()));
        let of_database = databases.entry((config, database.key())).or_default();
        let of_thing = match table {
            Some(table) => of_database.tables.entry(table.key()).or_default(),
            None => &mut of_database.whole,
        };
        add(of_thing, Use { step: *step, access: *access, database, table: table.as_ref() });
    }
    databases
}

fn add<'a>(users: &mut ByStep<'a>, one: Use<'a>) {
    let known = users.entry(one.step).or_insert(one);
    if one.access > known.access {
        *known = one;
    }
}

/// Finds the races between the users of one thing.
fn within<'a>(
    users: &ByStep<'a>,
    can_meet: &dyn Fn(usize, usize) -> bool,
    found: &mut Vec<Race<'a>>,
) {
    for writer in users.values().filter(|one| one.writes()) {
        let others = users.values().filter(|other| !other.writes() || other.step > writer.step);
        let met =
            others.filter(|other| other.step != writer.step && can_meet(writer.step, other.step));
        found.extend(met.map(|other| Race::of(*writer, *other)));
    }
}

/// Finds the races between those that use a database as a whole and those that use tables of it.
fn between<'a>(
    whole: &ByStep<'a>,
    tables: &ByStep<'a>,
    can_meet: &dyn Fn(usize, usize) -> bool,
    found: &mut Vec<Race<'a>>,
) {
    for one in whole.values() {
        let others = tables.values().filter(|other| one.writes() || other.writes());
        let met = others.filter(|other| other.step != one.step && can_meet(one.step, other.step));
        found.extend(met.map(|other| Race::of(*one, *other)));
    }
}

impl Use<'_> {
    fn writes(&self) -> bool {
        self.access == Access::Write
    }

    /// Returns what is used, in words.
    fn place(&self) -> String {
        let database = self.database;
        match self.table {
            Some(table) => format!("table `{database}.{table}`"),
            None => format!("database `{database}`"),
        }
    }

    /// Returns what is done with it, in words.
    fn verb(&self) -> &'static str {
        match (self.writes(), self.table.is_some()) {
            (true, true) => "writes",
            (true, false) => "changes",
            (false, true) => "reads",
            (false, false) => "lists",
        }
    }
}

impl<'a> Race<'a> {
    fn of(one: Use<'a>, other: Use<'a>) -> Self {
        let (first, second) = if one.step < other.step { (one, other) } else { (other, one) };
        Self { first, second }
    }

    /// Returns what tells a race from others: both steps, and the table that both use, if it is one.
    fn key(&self) -> impl Ord + use<'a> {
        let table = self.first.table.zip(self.second.table).map(|(table, _)| table.key());
        let is_mixed = self.first.table.is_some() != self.second.table.is_some();
        (self.second.step, self.first.step, self.first.database.key(), table, is_mixed)
    }

    fn path(&self) -> String {
        format!("spec.steps[{}].dependencies", self.second.step)
    }

    /// Returns the problem, with the ids of both steps.
    fn problem(&self, first: &str, second: &str) -> Problem {
        let what = self.what(first, second);
        let message =
            format!("steps `{first}` and `{second}` can run at the same time, and {what}");
        let hint =
            format!("add `{first}` to the dependencies of `{second}`, or the other way round");
        Problem::new(self.path(), message).hint(hint)
    }

    /// Returns what both do, the one that writes first.
    fn what(&self, first: &str, second: &str) -> String {
        let (one, other) = (self.first, self.second);
        let is_same = one.table.is_some() == other.table.is_some();
        if is_same && one.writes() && other.writes() {
            let verb = if one.table.is_some() { "write" } else { "change" };
            return format!("both {verb} {}", one.place());
        }
        let (one, other) = ((first, one), (second, other));
        let ((writer, written), (reader, read)) =
            if self.first.writes() { (one, other) } else { (other, one) };
        let work = format!("`{writer}` {} {}", written.verb(), written.place());
        if is_same {
            format!("{work}, which `{reader}` {}", read.verb())
        } else {
            format!("{work}, and `{reader}` {} {}", read.verb(), read.place())
        }
    }
}

#[cfg(test)]
#[path = "race_tests.rs"]
mod tests;
