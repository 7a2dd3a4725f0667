//! What aggregates of our own leave to those of DataFusion.

/// Forwards to `self.plain` what an aggregate of our own shares with DataFusion's.
macro_rules! forward_to_plain {
    () => {
        fn name(&self) -> &str {
            self.plain.name()
        }

        fn aliases(&self) -> &[String] {
            self.plain.aliases()
        }

        fn signature(&self) -> &Signature {
            self.plain.signature()
        }

        fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
            self.plain.coerce_types(types)
        }

        fn return_type(&self, types: &[DataType]) -> Result<DataType> {
            self.plain.return_type(types)
        }

        fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
            self.plain.accumulator(args)
        }

        fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
            self.plain.state_fields(args)
        }

        fn reverse_expr(&self) -> ReversedUDAF {
            self.plain.reverse_expr()
        }

        fn order_sensitivity(&self) -> AggregateOrderSensitivity {
            self.plain.order_sensitivity()
        }

        fn is_descending(&self) -> Option<bool> {
            self.plain.is_descending()
        }

        fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
            self.plain.set_monotonicity(data_type)
        }

        fn supports_within_group_clause(&self) -> bool {
            self.plain.supports_within_group_clause()
        }
    };
}

pub(super) use forward_to_plain;
