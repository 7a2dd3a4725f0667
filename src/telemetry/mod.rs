//! Logging and traces: lines on standard error, and spans for a collector, only when somebody asks.
//!
//! Results go to standard output and messages for people are printed by the command line itself;
//! this is for looking into Mason. Imports nothing of ours.

mod json;
#[cfg(feature = "otel")]
mod traces;

use std::any::Any;

use jiff::Timestamp;
use tracing_subscriber::filter::LevelFilter;
#[cfg(feature = "otel")]
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Most bytes that are told of a panic.
const PANIC_BYTES: usize = 400;

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logging {
    /// Nothing.
    Off,
    /// Everything of Mason from a level on.
    Level(LevelFilter),
    /// What a filter says, in tracing's notation: `mason=debug,datafusion=info`.
    Filter(String),
}

impl Logging {
    /// Returns what is logged by a process that nobody looks at while it works: no less than what
    /// happens.
    #[must_use]
    pub fn or_info(&self) -> Self {
        match self {
            Self::Off => Self::Level(LevelFilter::INFO),
            chosen => chosen.clone(),
        }
    }
}

/// How a line of a log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object on each line, for programs.
    Json,
}

/// What a process that nobody looks at while it works tells about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// What is logged.
    pub logging: Logging,
    /// How.
    pub format: LogFormat,
    /// Whether text may be coloured.
    pub colour: bool,
    /// The collector that spans are exported to, `http://collector:4318`.
    pub traces: Option<String>,
}

/// A run that has ended, for its trace.
#[derive(Debug, Clone, Copy)]
pub struct EndedRun<'a> {
    /// Its uid.
    pub uid: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its operator.
    pub operator: &'a str,
    /// Its phase.
    pub phase: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When it was created.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

/// Why logging or tracing cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error("{filter:?} is not a filter for logging")]
    Filter {
        /// The text.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Spans cannot be exported there.
    #[error("failed to set up the export of traces to {endpoint:?}")]
    Traces {
        /// Where.
        endpoint: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// This program cannot export spans.
    #[error("this program was built without the export of traces")]
    NoTraces,
}

/// What has to live as long as something is told.
#[derive(Debug, Default)]
#[must_use]
pub struct Telling {
    #[cfg(feature = "otel")]
    _traces: Option<traces::Exporting>,
}

/// Begins to log to standard error; costs nothing when nothing is logged. A second call changes
/// nothing.
///
/// # Errors
/// When the filter is not one.
pub fn start(logging: &Logging, colour: bool) -> Result<(), Error> {
    let Some(filter) = filter(logging)? else { return Ok(()) };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .finish();
    // Somebody who set a subscriber before keeps it.
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}

/// Begins to tell what a process that nobody looks at does, and of panics as of anything else.
///
/// # Errors
/// When the filter is not one, or spans cannot be exported as asked for.
pub fn start_telling(telemetry: &Telemetry) -> Result<Telling, Error> {
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = Vec::new();
    if let Some(filter) = filter(&telemetry.logging)? {
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        layers.push(match telemetry.format {
            LogFormat::Text => lines.with_ansi(telemetry.colour).with_filter(filter).boxed(),
            LogFormat::Json => {
                let lines = lines.fmt_fields(JsonFields::new()).event_format(json::Json);
                lines.with_ansi(false).with_filter(filter).boxed()
            }
        });
    }
    let telling = export(telemetry.traces.as_deref(), &mut layers)?;
    // Somebody who set a subscriber before keeps it.
    drop(tracing::subscriber::set_global_default(Registry::default().with(layers)));
    tell_panics();
    Ok(telling)
}

#[cfg(feature = "otel")]
fn export(
    endpoint: Option<&str>,
    layers: &mut Vec<Box<dyn Layer<Registry> + Send + Sync>>,
) -> Result<Telling, Error> {
    let Some(endpoint) = endpoint else { return Ok(Telling::default()) };
    let (exporting, tracer) = traces::Exporting::begin(endpoint)?;
    let ours = Targets::new().with_target("mason", LevelFilter::INFO);
    let spans = tracing_opentelemetry::layer().with_tracer(tracer);
    layers.push(spans.with_location(false).with_threads(false).with_filter(ours).boxed());
    Ok(Telling { _traces: Some(exporting) })
}

#[cfg(not(feature = "otel"))]
fn export(
    endpoint: Option<&str>,
    _: &mut Vec<Box<dyn Layer<Registry> + Send + Sync>>,
) -> Result<Telling, Error> {
    if endpoint.is_some() { Err(Error::NoTraces) } else { Ok(Telling::default()) }
}

fn filter(logging: &Logging) -> Result<Option<EnvFilter>, Error> {
    Ok(match logging {
        Logging::Off => None,
        Logging::Level(level) => Some(EnvFilter::builder().parse_lossy(format!("mason={level}"))),
        Logging::Filter(filter) => {
            let wrong = |source| Error::Filter { filter: filter.clone(), source };
            Some(EnvFilter::builder().parse(filter).map_err(wrong)?)
        }
    })
}

/// Logs panics as anything else is logged, with the fields of the spans around them.
fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, panic = panic_text(panic.payload()), "panicked");
    }));
}

/// Returns what is told of a panic: the beginning of its message.
#[must_use]
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("without a message");
    text[..text.floor_char_boundary(PANIC_BYTES)].to_owned()
}

/// Makes a span part of the trace of a run, if traces are exported.
pub fn join_trace(span: &tracing::Span, run_uid: &str) {
    #[cfg(feature = "otel")]
    traces::join(span, run_uid);
    #[cfg(not(feature = "otel"))]
    let _ = (span, run_uid);
}

/// Exports the span of a whole run, if traces are exported.
pub fn end_trace(run: &EndedRun<'_>) {
    #[cfg(feature = "otel")]
    traces::end_run(run);
    #[cfg(not(feature = "otel"))]
    let _ = run;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = start(&Logging::Filter("mason=loud".to_owned()), false);
        let text = error.expect_err("should be refused").to_string();
        assert_eq!(text, "\"mason=loud\" is not a filter for logging");
    }

    #[test]
    fn the_beginning_of_a_panic_is_told() {
        let text = "é".repeat(PANIC_BYTES);
        assert_eq!(panic_text(&text), "é".repeat(PANIC_BYTES / 2));
        assert_eq!(panic_text(&"short"), "short");
        assert_eq!(panic_text(&7), "without a message");
    }
}
