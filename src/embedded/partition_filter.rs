//! Conditions on the partition keys of one table, evaluated over the values of its partitions. Pure.
//!
//! A partition is left out when, for every scan of the table, one of the conditions of the scan is false or null
//! there. What cannot be evaluated (a value that is none of its key's type, a cast that fails) keeps the partition, so
//! that the execution says what is wrong.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use datafusion::arrow::datatypes::{FieldRef, Schema as ArrowSchema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::datasource::listing::helpers::expr_applicable_for_cols;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use super::tables::partition_value;
use crate::engines::partitions::PartitionFilter;

/// Most partitions that are evaluated at once.
const BATCH: usize = 8_192;

type Values = [Option<String>];
type Condition = Arc<dyn PhysicalExpr>;

/// The conditions that the scans of a table have on its partition keys.
#[derive(Debug)]
pub(super) struct ScanFilters {
    fields: Vec<FieldRef>,
    /// Of each scan its conditions, by how many of the outer keys they need.
    scans: Vec<Vec<Vec<Condition>>>,
}

impl ScanFilters {
    /// Makes them of what holds for the rows of each scan; nothing when a scan may need every partition.
    pub(super) fn new(fields: Vec<FieldRef>, scans: &[Vec<Expr>]) -> Option<Self> {
        let scans = scans.iter().map(|filters| conditions_of_scan(&fields, filters)).collect();
        let found = Self { fields, scans };
        let limits = |scan: &Vec<Vec<Condition>>| scan.last().is_some_and(|all| !all.is_empty());
        (!found.scans.is_empty() && found.scans.iter().all(limits)).then_some(found)
    }

    /// Returns whether each of partitions that have the values of so many keys may be used.
    fn keeps_batch(&self, depth: usize, partitions: &[&Values]) -> Vec<bool> {
        let Some((batch, unfit)) = batch_of(&self.fields[..depth], partitions) else {
            return vec![true; partitions.len()];
        };
        let mut kept = unfit;
        for scan in &self.scans {
            let of_scan = scan_keeps(scan.get(depth - 1).map_or(&[], Vec::as_slice), &batch);
            kept.iter_mut().zip(of_scan).for_each(|(kept, of_scan)| *kept |= of_scan);
        }
        kept
    }
}

impl PartitionFilter for ScanFilters {
    fn keeps(&self, partitions: &[&Values]) -> Vec<bool> {
        let depth = |partition: &&Values| partition.len();
        let Some(shared) = partitions.first().map(depth) else { return Vec::new() };
        let is_even = partitions.iter().all(|partition| partition.len() == shared);
        if !is_even || shared == 0 || shared > self.fields.len() {
            return vec![true; partitions.len()];
        }
        partitions.chunks(BATCH).flat_map(|chunk| self.keeps_batch(shared, chunk)).collect()
    }
}

/// Returns the conditions of a scan that can be told with the outermost key, with two keys, and so on.
fn conditions_of_scan(fields: &[FieldRef], filters: &[Expr]) -> Vec<Vec<Condition>> {
    (1..=fields.len())
        .map(|depth| {
            let keys = &fields[..depth];
            filters.iter().filter_map(|filter| condition(keys, filter)).collect()
        })
        .collect()
}

/// Returns what a filter says of these keys alone; nothing when it says nothing of them.
fn condition(keys: &[FieldRef], filter: &Expr) -> Option<Condition> {
    let names: Vec<&str> = keys.iter().map(|key| key.name().as_str()).collect();
    let weaker = weaker(filter.clone(), &names)?;
    let bare = weaker.transform(|expr| Ok(without_table(expr))).data().ok()?;
    let schema = DFSchema::from_unqualified_fields(keys.to_vec().into(), [].into()).ok()?;
    let props = ExecutionProps::new();
    create_physical_expr(&bare, &schema, &props, &PhysicalPlanningContext::default()).ok()
}

fn without_table(expr: Expr) -> Transformed<Expr> {
    match expr {
        Expr::Column(mut column) if column.relation.is_some() => {
            column.relation = None;
            Transformed::yes(Expr::Column(column))
        }
        other => Transformed::no(other),
    }
}

/// Returns a condition on these keys alone that is true wherever the whole one is; nothing when that is always. Below
/// `and` and `or` a part that uses anything else may be true.
fn weaker(filter: Expr, keys: &[&str]) -> Option<Expr> {
    if is_on(&filter, keys) {
        return Some(filter);
    }
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    let (left, right) = match op {
        Operator::And => (weaker(*left, keys), weaker(*right, keys)),
        Operator::Or => (Some(weaker(*left, keys)?), Some(weaker(*right, keys)?)),
        _ => return None,
    };
    match (left, right) {
        (Some(left), Some(right)) if op == Operator::And => Some(left.and(right)),
        (Some(left), Some(right)) => Some(left.or(right)),
        (one, other) => one.or(other),
    }
}

/// Returns whether a condition can be computed of these keys alone, and each time with the same outcome.
fn is_on(filter: &Expr, keys: &[&str]) -> bool {
    let mut is_known = true;
    let looked = filter.apply(|expr| {
        is_known &= !matches!(
            expr,
            Expr::OuterReferenceColumn(..)
                | Expr::ScalarVariable(..)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::ScalarSubquery(_)
                | Expr::SetComparison(_)
                | Expr::HigherOrderFunction(_)
                | Expr::Lambda(_)
                | Expr::LambdaVariable(_)
                | Expr::GroupingSet(_)
        );
        Ok(if is_known { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    looked.is_ok() && is_known && expr_applicable_for_cols(keys, filter)
}

/// Returns the values of partitions as columns, and which of them have a value that is none of its key's type; nothing
/// when there are no columns of these types.
fn batch_of(keys: &[FieldRef], partitions: &[&Values]) -> Option<(RecordBatch, Vec<bool>)> {
    let mut unfit = vec![false; partitions.len()];
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let null = ScalarValue::try_from(key.data_type()).ok()?;
        let values = partitions.iter().zip(&mut unfit).map(|(partition, unfit)| {
            let value = partition_value(partition[at].as_ref(), key.data_type());
            value.unwrap_or_else(|_| {
                *unfit = true;
                null.clone()
            })
        });
        columns.push(ScalarValue::iter_to_array(values).ok()?);
    }
    let schema = Arc::new(ArrowSchema::new(keys.to_vec()));
    Some((RecordBatch::try_new(schema, columns).ok()?, unfit))
}

/// Returns which rows no condition of a scan excludes.
fn scan_keeps(conditions: &[Condition], batch: &RecordBatch) -> Vec<bool> {
    let mut kept = vec![true; batch.num_rows()];
    for condition in conditions {
        let allowed = match truth(condition, batch) {
            Some(truth) => truth,
            // A value of one partition fails: the others are told without it.
            None => (0..batch.num_rows())
                .map(|row| {
                    truth(condition, &batch.slice(row, 1)).is_none_or(|truth| truth == [true])
                })
                .collect(),
        };
        kept.iter_mut().zip(allowed).for_each(|(kept, allowed)| *kept &= allowed);
    }
    kept
}

/// Returns where a condition is true; nothing when it fails.
fn truth(condition: &Condition, batch: &RecordBatch) -> Option<Vec<bool>> {
    let values = condition.evaluate(batch).and_then(|value| value.into_array(batch.num_rows()));
    let values = values.ok()?;
    let values = values.as_any().downcast_ref::<BooleanArray>()?;
    Some((0..values.len()).map(|row| values.is_valid(row) && values.value(row)).collect())
}
