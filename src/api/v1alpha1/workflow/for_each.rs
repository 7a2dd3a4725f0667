//! One run of a step for each item of a list.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::free_form::any_value;

/// One run of the step for each item of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForEach {
    /// The items, at most 1,000: a list, or one look-up that gives a list, `${parameters.cities}` or
    /// `${steps.find.result}`. The step's parameters and condition look up the item as `item`.
    #[schemars(schema_with = "any_value")]
    pub items: Value,
    /// How many items may be at work at one time, 1 to 50. The workflow's `parallelism` holds besides. Default: 10.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 50))]
    pub parallelism: u32,
}

fn ten() -> u32 {
    10
}
