//! Races between steps, and what is none.

use std::collections::BTreeSet;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::stated::Stated;
use super::super::validate_workflow;
use super::*;
use crate::api::v1alpha1::{ActionKind, OperatorDefinition, WorkflowStep};
use crate::engines::table_use::{NamedBy, TableUse};
use crate::validate::{ActionDescription, Rules};

const ACTIONS: &[ActionDescription] = &[
    action("get", &[TableUse::READS_ITS_TABLE]),
    action("delete", &[TableUse::WRITES_ITS_TABLE]),
    action("convert", TableUse::OF_A_CONVERSION),
    action("list", &[TableUse { access: Access::Read, named: NamedBy::Database("database_name") }]),
    action(
        "create",
        &[TableUse { access: Access::Write, named: NamedBy::Database("database_name") }],
    ),
    action("infer", &[TableUse { access: Access::Write, named: DECLARED }]),
    action("query", &[TableUse { access: Access::Read, named: QUERIED }, TableUse::WRITES_OUTPUT]),
];

const DECLARED: NamedBy = NamedBy::Table {
    databases: &["database_name"],
    table: "table_name",
    path: Some("storage_path"),
};

const QUERIED: NamedBy = NamedBy::Statement {
    statement: "query_string",
    database: "database_name",
    table: "table_name",
};

const fn action(name: &'static str, uses: &'static [TableUse]) -> ActionDescription {
    ActionDescription { name, needs: &[], uses, result_schema: None }
}

/// Returns a definition of an action, or of a statement that stands in it.
fn definition(operator: &str) -> OperatorDefinition {
    let identifiers = ["table_name", "output_database", "output_table", "city"];
    let mut parameters: Vec<Value> =
        identifiers.iter().map(|name| json!({"name": name, "type": "identifier"})).collect();
    parameters
        .push(json!({"name": "database_name", "type": "identifier", "aliases": ["bucket_name"]}));
    parameters.push(json!({"name": "query_string", "type": "sql"}));
    parameters.push(json!({"name": "storage_path", "type": "path"}));
    let action = match operator {
        "x/bound" => {
            json!({"sql": {"statement": "select * from sales.$city where x = $query_string"}})
        }
        "x/container" => json!({"container": {"image": "i", "command": ["c"]}}),
        _ => json!({"builtin": {"name": operator.trim_start_matches("x/")}}),
    };
    let document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition", "metadata": {"name": "d"},
        "spec": {
            "operator": operator, "description": "d", "parameters": parameters, "action": action,
        },
    });
    serde_json::from_value(document).expect("should be a definition")
}

/// Makes a step of `ID OPERATOR NAME=VALUE … after ID …`.
fn step(text: &str) -> Value {
    let (work, after) = text.split_once(" after").unwrap_or((text, ""));
    let mut words = work.split_whitespace();
    let (id, operator) = (words.next().expect("an id"), words.next().expect("an operator"));
    let short = |name: &str| {
        match name {
            "d" => "database_name",
            "t" => "table_name",
            "od" => "output_database",
            "out" => "output_table",
            "sql" => "query_string",
            "path" => "storage_path",
            other => other,
        }
        .to_owned()
    };
    let parameters: serde_json::Map<String, Value> = words
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (short(name), json!(value.replace('~', " "))))
        .collect();
    let after: Vec<&str> = after.split_whitespace().collect();
    json!({
        "id": id, "operator": format!("x/{operator}"), "dependencies": after,
        "finally": id.starts_with('f'), "parameters": parameters,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "a test makes them for this call")]
fn workflow(steps: Vec<Value>) -> WorkflowSpec {
    let parameters =
        ["db", "table"].map(|name| json!({"name": name, "type": "string", "default": "x"}));
    let spec = json!({
        "workflow": "a/flow", "description": "d", "parameters": parameters,
        "configRef": {"name": "lake"}, "steps": steps,
    });
    serde_json::from_value(spec).expect("should be a workflow")
}

fn inputs<'a>(definition: &'a OperatorDefinition, rules: &'a Rules) -> Inputs<'a> {
    Inputs {
        definition: Some(definition),
        config: None,
        actions: ACTIONS,
        clients: &[],
        kinds: &[ActionKind::Builtin],
        rules,
        namespace_labels: None,
        known_operators: &[],
        known_configs: &[],
        nested: None,
    }
}

/// Returns the races of a workflow with a config, with their paths and messages.
fn races_of(spec: &WorkflowSpec) -> Vec<Problem> {
    let definitions: Vec<_> = spec
        .steps
        .iter()
        .map(|step| definition(step.operator.as_deref().unwrap_or_default()))
        .collect();
    let rules = Rules::default();
    let inputs: Vec<_> = definitions.iter().map(|one| inputs(one, &rules)).collect();
    let found = validate_workflow(spec, &inputs).err().unwrap_or_default();
    let is_race = |problem: &Problem| problem.message.contains("at the same time");
    found.into_iter().filter(is_race).collect()
}

/// Returns the messages of the races of steps, each behind the index of its step and without what all have in common.
fn told(steps: &[&str]) -> Vec<String> {
    let found = races_of(&workflow(steps.iter().map(|text| step(text)).collect()));
    let shown = |problem: Problem| {
        let at = problem
            .path
            .trim_start_matches("spec.steps[")
            .trim_end_matches("].dependencies")
            .to_owned();
        let (_, what) =
            problem.message.split_once(" at the same time, and ").expect("should be a race");
        format!("{at}: {what}")
    };
    found.into_iter().map(shown).collect()
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_race_names_both_steps_the_table_and_what_to_do() {
    let steps = ["a get d=sales t=orders", "b convert d=raw t=x od=sales out=orders"].map(step);
    let found = races_of(&workflow(steps.to_vec()));
    let [race] = found.as_slice() else { panic!("should be one race: {found:?}") };
    assert_eq!(
        race.to_string(),
        "spec.steps[1].dependencies: steps `a` and `b` can run at the same time, and `b` writes table \
         `sales.orders`, which `a` reads (hint: add `a` to the dependencies of `b`, or the other way round)"
    );
}

#[test]
fn a_statement_with_values_that_are_bound_reads_its_tables_too() {
    let reader = "a query d=sales sql=select~*~from~orders~where~city=$city";
    assert_eq!(told(&[reader, "b convert d=raw t=x od=sales out=orders"]).len(), 1);
}

#[test]
fn items_of_a_step_race_when_each_writes_the_same_table() {
    let each = |out: &str, for_each: Value| {
        let mut step = step(&format!("a convert d=raw t=x od=sales out={out}"));
        step["forEach"] = for_each;
        races_of(&workflow(vec![step])).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let two = json!({"items": [1, 2]});
    assert_eq!(
        each("orders", two.clone()),
        [
            "spec.steps[0].forEach: the items of step `a` can run at the same time, and each writes table \
          `sales.orders` (hint: look the table's name up in `item`, or set `parallelism: 1` in `forEach`)"
        ]
    );
    assert_eq!(each("${parameters.table}", two.clone()).len(), 1);
    assert_eq!(each("orders_${item}", two), none());
    assert_eq!(each("orders", json!({"items": [1, 2], "parallelism": 1})), none());
    assert_eq!(each("orders", json!({"items": [1]})), none());
}

#[test]
fn steps_that_only_read_or_are_ordered_do_not_race() {
    assert_eq!(told(&["a get d=s t=x", "b get d=s t=x"]), none());
    assert_eq!(told(&["a delete d=s t=x", "b get d=s t=x after a"]), none());
    assert_eq!(
        told(&["a delete d=s t=x", "m get d=s t=y after a", "b get d=s t=x after m"]),
        none()
    );
    assert_eq!(told(&["b get d=s t=x after a", "a delete d=s t=x"]), none());
    assert_eq!(told(&["a delete d=s t=x", "b delete d=s t=y", "c delete d=r t=x"]), none());
}

#[test]
fn a_finally_step_races_with_others_of_its_kind_alone() {
    assert_eq!(told(&["a get d=s t=x", "f delete d=s t=x"]), none());
    assert_eq!(told(&["f delete d=s t=x", "a get d=s t=x"]), none());
    assert_eq!(
        told(&["a get d=s t=y", "f1 delete d=s t=x", "f2 get d=s t=x"]),
        ["2: `f1` writes table `s.x`, which `f2` reads"]
    );
    assert_eq!(told(&["a get d=s t=y", "f1 delete d=s t=x", "f2 get d=s t=x after f1"]), none());
}

#[test]
fn names_are_compared_without_regard_to_case_and_aliases_count() {
    assert_eq!(
        told(&["a delete bucket_name=Sales t=ORDERS", "b get d=sales t=orders"]),
        ["1: `a` writes table `Sales.ORDERS`, which `b` reads"]
    );
}

#[test]
fn a_statement_reads_the_tables_that_it_names() {
    let write = "w delete d=sales t=orders";
    let race = |sql: &str| told(&[write, &format!("q query {sql}")]);
    let told_once = ["1: `w` writes table `sales.orders`, which `q` reads"];
    assert_eq!(race("sql=select~*~from~sales.orders~join~SALES.Orders~as~o~on~true"), told_once);
    assert_eq!(race("d=sales sql=select~*~from~orders"), told_once);
    assert_eq!(race("d=sales t=orders sql=select~*~from~$table"), told_once);
    assert_eq!(race("d=sales sql=with~orders~as~(select~1)~select~*~from~orders"), none());
    assert_eq!(race("d=sales sql=selec~*~frm~orders"), none());
    assert_eq!(race("sql=select~*~from~orders"), none());
    assert_eq!(race("d=sales out=orders sql=select~1"), ["1: both write table `sales.orders`"]);
}

#[test]
fn a_definition_reads_the_tables_of_its_statement() {
    let told = |bound: &str| {
        told(&["w delete d=sales t=${parameters.table}", bound, "v delete d=sales t=graz"])
    };
    assert_eq!(told("b bound city=Graz"), ["2: `v` writes table `sales.graz`, which `b` reads"]);
    assert_eq!(
        told("b bound city=${parameters.table}"),
        ["1: `w` writes table `sales.${parameters.table}`, which `b` reads"]
    );
    assert_eq!(told("b bound city=${parameters.db}"), none());
}

#[test]
fn what_a_container_uses_is_not_known() {
    assert_eq!(told(&["w delete d=sales t=x", "c container d=sales t=x out=x"]), none());
}

#[test]
fn the_same_look_up_of_parameters_is_the_same_table() {
    let both = |one: &str, other: &str| {
        told(&[&format!("a delete {one}"), &format!("b query sql=select~*~from~t {other}")]).len()
    };
    assert_eq!(both("d=${parameters.db} t=t", "d=${parameters.db}"), 1);
    assert_eq!(both("d=${parameters.db} t=t", "d=${parameters.table}"), 0);
    assert_eq!(both("d=${parameters.db} t=t", "d=x"), 0);
    assert_eq!(both("d=day_${parameters.db} t=T", "d=day_${parameters.db}"), 1);
    assert_eq!(both("d=DAY_${parameters.db} t=t", "d=day_${parameters.db}"), 0);
    // The text of a name is no look-up.
    assert_eq!(both("d=$${parameters.db} t=t", "d=${parameters.db}"), 0);
}

#[test]
fn what_is_known_only_later_is_no_race() {
    let steps = |name: &str| {
        told(&[
            "z get d=s t=z",
            &format!("a delete d=${{steps.z.result.{name}}} t=t after z"),
            &format!("b get d=${{steps.z.result.{name}}} t=t after z"),
        ])
    };
    assert_eq!(steps("x"), none());
    // A name that is not known stands for no default either.
    let unknown = [
        "z get d=s t=z",
        "a delete d=s t=t after z",
        "b convert d=s t=y od=${steps.z.reason} out=t after z",
    ];
    assert_eq!(told(&unknown), none());
}

#[test]
fn an_inferred_table_has_the_name_of_its_path() {
    let read = "r get d=s t=orders";
    assert_eq!(
        told(&[read, "i infer d=s path=raw/orders/*.csv"]),
        ["1: `i` writes table `s.orders`, which `r` reads"]
    );
    assert_eq!(told(&[read, "i infer d=s path=raw/orders/*.csv t=other"]), none());
    assert_eq!(told(&[read, "i infer d=s path=${parameters.table}"]), none());
    assert_eq!(told(&[read, "i infer d=s path=raw/orders t=${parameters.table}"]), none());
}

#[test]
fn a_database_as_a_whole_meets_each_of_its_tables() {
    assert_eq!(
        told(&["c create d=s", "a query d=s sql=select~*~from~x,~y", "l list d=S"]),
        [
            "1: `c` changes database `s`, and `a` reads table `s.x`",
            "2: `c` changes database `s`, which `l` lists",
        ]
    );
    assert_eq!(
        told(&["a convert d=s t=x out=y", "l list d=s", "m list d=s", "o list d=other"]),
        [
            "1: `a` writes table `s.y`, and `l` lists database `s`",
            "2: `a` writes table `s.y`, and `m` lists database `s`",
        ]
    );
    assert_eq!(told(&["c create d=s", "e create d=s"]), ["1: both change database `s`"]);
    assert_eq!(told(&["c create d=s", "a get d=s t=x after c", "l list d=s after c"]), none());
}

#[test]
fn each_table_of_a_pair_is_told_once() {
    let steps = [
        "a query d=s sql=select~*~from~x,~y,~z out=x",
        "b query d=s sql=select~*~from~x,~x~as~w out=y",
    ];
    assert_eq!(
        told(&steps),
        [
            "1: `a` writes table `s.x`, which `b` reads",
            "1: `b` writes table `s.y`, which `a` reads"
        ]
    );
}

#[test]
fn tables_of_other_configs_are_other_tables() {
    let mut spec = workflow(["a delete d=s t=x", "b get d=s t=x"].map(step).to_vec());
    let other: ConfigRef =
        serde_json::from_value(json!({"name": "pond"})).expect("should be a config");
    spec.steps[1].config_ref = Some(other.clone());
    assert_eq!(races_of(&spec), []);
    spec.steps[0].config_ref = Some(other);
    assert_eq!(races_of(&spec).len(), 1);
    spec.config_ref = None;
    spec.steps.iter_mut().for_each(|step| step.config_ref = None);
    assert_eq!(races_of(&spec).len(), 1, "both have the config of the run");
}

#[test]
fn of_very_many_races_the_rest_is_counted() {
    let steps: Vec<Value> = (0..20).map(|at| step(&format!("s{at} delete d=s t=x"))).collect();
    let spec = workflow(steps);
    assert_eq!(races_of(&spec).len(), MOST);
    let steps = Steps::new(&spec);
    let definition = definition("x/delete");
    let rules = Rules::default();
    let inputs = inputs(&definition, &rules);
    let mut problems = Problems::default();
    check(&spec, &steps, &vec![inputs; 20], &mut problems);
    let last = problems.0.last().expect("should be the rest");
    assert_eq!(last.message, "90 more pairs of steps can meet at one table");
}

/// What a step of a random workflow does: whether it writes, the database, and the table if it is not all of them.
type Does = Vec<(bool, usize, Option<usize>)>;

/// A step of a random workflow: the ranks of the steps that it waits for, whether it is a `finally` step, what it does.
type RandomStep = (Vec<usize>, bool, Does);

fn random_steps() -> impl Strategy<Value = Vec<RandomStep>> {
    let does = prop::collection::vec(
        (any::<bool>(), 0_usize..2, prop::option::weighted(0.8, 0_usize..2)),
        0..4,
    );
    let step = (prop::collection::vec(0_usize..7, 0..3), prop::bool::weighted(0.25), does);
    prop::collection::vec(step, 0..8)
}

/// Returns the workflow of random steps, each of which waits for steps of its own kind and a lower rank only.
fn random_workflow(steps: &[RandomStep], is_reversed: bool) -> WorkflowSpec {
    let mut listed: Vec<Value> = Vec::new();
    for (rank, (after, finally, _)) in steps.iter().enumerate() {
        let is_fit = |other: &&usize| **other < rank && steps[**other].1 == *finally;
        let after: BTreeSet<usize> = after.iter().filter(is_fit).copied().collect();
        let after: Vec<String> = after.into_iter().map(|other| format!("s{other}")).collect();
        listed.push(json!({
            "id": format!("s{rank}"), "operator": "x/get", "dependencies": after, "finally": finally,
        }));
    }
    if is_reversed {
        listed.reverse();
    }
    workflow(listed)
}

/// Returns whether a step waits for another, directly or not, or because it is a `finally` step.
fn waits(steps: &[WorkflowStep], step: usize, other: usize) -> bool {
    let direct =
        steps[step].dependencies.iter().filter_map(|id| steps.iter().position(|one| one.id == *id));
    (steps[step].finally && !steps[other].finally)
        || direct.into_iter().any(|before| before == other || waits(steps, before, other))
}

/// Returns the races of two steps by what they do: a table, a database as a whole, or both at one database.
fn plain_races(one: &Does, other: &Does) -> Vec<(usize, Option<usize>, bool)> {
    let mut found = BTreeSet::new();
    for (writes, database, table) in one {
        for (other_writes, other_database, other_table) in other {
            let is_met = match (table, other_table) {
                (Some(table), Some(other)) => table == other,
                _ => true,
            };
            if is_met && database == other_database && (*writes || *other_writes) {
                let is_mixed = table.is_some() != other_table.is_some();
                found.insert((*database, table.filter(|_| !is_mixed), is_mixed));
            }
        }
    }
    found.into_iter().collect()
}

proptest! {
    #[test]
    fn races_are_those_of_a_plain_model(steps in random_steps(), is_reversed: bool) {
        let spec = random_workflow(&steps, is_reversed);
        let rank = |index: usize| if is_reversed { steps.len() - 1 - index } else { index };
        let name = |kind: &str, at: usize| Name::of(Stated::Text(format!("{kind}{at}"))).expect("is known");
        let used = |(writes, database, table): &(bool, usize, Option<usize>)| Used {
            access: if *writes { Access::Write } else { Access::Read },
            database: name("d", *database),
            table: table.map(|table| name("t", table)),
        };
        let mut uses = Vec::new();
        for index in 0..steps.len() {
            uses.extend(steps[rank(index)].2.iter().map(|does| (index, None, used(does))));
        }
        let ordered = Steps::new(&spec);
        let can_meet = |one, other| !ordered.is_before(one, other) && !ordered.is_before(other, one);
        let mut found: Vec<_> = races(&uses, &can_meet).iter().map(|race| {
            let (one, other) = (race.first, race.second);
            let is_mixed = one.table.is_some() != other.table.is_some();
            let table = one.table.filter(|_| !is_mixed).map(ToString::to_string);
            (other.step, one.step, one.database.to_string(), table, is_mixed)
        }).collect();
        found.sort();
        let mut expected = Vec::new();
        for second in 0..steps.len() {
            for first in 0..second {
                if waits(&spec.steps, first, second) || waits(&spec.steps, second, first) {
                    continue;
                }
                for (database, table, is_mixed) in plain_races(&steps[rank(first)].2, &steps[rank(second)].2) {
                    let table = table.map(|table| format!("t{table}"));
                    expected.push((second, first, format!("d{database}"), table, is_mixed));
                }
            }
        }
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}

#[test]
#[ignore = "measures; run in release"]
fn races_of_five_hundred_steps_take_milliseconds() {
    let text = |at: usize| {
        let after: BTreeSet<usize> =
            (0..10).map(|one| (at * 7919 + one * 104_729) % at.max(1)).collect();
        let after: Vec<String> = after
            .into_iter()
            .filter(|before| *before < at)
            .map(|before| format!("s{before}"))
            .collect();
        let work = match at % 3 {
            0 => format!("convert d=s t=t{} out=t{at}", at % 50),
            1 => format!("query d=s sql=select~*~from~t{}~join~t{}~on~true", at % 7, at % 50),
            _ => "delete d=s t=one".to_owned(),
        };
        format!("s{at} {work} after {}", after.join(" "))
    };
    let spec = workflow((0..500).map(|at| step(&text(at))).collect());
    let definitions: Vec<_> = spec
        .steps
        .iter()
        .map(|step| definition(step.operator.as_deref().unwrap_or_default()))
        .collect();
    let rules = Rules::default();
    let inputs: Vec<_> = definitions.iter().map(|one| inputs(one, &rules)).collect();
    let start = Instant::now();
    let steps = Steps::new(&spec);
    let ordered = start.elapsed();
    let mut problems = Problems::default();
    check(&spec, &steps, &inputs, &mut problems);
    println!("order {ordered:?}, with races {:?} ({} problems)", start.elapsed(), problems.0.len());
}
