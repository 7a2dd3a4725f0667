//! The store behind a connection to an API server.

use std::time::Duration;

use async_trait::async_trait;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::DynamicObject;
use serde_json::json;

use super::answer::{failed, is_expired, is_missing, readable};
use super::objects::{api_resource, object_of, wanted};
use crate::api::v1alpha1::Phase;
use crate::store::{Applied, Key, Kind, Resource, Store, StoreError};

/// How many resources one page of a list holds.
const PAGE: u32 = 500;
/// How often a list begins anew because it took so long that the API server forgot its place.
const LISTS: u32 = 3;
/// How long after that.
const BEFORE_ANOTHER_LIST: Duration = Duration::from_millis(200);

/// A store in a cluster. Copies share the connection; other clients may write at the same time.
#[derive(Clone)]
pub struct KubernetesStore {
    client: Client,
    field_manager: String,
    takes_over: bool,
}

impl KubernetesStore {
    /// Returns the store behind a connection. What it writes is recorded under the field manager, 1 to
    /// 128 characters.
    #[must_use]
    pub fn new(client: Client, field_manager: impl Into<String>) -> Self {
        Self { client, field_manager: field_manager.into(), takes_over: true }
    }

    /// Returns the store for a person who applies beside others: a field that another manager has
    /// applied with another value is [`StoreError::OwnedByOthers`], unless it is taken over by force.
    #[must_use]
    pub fn beside_others(self, takes_over: bool) -> Self {
        Self { takes_over, ..self }
    }

    /// Returns the connection.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the objects of a kind as the API server has them, in one namespace or all.
    #[must_use]
    pub fn objects(&self, kind: Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) => self.namespaced(kind, namespace),
            None => Api::all_with(self.client.clone(), &api_resource(kind)),
        }
    }

    fn namespaced(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &api_resource(kind))
    }

    pub(super) fn of(&self, key: &Key) -> Api<DynamicObject> {
        self.namespaced(key.kind, &key.namespace)
    }

    /// Asks the API server what it would say to an apply, or to a creation of what has no name yet, of
    /// which nothing is kept.
    ///
    /// # Errors
    /// As an apply.
    pub async fn try_apply(&self, resource: &Resource) -> Result<(), StoreError> {
        let key = resource.key();
        let api = self.of(&key);
        let what = key.to_string();
        let tried = if key.name.is_empty() {
            let object = object_of(wanted(resource), &key)?;
            let parameters = PostParams { dry_run: true, ..self.writing() };
            api.create(&parameters, &object).await
        } else {
            let mut parameters = PatchParams::apply(&self.field_manager).force();
            parameters.dry_run = true;
            api.patch(&key.name, &parameters, &Patch::Apply(wanted(resource))).await
        };
        tried.map(drop).map_err(|error| failed("check", &what, error))
    }

    fn applying(&self) -> PatchParams {
        let parameters = PatchParams::apply(&self.field_manager);
        if self.takes_over { parameters.force() } else { parameters }
    }

    pub(super) fn writing(&self) -> PostParams {
        PostParams { field_manager: Some(self.field_manager.clone()), ..PostParams::default() }
    }

    /// Lists page by page; nothing when the API server forgot where the last page ended.
    async fn pages(
        api: &Api<DynamicObject>,
        kind: Kind,
    ) -> Result<Option<Vec<DynamicObject>>, StoreError> {
        let mut parameters = ListParams::default().limit(PAGE);
        let mut objects = Vec::new();
        loop {
            let page = match api.list(&parameters).await {
                Ok(page) => page,
                Err(error) if is_expired(&error) => return Ok(None),
                Err(error) => return Err(failed("list", kind.plural(), error)),
            };
            objects.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => return Ok(Some(objects)),
            }
        }
    }
}

impl std::fmt::Debug for KubernetesStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KubernetesStore")
            .field("field_manager", &self.field_manager)
            .finish_non_exhaustive()
    }
}

impl KubernetesStore {
    /// Lists what the API server chooses.
    async fn chosen(
        &self,
        kind: Kind,
        namespace: &str,
        by: &ListParams,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let listed = self.namespaced(kind, namespace).list(by).await;
        let listed = listed.map_err(|error| failed("list", kind.plural(), error))?;
        Ok(listed.items.into_iter().map(|object| readable(kind, object)).collect())
    }
}

#[async_trait]
impl Store for KubernetesStore {
    async fn get(&self, key: &Key) -> Result<Option<Resource>, StoreError> {
        let found = self.of(key).get_opt(&key.name).await;
        let found = found.map_err(|error| failed("read", &key.to_string(), error))?;
        found.map(|object| readable(key.kind, object)).transpose()
    }

    async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let api = self.objects(kind, namespace);
        for _ in 0..LISTS {
            if let Some(objects) = Self::pages(&api, kind).await? {
                return Ok(objects.into_iter().map(|object| readable(kind, object)).collect());
            }
            tokio::time::sleep(BEFORE_ANOTHER_LIST).await;
        }
        // The last try says itself what is wrong.
        let all = api.list(&ListParams::default()).await;
        let all = all.map_err(|error| failed("list", kind.plural(), error))?;
        Ok(all.items.into_iter().map(|object| readable(kind, object)).collect())
    }

    async fn list_definitions(
        &self,
        namespace: &str,
        operator: &str,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let kind = Kind::OperatorDefinition;
        let chosen = ListParams::default().fields(&format!("spec.operator={operator}"));
        self.chosen(kind, namespace, &chosen).await
    }

    async fn list_unfinished(
        &self,
        kind: Kind,
        namespace: &str,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let ended = [Phase::Succeeded, Phase::Failed, Phase::Cancelled];
        let fields = ended.map(|phase| format!("status.phase!={}", phase.as_str())).join(",");
        self.chosen(kind, namespace, &ListParams::default().fields(&fields)).await
    }

    async fn list_labelled(
        &self,
        kind: Kind,
        namespace: &str,
        (label, value): (&str, &str),
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let chosen = ListParams::default().labels(&format!("{label}={value}"));
        self.chosen(kind, namespace, &chosen).await
    }

    async fn apply(&self, resource: &Resource) -> Result<(Resource, Applied), StoreError> {
        let key = resource.key();
        let api = self.of(&key);
        let before = api.get_opt(&key.name).await;
        let before = before.map_err(|error| failed("read", &key.to_string(), error))?;
        let before = before.map(|object| object.metadata.resource_version);
        let parameters = self.applying();
        let wanted = Patch::Apply(wanted(resource));
        let after = api.patch(&key.name, &parameters, &wanted).await;
        let after = after.map_err(|error| failed("apply", &key.to_string(), error))?;
        let applied = match before {
            None => Applied::Created,
            Some(version) if version == after.metadata.resource_version => Applied::Unchanged,
            Some(_) => Applied::Configured,
        };
        Ok((readable(key.kind, after)?, applied))
    }

    async fn create(&self, resource: &Resource) -> Result<Resource, StoreError> {
        let key = resource.key();
        let object = object_of(wanted(resource), &key)?;
        let created = self.of(&key).create(&self.writing(), &object).await;
        readable(key.kind, created.map_err(|error| failed("create", &key.to_string(), error))?)
    }

    async fn replace_status(&self, resource: &Resource) -> Result<Resource, StoreError> {
        let key = resource.key();
        let metadata = resource.metadata();
        if metadata.resource_version.is_none() || metadata.uid.is_none() {
            return Err(StoreError::Conflict { what: key.to_string() });
        }
        let mut document = resource.to_document();
        // The API server keeps the owners of fields.
        if let Some(metadata) = document["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let api = self.of(&key);
        #[cfg(test)]
        if crate::faults::Precondition::CompareAndSwap.is_removed() {
            let newest = api.get_opt(&key.name).await.ok().flatten();
            let newest = newest.and_then(|object| object.metadata.resource_version);
            document["metadata"]["resourceVersion"] = newest.into();
        }
        match api.replace_subresource("status", &key.name, &self.writing(), &document).await {
            Ok(stored) => readable(key.kind, stored),
            Err(error) if is_missing(&error) => Err(StoreError::Conflict { what: key.to_string() }),
            Err(error) => Err(failed("store the status of", &key.to_string(), error)),
        }
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        match self.of(key).delete(&key.name, &DeleteParams::default()).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failed("delete", &key.to_string(), error)),
        }
    }

    async fn replace_finalizers(&self, resource: &Resource) -> Result<Resource, StoreError> {
        let (key, metadata) = (resource.key(), resource.metadata());
        let wanted = json!({"metadata": {
            "uid": metadata.uid,
            "resourceVersion": metadata.resource_version,
            "finalizers": metadata.finalizers,
        }});
        let parameters = PatchParams {
            field_manager: Some(self.field_manager.clone()),
            ..PatchParams::default()
        };
        match self.of(&key).patch(&key.name, &parameters, &Patch::Merge(wanted)).await {
            Ok(stored) => readable(key.kind, stored),
            Err(error) if is_missing(&error) => Err(StoreError::Conflict { what: key.to_string() }),
            Err(error) => Err(failed("store the finalizers of", &key.to_string(), error)),
        }
    }

    async fn remove(&self, resource: &Resource) -> Result<(), StoreError> {
        let (key, metadata) = (resource.key(), resource.metadata());
        let preconditions = Preconditions {
            uid: metadata.uid.clone(),
            resource_version: metadata.resource_version.clone(),
        };
        let parameters =
            DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        match self.of(&key).delete(&key.name, &parameters).await {
            Ok(_) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(failed("delete", &key.to_string(), error)),
        }
    }
}
