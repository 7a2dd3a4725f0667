//! Export of spans to an OpenTelemetry collector: run, pass, step, call of an engine.
//!
//! All passes over one run are in one trace, whose id is the run's uid, whichever process made them. A
//! collector that does not answer costs spans, never work: they are sent from a thread of their own and
//! dropped when too many wait.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::error::Error;
use super::runs::EndedRun;

/// How long a collector may take to accept spans.
const PATIENCE: Duration = Duration::from_secs(5);

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Spans that are exported until this is dropped.
#[derive(Debug)]
pub(super) struct Exporting {
    provider: SdkTracerProvider,
    /// Ends the thread that the connections to the collector are on.
    _running: tokio::sync::oneshot::Sender<()>,
}

impl Exporting {
    /// Begins to export to a collector that speaks OTLP over HTTP, for example
    /// `http://collector:4318`; returns it with what makes the spans.
    pub(super) fn begin(endpoint: &str) -> Result<(Self, SdkTracer), Error> {
        let fail = |source: Box<dyn std::error::Error + Send + Sync>| Error::Traces {
            endpoint: endpoint.to_owned(),
            source,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| fail(Box::new(error)))?;
        let handle = runtime.handle().clone();
        let (running, ended) = tokio::sync::oneshot::channel::<()>();
        let named = std::thread::Builder::new().name("traces".to_owned());
        let spawned = named.spawn(move || drop(runtime.block_on(ended)));
        spawned.map_err(|error| fail(Box::new(error)))?;
        let entered = handle.enter();
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| fail(Box::new(error)))?;
        drop(entered);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(OnRuntime { exporter, handle, failed: AtomicBool::new(false) })
            .with_id_generator(Ids::default())
            .with_resource(Resource::builder().with_service_name("mason").build())
            .build();
        let tracer = provider.tracer("mason");
        drop(TRACER.set(tracer.clone()));
        Ok((Self { provider, _running: running }, tracer))
    }
}

impl Drop for Exporting {
    /// Sends what is left, as long as the collector has patience.
    fn drop(&mut self) {
        drop(self.provider.shutdown_with_timeout(PATIENCE));
    }
}

/// Makes a span part of the trace of a run.
pub(super) fn join(span: &tracing::Span, uid: &str) {
    if TRACER.get().is_some()
        && let Some((trace, root)) = ids_of(uid)
    {
        let parent = SpanContext::new(trace, root, TraceFlags::SAMPLED, true, TraceState::NONE);
        // Without a layer that exports there is nothing to be part of.
        drop(span.set_parent(Context::new().with_remote_span_context(parent)));
    }
}

/// Exports the span of a whole run, which its passes are part of.
pub(super) fn end_run(run: &EndedRun<'_>) {
    let (Some(tracer), Some(ids)) = (TRACER.get(), ids_of(run.uid)) else { return };
    let attributes = [
        ("mason.operator", run.operator),
        ("mason.phase", run.phase),
        ("mason.reason", run.reason),
        ("k8s.namespace.name", run.namespace),
        ("mason.run", run.name),
    ];
    let attributes = attributes.map(|(name, value)| KeyValue::new(name, value.to_owned()));
    let began: SystemTime = run.began.into();
    let builder = SpanBuilder::from_name("run").with_start_time(began).with_attributes(attributes);
    FORCED.set(Some(ids));
    let mut span = tracer.build_with_context(builder, &Context::new());
    FORCED.set(None);
    if run.phase == "Failed" {
        span.set_status(Status::error(run.reason.to_owned()));
    }
    span.end_with_timestamp(run.ended.into());
}

/// Returns the ids of a run's trace and of its span: made of its uid, so that every process knows them.
fn ids_of(uid: &str) -> Option<(TraceId, SpanId)> {
    let bytes = uuid::Uuid::parse_str(uid).ok()?.into_bytes();
    let mut span = [0; 8];
    span.copy_from_slice(&bytes[8..]);
    Some((TraceId::from_bytes(bytes), SpanId::from_bytes(span)))
}

thread_local! {
    static FORCED: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// Makes ids by chance, but those of a run's own span.
#[derive(Debug, Default)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        FORCED.get().map_or_else(|| self.0.new_trace_id(), |(trace, _)| trace)
    }

    fn new_span_id(&self) -> SpanId {
        FORCED.get().map_or_else(|| self.0.new_span_id(), |(_, span)| span)
    }
}

/// Sends spans from a thread without a runtime over connections of one.
struct OnRuntime<E> {
    exporter: E,
    handle: tokio::runtime::Handle,
    /// Whether the last export failed.
    failed: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for OnRuntime<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let work = Box::pin(self.exporter.export(batch));
        let done = Entered { work, handle: self.handle.clone() }.await;
        let before = self.failed.swap(done.is_err(), Ordering::Relaxed);
        match &done {
            Err(error) if !before => {
                tracing::warn!(%error, count, "failed to export traces; they are lost, work goes on");
            }
            Ok(()) if before => tracing::info!("traces are exported again"),
            _ => {}
        }
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: fmt::Debug> fmt::Debug for OnRuntime<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OnRuntime")
            .field("exporter", &self.exporter)
            .finish_non_exhaustive()
    }
}

/// Work that believes to be on a runtime.
struct Entered<F> {
    work: Pin<Box<F>>,
    handle: tokio::runtime::Handle,
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<F::Output> {
        let handle = self.handle.clone();
        let _entered = handle.enter();
        self.work.as_mut().poll(context)
    }
}
