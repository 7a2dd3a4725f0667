//! `ConfigMap`s beside a run, for results that a status has no room for.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Resource as _;
use kube::api::{Api, DeleteParams, ObjectMeta, Preconditions};

use super::answer::{failed, is_missing};
use super::kubernetes_store::KubernetesStore;
use crate::api::labels::{MANAGED_BY, MANAGER, TOKEN};
use crate::api::v1alpha1::OperatorRun;
use crate::store::{Attached, Attachments, StoreError};

impl KubernetesStore {
    fn config_maps(&self, run: &OperatorRun) -> Api<ConfigMap> {
        let namespace = run.metadata.namespace.as_deref().unwrap_or("default");
        Api::namespaced(self.client().clone(), namespace)
    }
}

#[async_trait]
impl Attachments for KubernetesStore {
    async fn attach(
        &self,
        run: &OperatorRun,
        attached: &Attached<'_>,
    ) -> Result<String, StoreError> {
        let (api, what) = (self.config_maps(run), format!("ConfigMap {}", attached.name));
        let wanted = config_map(run, attached);
        match api.create(&self.writing(), &wanted).await {
            Ok(_) => return Ok(attached.text.to_owned()),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(failed("create", &what, error)),
        }
        let found = api.get(attached.name).await.map_err(|error| failed("read", &what, error))?;
        let text = found.data.and_then(|mut data| data.remove(attached.key));
        let annotations = found.metadata.annotations.unwrap_or_default();
        match text.filter(|_| annotations.get(TOKEN).is_some_and(|token| token == attached.token)) {
            Some(text) => Ok(text),
            None => Err(StoreError::Conflict { what }),
        }
    }

    async fn detach(&self, run: &OperatorRun, name: &str) -> Result<(), StoreError> {
        let (api, what) = (self.config_maps(run), format!("ConfigMap {name}"));
        let fail = |error| failed("delete", &what, error);
        let Some(found) = api.get_opt(name).await.map_err(fail)? else { return Ok(()) };
        let managed = found.metadata.labels.as_ref().and_then(|labels| labels.get(MANAGED_BY));
        if managed.is_none_or(|manager| manager != MANAGER) {
            return Ok(());
        }
        let preconditions = Preconditions { uid: found.metadata.uid, resource_version: None };
        let parameters =
            DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match api.delete(name, &parameters).await {
            Ok(_) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(fail(error)),
        }
    }
}

fn config_map(run: &OperatorRun, attached: &Attached<'_>) -> ConfigMap {
    let owner = run.controller_owner_ref(&()).filter(|_| attached.goes_with_run);
    let text = |key: &str, value: &str| Some([(key.to_owned(), value.to_owned())].into());
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(attached.name.to_owned()),
            labels: text(MANAGED_BY, MANAGER),
            annotations: text(TOKEN, attached.token),
            owner_references: owner.map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: text(attached.key, attached.text),
        immutable: Some(true),
        ..ConfigMap::default()
    }
}
