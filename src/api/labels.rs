//! Labels, annotations and finalizers that Mason reads or sets.

/// The operator of a run, with a dot for the slash: `table.query` (a label value has no slash).
pub const OPERATOR: &str = "mason.dev/operator";
/// The name of the config a run uses.
pub const CONFIG: &str = "mason.dev/config";
/// The workflow that a schedule made a run of; absent where its name is too long for a label.
pub const WORKFLOW: &str = "mason.dev/workflow";
/// On a run of a workflow that was made for a planned time which is past: `true`.
pub const BACKFILL: &str = "mason.dev/backfill";
/// The run of a workflow that a run is a step of; absent where its name is too long for a label.
pub const WORKFLOW_RUN: &str = "mason.dev/workflow-run";
/// The step of a workflow that a run is.
pub const STEP: &str = "mason.dev/step";
/// The item of a step with `forEach` that a run is for, from 0.
pub const ITEM: &str = "mason.dev/item";
/// The number of the attempt a launched child belongs to.
pub const ATTEMPT: &str = "mason.dev/attempt";
/// The token of the attempt a launched child belongs to.
pub const TOKEN: &str = "mason.dev/token";
/// Most characters of a label's value.
pub const VALUE: usize = 63;
/// The manager of an object; always [`MANAGER`] on what Mason creates.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub const MANAGER: &str = "mason";
/// On a definition: parameters of an example, as a JSON object; shown in the docs.
pub const EXAMPLE: &str = "mason.dev/example";
/// On a resource: any text. A change of it asks for a look now; it is echoed in the status.
pub const REQUESTED_AT: &str = "mason.dev/requested-at";
/// On a run that is being deleted: `true` lets it go at once, whatever still works outside.
pub const FORCE_DELETE: &str = "mason.dev/force-delete";
/// Holds a run while something of it works outside, or a stored result is to go with it.
pub const FINALIZER: &str = "mason.dev/external-work";
