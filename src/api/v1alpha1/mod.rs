//! Version `v1alpha1` of the resources. Every field's doc is what `kubectl explain` shows.

#![expect(unreachable_pub, reason = "`KubeSchema` makes a copy of each type that nobody reaches")]

mod client_config;
mod free_form;
mod mason_config;
mod operator_definition;
mod operator_run;
mod workflow;
mod workflow_run;

pub use client_config::{
    AthenaClient, ClientConfig, ClientKind, ConfigRef, ConfigVersion, Credentials, GlueClient,
    LocalClient, Placement, S3Client, SecretRef,
};
pub use free_form::FreeForm;
pub use mason_config::{
    ActionKind, AllowedNamespaces, ClientStatus, ConfigColumns, EngineClients, InlineResults,
    Limits, MasonConfig, MasonConfigSpec, MasonConfigStatus, NamespaceSelector, NamespacesFrom,
    Results, RetainResults,
};
pub use operator_definition::{
    Action, BuiltinAction, ContainerAction, ContainerResources, ContainerStorage, ImagePullPolicy,
    OperatorDefinition, OperatorDefinitionSpec, OperatorDefinitionStatus, Parameter, ParameterType,
    SqlAction, SupportedConfiguration, Toleration,
};
pub use operator_run::{
    Attempt, AttemptError, AttemptOutcome, AttemptState, AttemptStatistics, Backoff, EngineChoice,
    EngineChoices, FailureClass, JobReference, Messages, OperatorReference, OperatorRun,
    OperatorRunSpec, OperatorRunStatus, ParameterOrigin, Phase, Progress, Resolution,
    ResolvedParameter, ResultKind, ResultReference, Retry, RunColumns, RunResult, Ttl, TtlPolicy,
};
pub use workflow::{
    Approval, CatchUp, Concurrency, ConcurrencyPolicy, ForEach, History, OnTimeout, ScheduleStatus,
    ScheduledRun, Workflow, WorkflowColumns, WorkflowSchedule, WorkflowSpec, WorkflowStatus,
    WorkflowStep,
};
pub use workflow_run::{
    ApprovalDecision, ChildReference, Decision, ItemOutcome, ItemOutcomes, ItemsStatus, MOST_ITEMS,
    OpenItem, RetryFrom, StepKind, StepOverride, StepOverrides, StepPhase, StepStatus, Stopping,
    Ticket, WorkflowRef, WorkflowReference, WorkflowRun, WorkflowRunColumns, WorkflowRunSpec,
    WorkflowRunStatus, WorkflowRunTtl,
};
