//! Serves health and metrics, and has the watchdog look at every queue.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};

use super::gate::Gate;
use super::watchdog::{Stuck, Watchdog, What};
use crate::metrics::{self, Metrics};

/// How often the watchdog looks, at most.
const TICK: Duration = Duration::from_secs(5);

/// What is served where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serving {
    /// Where `/healthz` and `/readyz` are served.
    pub(crate) health: SocketAddr,
    /// Where `/metrics` is served; beside health when absent.
    pub(crate) metrics: Option<SocketAddr>,
    /// How long work may stand still.
    pub(crate) stuck_after: Duration,
}

/// Why nothing is served.
#[derive(Debug)]
pub(crate) struct ServeError {
    pub(crate) address: SocketAddr,
    pub(crate) source: std::io::Error,
}

/// The health of the process: ready once every gate is open.
#[derive(Debug)]
pub(crate) struct Health {
    address: SocketAddr,
    metrics: SocketAddr,
    shared: Arc<Shared>,
    starting: Gate,
}

#[derive(Debug)]
struct Shared {
    closed: Arc<AtomicUsize>,
    stuck: Mutex<Vec<Stuck>>,
    stuck_after: Duration,
    metrics: Metrics,
}

impl Health {
    /// Serves health and metrics until the process ends.
    pub(crate) fn serve(serving: Serving, metrics: &Metrics) -> Result<Self, ServeError> {
        let (health, address) = bind(serving.health)?;
        let other = serving.metrics.map(bind).transpose()?;
        let closed = Arc::default();
        let shared = Arc::new(Shared {
            closed: Arc::clone(&closed),
            stuck: Mutex::default(),
            stuck_after: serving.stuck_after,
            metrics: metrics.clone(),
        });
        let metrics = other.as_ref().map_or(address, |(_, address)| *address);
        let served = (health, other.map(|(listener, _)| listener));
        let (name, sharing) = ("health".to_owned(), Arc::clone(&shared));
        let spawned = std::thread::Builder::new().name(name).spawn(move || {
            if let Err(error) = work(served, sharing) {
                tracing::error!(%error, "failed to serve health");
            }
        });
        spawned.map_err(|source| ServeError { address, source })?;
        Ok(Self { address, metrics, starting: Gate::new(&closed), shared })
    }

    /// Returns where health is served.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns where metrics are served.
    pub(crate) fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// Returns a gate, closed.
    pub(crate) fn gate(&self) -> Gate {
        Gate::new(&self.shared.closed)
    }

    /// Says that every gate there will be has been taken.
    pub(crate) fn has_started(&self) {
        self.starting.open();
    }
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| ServeError { address, source })
}

/// Serves and looks until the process ends.
fn work(
    (health, metrics): (TcpListener, Option<TcpListener>),
    shared: Arc<Shared>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let mut routes = Router::new()
            .route("/healthz", only_get(get(healthz)))
            .route("/readyz", only_get(get(readyz)));
        let texts = Router::new().route("/metrics", only_get(get(metrics_text)));
        if metrics.is_none() {
            routes = routes.merge(texts.clone());
        }
        let apart = async {
            match metrics {
                None => std::future::pending().await,
                Some(listener) => listen(listener, texts, &shared).await,
            }
        };
        tokio::select! {
            ended = listen(health, routes, &shared) => ended,
            ended = apart => ended,
            () = watch(&shared) => Ok(()),
        }
    })
}

async fn listen(
    listener: TcpListener,
    routes: Router<Arc<Shared>>,
    shared: &Arc<Shared>,
) -> std::io::Result<()> {
    let nothing =
        || async { (StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics\n") };
    let routes = routes.fallback(nothing).with_state(Arc::clone(shared));
    axum::serve(tokio::net::TcpListener::from_std(listener)?, routes).await
}

fn only_get(route: MethodRouter<Arc<Shared>>) -> MethodRouter<Arc<Shared>> {
    route.fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "only GET\n") })
}

async fn healthz(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    let stuck = shared.stuck.lock().unwrap_or_else(PoisonError::into_inner);
    if stuck.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let alarms = stuck.iter().map(|stuck| sentence(stuck, shared.stuck_after) + "\n");
    (StatusCode::SERVICE_UNAVAILABLE, alarms.collect())
}

async fn readyz(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    match shared.closed.load(Ordering::Acquire) {
        0 => (StatusCode::OK, "ok\n".to_owned()),
        closed => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{closed} watches have not begun yet\n"))
        }
    }
}

async fn metrics_text(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], shared.metrics.text())
}

fn sentence(stuck: &Stuck, limit: Duration) -> String {
    let (controller, seconds) = (stuck.controller, limit.as_secs());
    match stuck.what {
        What::Pass => format!("{controller}: a pass has not ended for {seconds} s"),
        What::Queue => {
            format!("{controller}: resources wait, and no pass has begun for {seconds} s")
        }
    }
}

/// Looks at every queue again and again.
async fn watch(shared: &Shared) {
    let tick = TICK.min(shared.stuck_after / 4).max(Duration::from_millis(10));
    let (mut watchdog, mut last) = (Watchdog::new(shared.stuck_after), Instant::now());
    loop {
        tokio::time::sleep(tick).await;
        let now = Instant::now();
        // A process that was stopped has not worked, but it has not stood still either.
        let elapsed = now.duration_since(last).min(tick * 2);
        last = now;
        let queues = shared.metrics.controllers.queues();
        let samples: Vec<_> =
            queues.iter().map(|(id, name, queue)| (*id, *name, queue.sample(now))).collect();
        let found = watchdog.look(&samples, elapsed);
        for stuck in found.iter().filter(|stuck| stuck.is_new) {
            let alarm = sentence(stuck, shared.stuck_after);
            tracing::error!(controller = stuck.controller, "{alarm}");
            let labels = [stuck.controller, stuck.what.as_str()];
            shared.metrics.alarms.with_label_values(&labels).inc();
        }
        for (_, name, _) in &queues {
            let is_stuck = found.iter().any(|stuck| stuck.controller == *name);
            shared.metrics.stuck.with_label_values(&[*name]).set(i64::from(is_stuck));
        }
        *shared.stuck.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }
}
