//! Results that are too large for a status, or must not stand in one: stored elsewhere, and removed.
//!
//! The name under which a result is stored follows from the run's uid and the attempt, and nothing that
//! stands there is ever replaced: after a crash between storing and recording, the next pass finds
//! what was stored and takes it as the answer.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::context::RunContext;
use super::present;
use super::session::Identity;
use crate::api::v1alpha1::{
    EngineChoice, InlineResults, OperatorRun, ResultKind, ResultReference, RetainResults,
};
use crate::engines::storage::meaning_of;
use crate::engines::{EngineError, ErrorKind, Retry};
use crate::operators::Answer;
use crate::store::{Attached, StoreError};
use crate::validate::ValidRun;

/// Most bytes of a result in a `ConfigMap`, of which the API server takes 1 MiB with everything.
const ATTACHED_BYTES: usize = 900 * 1024;
/// Most bytes of a result that is stored at the config's location.
const STORED_BYTES: usize = 8 * 1024 * 1024;
/// The key under which a `ConfigMap` holds a result.
const KEY: &str = "result.json";
/// How the address of a `ConfigMap` begins.
const CONFIG_MAP: &str = "configmap://";

/// Returns how many bytes of JSON the answer of a run may have: what can be kept of it.
pub(super) fn answer_bytes(context: &RunContext, valid: &ValidRun) -> u64 {
    let bytes = match (&valid.results.location, &context.attachments) {
        (Some(_), _) => STORED_BYTES,
        (None, Some(_)) => ATTACHED_BYTES,
        (None, None) => present::RESULT_BYTES,
    };
    within(bytes, context.admission.rules.maxima.result_bytes)
}

/// Returns a bound on answers that the administrator's does not exceed.
fn within(bytes: usize, most: Option<u64>) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).min(most.unwrap_or(u64::MAX))
}

/// The results of one run.
pub(super) struct Results<'a> {
    pub(super) context: &'a RunContext,
    pub(super) run: &'a OperatorRun,
    pub(super) valid: &'a ValidRun,
    pub(super) identity: &'a Identity,
}

impl Results<'_> {
    /// Returns the answer as a status may hold it: what is too large for one, or must not stand in one,
    /// is stored, and a preview left. May be repeated: the first that was stored counts.
    pub(super) async fn keep(&self, answer: Answer) -> Result<Answer, EngineError> {
        let is_plan = answer.kind == ResultKind::Plan;
        let never = self.valid.results.inline == InlineResults::Never && !is_plan;
        if answer.data.is_null() {
            return Ok(answer);
        }
        let text = answer.data.to_string();
        if !never && text.len() <= present::RESULT_BYTES {
            return Ok(answer);
        }
        let stored = match &self.valid.results.location {
            Some(location) => Some(self.store(location, &text).await?),
            None if never || text.len() > ATTACHED_BYTES => None,
            None => self.attach(&text).await?,
        };
        let Some((uri, stored)) = stored else {
            return Ok(if never { without_data(answer) } else { answer });
        };
        let reference = Some(reference_to(uri, &stored));
        let answer = Answer { reference, ..answer };
        if never {
            return Ok(without_data(answer));
        }
        let data: Value = if stored == text {
            answer.data
        } else {
            serde_json::from_str(&stored)
                .map_err(|source| wrong("read", "it is no JSON", source))?
        };
        Ok(Answer { data: present::preview(&data), ..answer })
    }

    /// Removes what was stored of the run's result; nothing when there is nothing.
    pub(super) async fn discard(&self) -> Result<(), EngineError> {
        let result = self.run.status.as_ref().and_then(|status| status.result.as_ref());
        let Some(reference) = result.and_then(|result| result.reference.as_ref()) else {
            return Ok(());
        };
        if let Some(place) = reference.uri.strip_prefix(CONFIG_MAP) {
            let Some(attachments) = &self.context.attachments else { return Ok(()) };
            let name = place.split('/').next().unwrap_or_default();
            let removed = attachments.detach(self.run, name).await;
            return removed.map_err(|error| unkept("remove the result", error));
        }
        let Some((client, path)) = reference.uri.split_once(':') else { return Ok(()) };
        let objects = self.objects(client).await?;
        match objects.delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage_error(client, "remove the result", error)),
        }
    }

    /// Stores a text at the config's location, or returns what is there; with its address.
    async fn store(&self, location: &str, text: &str) -> Result<(String, String), EngineError> {
        let (client, folder) = location.split_once(':').unwrap_or((location, ""));
        let name = format!("{}-{}.json", self.identity.owner.run_uid, self.identity.owner.attempt);
        let path = match folder.trim_matches('/') {
            "" => name,
            folder => format!("{folder}/{name}"),
        };
        let objects = self.objects(client).await?;
        let operation = "store the result";
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let (at, payload) = (Path::from(path.as_str()), PutPayload::from(text.to_owned()));
        let stored = match objects.put_opts(&at, payload, options).await {
            Ok(_) => text.to_owned(),
            Err(object_store::Error::AlreadyExists { .. }) => {
                let found = objects.get(&at).await;
                let found = found.map_err(|error| storage_error(client, operation, error))?;
                let bytes = found.bytes().await;
                let bytes = bytes.map_err(|error| storage_error(client, operation, error))?;
                String::from_utf8(bytes.into())
                    .map_err(|source| wrong(operation, "what is there is no text", source))?
            }
            Err(error) => return Err(storage_error(client, operation, error)),
        };
        Ok((format!("{client}:{path}"), stored))
    }

    /// Puts a text into a `ConfigMap` beside the run, where there are such; with its address.
    async fn attach(&self, text: &str) -> Result<Option<(String, String)>, EngineError> {
        let Some(attachments) = &self.context.attachments else { return Ok(None) };
        let owner = &self.identity.owner;
        let name = map_name(&owner.run, &format!("{}/{}", owner.run_uid, owner.attempt));
        let attached = Attached {
            name: &name,
            key: KEY,
            text,
            token: &self.identity.token.0,
            goes_with_run: self.valid.results.retain == RetainResults::WithRun,
        };
        let stored = attachments.attach(self.run, &attached).await;
        let stored = stored.map_err(|error| unkept("store the result", error))?;
        Ok(Some((format!("{CONFIG_MAP}{name}/{KEY}"), stored)))
    }

    async fn objects(&self, client: &str) -> Result<Arc<dyn ObjectStore>, EngineError> {
        let kind = self.valid.client(client).and_then(crate::api::v1alpha1::ClientConfig::kind);
        let Some(kind) = kind else {
            let message = format!("the config had no client `{client}` for results");
            return Err(EngineError::new(
                ErrorKind::InvalidInput,
                client,
                "open a client",
                message,
            ));
        };
        let chosen = EngineChoice { client: client.to_owned(), kind };
        let storage = self.context.open_engines.open_storage(self.valid, &chosen).await?;
        Ok(storage.objects())
    }
}

/// Returns the name of a `ConfigMap`: how the run's begins, and what follows from its uid and attempt; 63
/// characters at most.
fn map_name(run: &str, identity: &str) -> String {
    let begin: String = run.chars().map(|c| if c == '.' { '-' } else { c }).take(40).collect();
    format!("{}-result-{}", begin.trim_end_matches('-'), &digest_of(identity)[..12])
}

fn digest_of(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// An answer that is stored whole is not cut, though no row of it stands in the status.
fn without_data(answer: Answer) -> Answer {
    let truncated = answer.truncated || answer.reference.is_none();
    Answer { data: Value::Null, truncated, ..answer }
}

fn reference_to(uri: String, text: &str) -> ResultReference {
    let digest = digest_of(text);
    let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
    ResultReference { uri, sha256: format!("sha256:{digest}"), bytes }
}

fn wrong(
    operation: &str,
    what: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> EngineError {
    let message = format!("the result that is stored already cannot be used: {what}");
    EngineError::new(ErrorKind::Unexpected, "mason", operation, message).with_source(source)
}

fn storage_error(client: &str, operation: &str, error: object_store::Error) -> EngineError {
    let kind = meaning_of(&error).unwrap_or(ErrorKind::Unavailable);
    EngineError::new(kind, client, operation, error.to_string()).with_source(error)
}

fn unkept(operation: &str, error: StoreError) -> EngineError {
    let kind = match &error {
        StoreError::Refused { .. } | StoreError::Conflict { .. } => ErrorKind::Conflict,
        _ => ErrorKind::Unavailable,
    };
    let retry = if kind == ErrorKind::Conflict { Retry::Never } else { Retry::Later };
    EngineError::new(kind, "kubernetes", operation, error.to_string())
        .with_retry(retry)
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn no_answer_is_larger_than_the_administrator_allows() {
        assert_eq!(within(900, None), 900);
        assert_eq!(within(900, Some(100)), 100);
        assert_eq!(within(900, Some(1_000)), 900);
    }
}
