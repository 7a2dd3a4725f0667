//! Watches: everything that happens after a version, in order or in scripted disorder.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream;
use http::Response;
use serde_json::json;
use tokio::sync::watch::Receiver;

use super::answer::Answer;
use super::objects::{Address, Stored};
use super::request::Asked;
use super::{ApiServer, Disorder};

/// How long an event is kept back for one that may follow.
const KEPT_BACK: Duration = Duration::from_millis(20);

/// Answers with a stream of events, one a line.
pub(super) fn open(server: &ApiServer, asked: &Asked) -> Response<Body> {
    let from = asked.number("resourceVersion").unwrap_or_default();
    let newer = {
        let state = server.state();
        if from < state.objects.oldest() {
            return Answer::failure(410, "too old resource version").into_response();
        }
        state.objects.follow()
    };
    let watch = Watch {
        server: server.clone(),
        of: asked.address.clone(),
        seen: from,
        newer,
        told: 0,
        kept_back: None,
        ready: VecDeque::new(),
        is_over: false,
    };
    let lines = stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(line)), watch))
    });
    Response::new(Body::from_stream(lines))
}

struct Watch {
    server: ApiServer,
    of: Address,
    seen: u64,
    newer: Receiver<u64>,
    told: u64,
    kept_back: Option<String>,
    ready: VecDeque<String>,
    is_over: bool,
}

impl Watch {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            self.newer.borrow_and_update();
            let (events, disorder) = {
                let state = self.server.state();
                (state.objects.since(&self.of, self.seen), state.disorder)
            };
            for event in events {
                self.seen = event.version;
                self.take(&event, disorder);
            }
            if self.ready.is_empty() && !self.is_over {
                self.wait().await?;
            }
        }
    }

    /// Waits for another version, for ever; an event that is kept back is told soon all the same.
    async fn wait(&mut self) -> Option<()> {
        match self.kept_back.take() {
            None => self.newer.changed().await.ok(),
            Some(line) => {
                match tokio::time::timeout(KEPT_BACK, self.newer.changed()).await {
                    Ok(_) => self.kept_back = Some(line),
                    Err(_) => self.ready.push_back(line),
                }
                Some(())
            }
        }
    }

    fn take(&mut self, event: &Stored, disorder: Disorder) {
        if self.is_over {
            return;
        }
        self.told += 1;
        let is_due = |every: u64| every > 0 && self.told.is_multiple_of(every);
        let line = format!("{}\n", json!({"type": event.word, "object": event.document}));
        if is_due(disorder.expire_every) {
            let expired = Answer::failure(410, "too old resource version").body;
            self.ready.push_back(format!("{}\n", json!({"type": "ERROR", "object": expired})));
            self.is_over = true;
            return;
        }
        let (repeat, swap) = (is_due(disorder.repeat_every), is_due(disorder.swap_every));
        if swap && self.kept_back.is_none() {
            self.kept_back = Some(line);
            return;
        }
        if repeat {
            self.ready.push_back(line.clone());
        }
        self.ready.push_back(line);
        self.ready.extend(self.kept_back.take());
    }
}
