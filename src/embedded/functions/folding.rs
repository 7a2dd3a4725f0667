//! Aggregates of one state that every value is folded into, for one group and for many.

use std::fmt::Debug;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::physical_expr::NullState;

/// The value of an Arrow type.
pub(super) type Native<T> = <T as ArrowPrimitiveType>::Native;

/// How values become one.
pub(super) trait Fold: Debug + Send + Sync + 'static {
    /// What is folded.
    type Input: ArrowPrimitiveType + Debug + Send;
    /// What is kept.
    type State: ArrowPrimitiveType + Debug + Send;

    /// The state before any value.
    fn start(&self) -> Native<Self::State>;
    /// Folds a value in; returns whether the state holds it.
    fn add(&self, state: &mut Native<Self::State>, value: Native<Self::Input>) -> bool;
    /// Folds another state in; returns whether the state holds it.
    fn merge(&self, state: &mut Native<Self::State>, other: Native<Self::State>) -> bool;
    /// The type of states as they are handed on.
    fn state_type(&self) -> DataType;
    /// The values that states stand for.
    fn finish(&self, states: PrimitiveArray<Self::State>) -> Result<ArrayRef>;
    /// What is wrong when a state cannot hold its values.
    fn too_large(&self) -> DataFusionError;
}

/// A fold that values can be taken out of again.
pub(super) trait Retract: Fold {
    /// Takes a value out again; returns whether the state holds what is left.
    fn remove(&self, state: &mut Native<Self::State>, value: Native<Self::Input>) -> bool;
}

/// One state, over a whole input or a window.
#[derive(Debug)]
pub(super) struct Folded<F: Fold> {
    fold: F,
    state: Native<F::State>,
    values: u64,
}

impl<F: Fold> Folded<F> {
    pub(super) fn new(fold: F) -> Self {
        Self { state: fold.start(), fold, values: 0 }
    }

    /// Begins anew.
    pub(super) fn reset(&mut self) {
        self.state = self.fold.start();
        self.values = 0;
    }

    pub(super) fn add_all(&mut self, values: &dyn Array) -> Result<()> {
        let values = values.as_primitive::<F::Input>();
        let mut fits = true;
        if values.null_count() == 0 {
            for value in values.values() {
                fits &= self.fold.add(&mut self.state, *value);
            }
        } else {
            for value in values.iter().flatten() {
                fits &= self.fold.add(&mut self.state, value);
            }
        }
        self.values += u64::try_from(values.len() - values.null_count()).unwrap_or(0);
        if fits { Ok(()) } else { Err(self.fold.too_large()) }
    }

    fn states(&self) -> PrimitiveArray<F::State> {
        let state = (self.values > 0).then_some(self.state);
        PrimitiveArray::<F::State>::from_iter([state]).with_data_type(self.fold.state_type())
    }
}

impl<F: Retract> Accumulator for Folded<F> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add_all(&values[0])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for other in states[0].as_primitive::<F::State>().iter().flatten() {
            if !self.fold.merge(&mut self.state, other) {
                return Err(self.fold.too_large());
            }
            self.values += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<F::Input>().iter().flatten() {
            if !self.fold.remove(&mut self.state, value) {
                return Err(self.fold.too_large());
            }
            self.values -= 1;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::try_from_array(&self.states(), 0)?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.fold.finish(self.states())?, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// A state for each group.
#[derive(Debug)]
pub(super) struct FoldedGroups<F: Fold> {
    fold: F,
    states: Vec<Native<F::State>>,
    nulls: NullState,
}

impl<F: Fold> FoldedGroups<F> {
    pub(super) fn new(fold: F) -> Self {
        Self { fold, states: Vec::new(), nulls: NullState::new() }
    }

    fn take(&mut self, emit_to: EmitTo) -> PrimitiveArray<F::State> {
        let states = emit_to.take_needed(&mut self.states);
        let nulls = self.nulls.build(emit_to);
        PrimitiveArray::new(states.into(), nulls).with_data_type(self.fold.state_type())
    }
}

impl<F: Fold> GroupsAccumulator for FoldedGroups<F> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let values = values[0].as_primitive::<F::Input>();
        self.states.resize(total_num_groups, self.fold.start());
        let (fold, states) = (&self.fold, &mut self.states);
        let mut fits = true;
        self.nulls.accumulate(group_indices, values, filter, total_num_groups, |group, value| {
            fits &= fold.add(&mut states[group], value);
        });
        if fits { Ok(()) } else { Err(self.fold.too_large()) }
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let others = states[0].as_primitive::<F::State>();
        self.states.resize(total_num_groups, self.fold.start());
        let (fold, states) = (&self.fold, &mut self.states);
        let mut fits = true;
        self.nulls.accumulate(group_indices, others, None, total_num_groups, |group, other| {
            fits &= fold.merge(&mut states[group], other);
        });
        if fits { Ok(()) } else { Err(self.fold.too_large()) }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let states = self.take(emit_to);
        self.fold.finish(states)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(self.take(emit_to))])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<F::Input>();
        let states = values.values().iter().map(|value| {
            let mut state = self.fold.start();
            self.fold.add(&mut state, *value);
            state
        });
        let kept = filter.map(|filter| match filter.nulls() {
            Some(nulls) => NullBuffer::new(filter.values() & nulls.inner()),
            None => NullBuffer::new(filter.values().clone()),
        });
        let nulls = NullBuffer::union(values.nulls(), kept.as_ref());
        let states = PrimitiveArray::<F::State>::new(states.collect(), nulls);
        Ok(vec![Arc::new(states.with_data_type(self.fold.state_type()))])
    }

    fn size(&self) -> usize {
        self.states.capacity() * size_of::<Native<F::State>>() + self.nulls.size()
    }
}
