//! `mason describe`: everything about one resource, for people.

use jiff::{Timestamp, Unit};
use serde_json::{Map, Value, json};

use super::get;
use crate::api::v1alpha1::{
    Attempt, AttemptStatistics, EngineChoices, Messages, OperatorRun, OperatorRunStatus, Phase,
    StepPhase, StepStatus, WorkflowRun, WorkflowRunStatus,
};
use crate::cli::args::DescribeArgs;
use crate::cli::cluster::events::lines_of;
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Tone, age, outline, visible, workflow_report};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::kinds;
use crate::engines::ByRole;
use crate::engines::counted::counted;
use crate::store::Resource;

/// Tells everything about one resource.
///
/// # Errors
/// When it does not exist or cannot be read.
pub(crate) async fn describe(context: &VerbContext, args: &DescribeArgs) -> anyhow::Result<Exit> {
    let named = kinds::split(&args.kind, args.name.as_slice())?;
    let [(kind, name)] = named.as_slice() else {
        let message = "name one resource";
        return Err(Failure::usage(message, "write `mason describe KIND NAME`").into());
    };
    let resource = get::one(context, *kind, name).await?;
    let text = match &resource {
        Resource::OperatorRun(run) => {
            let mut text = describe_run(context, run);
            if let Some(cluster) = &context.cluster {
                text += &events_section(context, &lines_of(cluster, run, context.now).await);
            }
            text
        }
        Resource::WorkflowRun(run) => describe_workflow_run(context, run),
        other => describe_any(context, other),
    };
    context.printer.out(&text)?;
    Ok(Exit::Success)
}

/// Returns the events of a run as a section; nothing when there are none.
fn events_section(context: &VerbContext, events: &[String]) -> String {
    if events.is_empty() {
        return String::new();
    }
    let heading = context.printer.paint("events:", Tone::Heading);
    let lines: Vec<String> = events.iter().map(|event| format!("  - {event}")).collect();
    format!("\n{heading}\n{}", lines.join("\n"))
}

/// Returns any resource as an outline, without what only machines read.
fn describe_any(context: &VerbContext, resource: &Resource) -> String {
    let document = resource.to_document();
    let mut shown = Map::new();
    for (label, path) in [("name", "/metadata/name"), ("namespace", "/metadata/namespace")] {
        shown.extend(document.pointer(path).map(|value| (label.to_owned(), value.clone())));
    }
    let created = document.pointer("/metadata/creationTimestamp").and_then(Value::as_str);
    shown.extend(created.map(|time| ("created".to_owned(), json!(since(context, time)))));
    for part in ["spec", "status"] {
        shown.extend(document.get(part).map(|value| (part.to_owned(), value.clone())));
    }
    outline::outline(&shown, &context.printer)
}

/// Returns a run of a workflow: what was asked for, its steps as a table, and what is known besides.
fn describe_workflow_run(context: &VerbContext, run: &WorkflowRun) -> String {
    let status = run.status.clone().unwrap_or_default();
    let parameters = if status.parameters.is_empty() {
        json!(run.spec.parameters)
    } else {
        json!(status.parameters)
    };
    let mut sections = vec![
        outline::outline(&head_of_workflow_run(context, run, &status), &context.printer),
        section(context, "parameters", &parameters),
    ];
    if !status.steps.is_empty() {
        let heading = context.printer.paint("steps:", Tone::Heading);
        sections.push(format!("{heading}\n{}", workflow_report::table(&status.steps, context.now)));
    }
    let is_told = |line: &&StepStatus| line.message.is_some() && line.phase != StepPhase::Succeeded;
    let told = status.steps.iter().filter(is_told);
    sections.extend(told.map(|line| format!("  - {}", workflow_report::line_of(line))));
    sections.extend(messages_of(context, &status.messages));
    sections.push(section(context, "outputs", &json!(status.outputs)));
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn head_of_workflow_run(
    context: &VerbContext,
    run: &WorkflowRun,
    status: &WorkflowRunStatus,
) -> Map<String, Value> {
    let mut head = Map::new();
    let mut add = |label: &str, text: String| {
        if !text.is_empty() {
            head.insert(label.to_owned(), Value::String(text));
        }
    };
    let config = run.spec.config_ref.as_ref().map(|config| config.name.clone());
    add("name", run.metadata.name.clone().unwrap_or_default());
    add("namespace", run.metadata.namespace.clone().unwrap_or_default());
    add("workflow", run.spec.workflow_ref.name.clone());
    add("config", config.unwrap_or_default());
    add("phase", phase_with_reason(status.phase, &status.columns.reason));
    add("message", status.columns.message.clone());
    if let Some(created) = &run.metadata.creation_timestamp {
        add("created", since(context, &created.0.to_string()));
    }
    add("duration", status.columns.duration.clone());
    head
}

/// Returns `Failed (StepFailed)`.
fn phase_with_reason(phase: Phase, reason: &str) -> String {
    let phase = phase.as_str();
    if reason.is_empty() { phase.to_owned() } else { format!("{phase} ({reason})") }
}

/// Returns the messages of a status, a section for each kind.
fn messages_of(context: &VerbContext, messages: &Messages) -> Vec<String> {
    let kinds = [
        ("errors", Tone::Bad, &messages.errors),
        ("warnings", Tone::Warning, &messages.warnings),
        ("notes", Tone::Plain, &messages.info),
    ];
    let told = kinds.into_iter().filter(|(_, _, messages)| !messages.is_empty());
    told.map(|(word, tone, messages)| {
        let lines: Vec<String> =
            messages.iter().map(|message| format!("  - {}", visible(message))).collect();
        format!("{}:\n{}", context.printer.paint(word, tone), lines.join("\n"))
    })
    .collect()
}

/// Returns a run: what was asked for, what was resolved, every attempt, messages, result.
fn describe_run(context: &VerbContext, run: &OperatorRun) -> String {
    let status = run.status.clone().unwrap_or_default();
    let mut sections = vec![
        outline::outline(&head_of(context, run, &status), &context.printer),
        section(context, "parameters", &parameters_of(run, &status)),
    ];
    if let Some(engines) = &status.engines {
        sections.push(section(context, "engines", &engines_of(engines)));
    }
    for attempt in &status.attempts {
        let title = format!("attempt {}", attempt.number);
        sections.push(section(context, &title, &attempt_of(attempt)));
    }
    if let Some(progress) = status.progress.as_ref().filter(|_| !status.phase.is_terminal()) {
        sections.push(section(context, "progress", &json!(progress)));
    }
    sections.extend(messages_of(context, &status.messages));
    if let Some(result) = &status.result {
        let heading = context.printer.paint("result:", Tone::Heading);
        let note = if result.truncated { " (a part of it)" } else { "" };
        let shown = outline::result(result, 1, &context.printer);
        sections.push(format!("{heading}{note}\n{shown}"));
    }
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn head_of(
    context: &VerbContext,
    run: &OperatorRun,
    status: &OperatorRunStatus,
) -> Map<String, Value> {
    let mut head = Map::new();
    let mut add = |label: &str, text: String| {
        if !text.is_empty() {
            head.insert(label.to_owned(), Value::String(text));
        }
    };
    add("name", run.metadata.name.clone().unwrap_or_default());
    add("namespace", run.metadata.namespace.clone().unwrap_or_default());
    add("operator", run.spec.operator.clone());
    add("config", run.spec.config_ref.name.clone());
    add("phase", phase_with_reason(status.phase, &status.columns.reason));
    add("message", status.columns.message.clone());
    if let Some(created) = &run.metadata.creation_timestamp {
        add("created", since(context, &created.0.to_string()));
    }
    add("duration", status.columns.duration.clone());
    add("timeout", run.spec.timeout.as_ref().map(ToString::to_string).unwrap_or_default());
    for (label, is_set) in [
        ("dry run", run.spec.dry_run),
        ("cancel asked", run.spec.cancel),
        ("suspended", run.spec.suspend),
    ] {
        add(label, if is_set { "yes".to_owned() } else { String::new() });
    }
    head
}

/// Returns every parameter: with its origin once it is resolved, else as the spec has it.
fn parameters_of(run: &OperatorRun, status: &OperatorRunStatus) -> Value {
    if status.parameters.is_empty() {
        return json!(run.spec.parameters);
    }
    json!(status.parameters)
}

/// Returns which client plays each role: `here (local)`.
fn engines_of(engines: &EngineChoices) -> Value {
    let chosen = ByRole::from(engines);
    let shown = chosen.iter().filter_map(|(role, choice)| {
        let choice = choice.as_ref()?;
        let name = role.as_str().to_owned();
        Some((name, json!(format!("{} ({})", choice.client, choice.kind.as_str()))))
    });
    Value::Object(shown.collect())
}

/// Returns a time without the fractions of its second, which tell a person nothing.
fn to_the_second(time: Timestamp) -> String {
    time.round(Unit::Second).unwrap_or(time).to_string()
}

fn attempt_of(attempt: &Attempt) -> Value {
    let mut shown = json!({
        "state": attempt.state,
        "started": to_the_second(attempt.started_at),
        "token": attempt.token,
    });
    if let Value::Object(object) = &mut shown {
        let mut add = |label: &str, value: Option<Value>| {
            object.extend(value.map(|value| (label.to_owned(), value)));
        };
        add("outcome", attempt.outcome.map(|outcome| json!(outcome)));
        add("finished", attempt.finished_at.map(|time| json!(to_the_second(time))));
        add("job", attempt.job.as_ref().map(|job| json!(format!("{} {}", job.kind, job.id))));
        add("took", attempt.statistics.as_ref().and_then(took).map(Value::String));
        add("error", attempt.error.as_ref().map(|error| json!(error)));
        add("log", attempt.log_tail.as_ref().map(|log| json!(log)));
    }
    shown
}

/// Returns what the work of an attempt took, in words.
fn took(statistics: &AttemptStatistics) -> Option<String> {
    let AttemptStatistics { input_files, input_bytes, peak_memory_bytes, .. } = statistics;
    let length = |milliseconds: u64| match milliseconds {
        0..1_000 => format!("{milliseconds}ms"),
        _ => format!("{}.{}s", milliseconds / 1_000, milliseconds % 1_000 / 100),
    };
    let parts: Vec<String> = [
        statistics.running_milliseconds.map(|time| format!("{} of work", length(time))),
        statistics.queued_milliseconds.map(|time| format!("{} until it began", length(time))),
        input_files.zip(*input_bytes).map(|(files, bytes)| {
            format!("{} of {}", counted(files, "file"), indicatif::BinaryBytes(bytes))
        }),
        peak_memory_bytes
            .map(|bytes| format!("{} of memory at most", indicatif::BinaryBytes(bytes))),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn section(context: &VerbContext, title: &str, fields: &Value) -> String {
    let is_empty = match fields {
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    };
    if is_empty {
        return String::new();
    }
    let heading = context.printer.paint(&format!("{title}:"), Tone::Heading);
    format!("{heading}\n{}", outline::answer(fields, 1, &context.printer))
}

/// Returns a time with how long ago it was.
fn since(context: &VerbContext, time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(then) => format!("{time} ({} ago)", age(context.now.duration_since(then))),
        Err(_) => time.to_owned(),
    }
}
