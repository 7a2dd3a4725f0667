//! `mason approve`: answers a step of a workflow that waits for a person.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{ApprovalDecision, Decision, WorkflowRun, WorkflowRunStatus};
use crate::cli::args::ApproveArgs;
use crate::cli::cluster::Cluster;
use crate::cli::failure::{Exit, Failure};
use crate::cli::verb_context::VerbContext;
use crate::store::StoreError;
use crate::validate::{ValidWorkflow, did_you_mean};

/// How many times the answer is written anew when others change the run meanwhile.
const TRIES: usize = 20;

/// Writes the answer into the run. A decision is final.
///
/// # Errors
/// When the run or the step does not exist, asks nothing, or is decided already; when the store refuses.
pub(crate) async fn approve(context: &VerbContext, args: &ApproveArgs) -> anyhow::Result<Exit> {
    let key = context.key(Kind::WorkflowRun, &args.run);
    let Resource::WorkflowRun(run) = context.existing(Kind::WorkflowRun, &args.run).await? else {
        return Ok(Exit::Failed);
    };
    let step = step_of(&run, args)?;
    let by = match &context.cluster {
        Some(cluster) => user_of(cluster).await?,
        None => args
            .by
            .clone()
            .filter(|by| !by.trim().is_empty())
            .unwrap_or_else(|| "a person".to_owned()),
    };
    let decision = if args.reject { Decision::Rejected } else { Decision::Approved };
    let decision = ApprovalDecision { decision, by, comment: args.comment.clone() };
    match &context.cluster {
        Some(cluster) => write_to_cluster(cluster, &key, &step, &decision).await?,
        None => write_to_folder(context, &key, &step, &decision).await?,
    }
    let word = if args.reject { "rejected" } else { "approved" };
    context.printer.out(&format!("step `{step}` of run `{}` is {word}", args.run))?;
    Ok(Exit::Success)
}

/// Returns the step that is answered: the one that is named, else the only one that waits.
fn step_of(run: &WorkflowRun, args: &ApproveArgs) -> anyhow::Result<String> {
    let status = run.status.clone().unwrap_or_default();
    let name = &args.run;
    if status.phase.is_terminal() {
        let message = format!("run `{name}` has ended already: {}", status.phase.as_str());
        return Err(Failure::usage(message, "there is nothing to decide any more").into());
    }
    let waits: Vec<&str> = status
        .steps
        .iter()
        .filter(|line| line.waits_for_approval())
        .map(|line| line.id.as_str())
        .collect();
    let step = match (&args.step, waits.as_slice()) {
        (Some(step), _) => step.clone(),
        (None, [only]) => (*only).to_owned(),
        (None, []) => {
            let message = format!("no step of run `{name}` waits for approval");
            let hint = format!("`mason describe workflowrun {name}` shows where each step stands");
            return Err(Failure::usage(message, hint).into());
        }
        (None, several) => {
            let hint = format!("name one: mason approve {name} {}", several.join(" | "));
            let message = format!("{} steps of run `{name}` wait for approval", several.len());
            return Err(Failure::usage(message, hint).into());
        }
    };
    if let Some(before) = run.spec.approvals.get(&step) {
        let message =
            format!("step `{step}` is {} already, by {}", before.decision.as_str(), before.by);
        return Err(Failure::usage(message, "a decision is final").into());
    }
    refuse_unasked(&status, (name, &step))?;
    Ok(step)
}

/// Refuses to answer a step that asks nothing.
fn refuse_unasked(status: &WorkflowRunStatus, (run, step): (&str, &str)) -> anyhow::Result<()> {
    let Some(frozen) = ValidWorkflow::thaw(status)? else {
        let message = format!("run `{run}` has not begun, so that nothing is asked yet");
        return Err(Failure::usage(message, "answer once it waits for approval").into());
    };
    let asks = frozen.steps.iter().filter(|one| one.approval.is_some());
    let asks: Vec<&str> = asks.map(|one| one.id.as_str()).collect();
    if asks.contains(&step) {
        return Ok(());
    }
    let none = || "none of its steps waits for approval".to_owned();
    let hint = did_you_mean(step, asks).unwrap_or_else(none);
    let message = format!("run `{run}` has no step `{step}` that waits for approval");
    Err(Failure::usage(message, hint).into())
}

/// Returns the name by which a cluster knows the person.
async fn user_of(cluster: &Cluster) -> anyhow::Result<String> {
    let api: Api<SelfSubjectReview> = Api::all(cluster.connection.client.clone());
    let review = api.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
    let user = review.status.and_then(|status| status.user_info).and_then(|user| user.username);
    Ok(user.unwrap_or_default())
}

async fn write_to_cluster(
    cluster: &Cluster,
    key: &Key,
    step: &str,
    decision: &ApprovalDecision,
) -> anyhow::Result<()> {
    let client = cluster.connection.client.clone();
    let api: Api<WorkflowRun> = Api::namespaced(client, &key.namespace);
    let patch = Patch::Merge(json!({"spec": {"approvals": {step: decision}}}));
    api.patch(&key.name, &PatchParams::default(), &patch).await?;
    Ok(())
}

async fn write_to_folder(
    context: &VerbContext,
    key: &Key,
    step: &str,
    decision: &ApprovalDecision,
) -> anyhow::Result<()> {
    for _ in 0..TRIES {
        let Some(mut resource) = context.store.get(key).await? else { break };
        if let Resource::WorkflowRun(run) = &mut resource {
            run.spec.approvals.insert(step.to_owned(), decision.clone());
        }
        match context.store.apply(&resource).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Conflict { .. }) => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("failed to change {key}: it is changed all the time, or was deleted")
}
