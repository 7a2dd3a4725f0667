//! Whether this process leads, and its part in the contest for the Lease.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use tokio::sync::{oneshot, watch};

use super::decide::{HOLDS, RETRY};
use super::lease::Lease;
use crate::metrics::Metrics;

/// How long a released lease may take to be written.
const RELEASE: Duration = Duration::from_secs(3);

/// The Lease that replicas contend for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSettings {
    /// Its namespace; that of the connection when absent.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What this process is called in it; no other process is called so.
    pub identity: String,
}

/// Whether this process is the one that reconciles.
pub(crate) struct Leadership {
    until: Arc<Until>,
    changes: watch::Receiver<bool>,
    /// Ends the contest and gives the lease back.
    release: Mutex<Option<(oneshot::Sender<()>, tokio::task::JoinHandle<()>)>>,
}

/// Until when the lease is held; for ever when there is none to hold.
#[derive(Debug, Default)]
struct Until(Mutex<Option<Instant>>);

impl Until {
    fn set(&self, until: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn is_after(&self, now: Instant) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| now < until)
    }
}

impl Leadership {
    /// Returns the leadership of a process without a lease to contend for.
    pub(crate) fn alone() -> Self {
        let until = Until::default();
        until.set(Instant::now().checked_add(Duration::from_secs(u64::from(u32::MAX))));
        let (_, changes) = watch::channel(true);
        Self { until: Arc::new(until), changes, release: Mutex::default() }
    }

    /// Begins to contend for a lease, in a task of its own.
    pub(crate) fn contend(client: &Client, settings: &LeaseSettings, metrics: &Metrics) -> Self {
        let (report, changes) = watch::channel(false);
        let (release, released) = oneshot::channel();
        let until = Arc::new(Until::default());
        let status = metrics.leading.with_label_values(&[settings.name.as_str()]);
        status.set(0);
        let contest = Contest {
            lease: Lease::new(client, settings),
            until: Arc::clone(&until),
            report: Box::new(move |leads| {
                status.set(i64::from(leads));
                report.send_if_modified(|known| std::mem::replace(known, leads) != leads)
            }),
        };
        let task = tokio::spawn(contest.run(released));
        Self { until, changes, release: Mutex::new(Some((release, task))) }
    }

    /// Returns whether work may begin now. Asked before every pass: a process that was stopped for
    /// longer than its lease lasts finds out here first.
    pub(crate) fn holds(&self) -> bool {
        self.until.is_after(Instant::now())
    }

    /// Waits until this process leads, or until it does not.
    pub(crate) async fn until(&self, leads: bool) {
        // The contest ends only with a release, after which no task asks.
        drop(self.changes.clone().wait_for(|&now| now == leads).await);
        if *self.changes.borrow() != leads {
            std::future::pending::<()>().await;
        }
    }

    /// Gives the lease back, so that another replica goes on at once.
    pub(crate) async fn release(&self) {
        let release = self.release.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((release, task)) = release else { return };
        let _ = release.send(());
        drop(tokio::time::timeout(RELEASE, task).await);
    }
}

/// One process's part in the contest for a lease.
struct Contest {
    lease: Lease,
    until: Arc<Until>,
    report: Box<dyn Fn(bool) -> bool + Send + Sync>,
}

impl Contest {
    async fn run(mut self, mut released: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                () = self.look() => {}
                _ = &mut released => break,
            }
            tokio::select! {
                () = self.pause() => {}
                _ = &mut released => break,
            }
        }
        let leads = self.until.is_after(Instant::now());
        self.stand_down();
        if leads && let Err(error) = self.lease.release().await {
            tracing::warn!(%error, "failed to give the lease back; it expires");
        }
    }

    /// Looks at the lease and takes or renews it, within the time that is left of it.
    async fn look(&mut self) {
        // What is held is counted from before the request: when it arrives is not known.
        let asked = Instant::now();
        let looked = tokio::time::timeout(HOLDS / 2, self.lease.look()).await;
        match looked {
            Ok(Ok(true)) => {
                self.until.set(asked.checked_add(HOLDS));
                if (self.report)(true) {
                    tracing::info!(identity = self.lease.identity(), "leading");
                }
            }
            Ok(Ok(false)) => self.stand_down(),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "failed to renew or read the lease");
                self.stand_down_if_over();
            }
            Err(_) => {
                tracing::warn!("the API server did not answer for the lease in time");
                self.stand_down_if_over();
            }
        }
    }

    /// Waits until the next look is due, or until what is held is over.
    async fn pause(&self) {
        tokio::time::sleep(RETRY).await;
        self.stand_down_if_over();
    }

    fn stand_down_if_over(&self) {
        if !self.until.is_after(Instant::now()) {
            self.stand_down();
        }
    }

    fn stand_down(&self) {
        self.until.set(None);
        if (self.report)(false) {
            tracing::info!(identity = self.lease.identity(), "standing by");
        }
    }
}
