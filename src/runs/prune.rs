//! What is left in the status of a run whose time has passed: pure.

use jiff::Timestamp;
use serde_json::Value;

use super::present;
use crate::api::v1alpha1::{OperatorRunStatus, RunResult};
use crate::plan::{cut, results_of};

/// Returns the status without result and logs. A result that is stored for ever keeps its address.
pub(super) fn pruned(status: &OperatorRunStatus, now: Timestamp) -> OperatorRunStatus {
    let stays = results_of(status).retain == crate::api::v1alpha1::RetainResults::Always;
    let mut status = status.clone();
    let result = status.result.take().filter(|result| stays && result.reference.is_some());
    status.result = result.map(|result| RunResult { data: Value::Null, truncated: true, ..result });
    status.pending = None;
    for attempt in &mut status.attempts {
        attempt.log_tail = None;
    }
    status.pruned_at = Some(now);
    let said = format!("result and log were dropped at {now:.0}");
    let message = match status.columns.message.as_str() {
        "" => said,
        message => format!("{message} ({said})"),
    };
    status.columns.message = cut(&message, 1_000);
    present::conditions(&mut status, now);
    status
}
