//! Begins to log, and to export spans.

#[cfg(feature = "otel")]
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::error::Error;
use super::json;
use super::panics::report_panics;
use super::settings::{LogFormat, Logging, Telemetry};
#[cfg(feature = "otel")]
use super::traces;

/// Keeps the export of spans alive; dropping it flushes and ends the export.
#[derive(Debug, Default)]
#[must_use]
pub struct Reporting {
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
    // A subscriber that was set before stays.
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}

/// Begins to log and export what an unattended process does, its panics among it.
///
/// # Errors
/// When the filter is not one, or spans cannot be exported as asked for.
pub fn start_reporting(telemetry: &Telemetry) -> Result<Reporting, Error> {
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
    let reporting = export(telemetry.traces.as_deref(), &mut layers)?;
    // A subscriber that was set before stays.
    drop(tracing::subscriber::set_global_default(Registry::default().with(layers)));
    report_panics();
    Ok(reporting)
}

#[cfg(feature = "otel")]
fn export(
    endpoint: Option<&str>,
    layers: &mut Vec<Box<dyn Layer<Registry> + Send + Sync>>,
) -> Result<Reporting, Error> {
    let Some(endpoint) = endpoint else { return Ok(Reporting::default()) };
    let (exporting, tracer) = traces::Exporting::begin(endpoint)?;
    let ours = Targets::new().with_target("mason", LevelFilter::INFO);
    let spans = tracing_opentelemetry::layer().with_tracer(tracer);
    layers.push(spans.with_location(false).with_threads(false).with_filter(ours).boxed());
    Ok(Reporting { _traces: Some(exporting) })
}

#[cfg(not(feature = "otel"))]
fn export(
    endpoint: Option<&str>,
    _: &mut Vec<Box<dyn Layer<Registry> + Send + Sync>>,
) -> Result<Reporting, Error> {
    if endpoint.is_some() { Err(Error::NoTraces) } else { Ok(Reporting::default()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = start(&Logging::Filter("mason=loud".to_owned()), false);
        let text = error.expect_err("should be refused").to_string();
        assert_eq!(text, "\"mason=loud\" is not a filter for logging");
    }
}
