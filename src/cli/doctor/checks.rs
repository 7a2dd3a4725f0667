//! The checks in their order, and what all of them share.

use serde::Serialize;

use super::{cluster, folder};
use crate::api::resource::Resource;
use crate::api::v1alpha1::MasonConfig;
use crate::cli::verb_context::VerbContext;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verdict {
    /// It is as it has to be.
    Ok,
    /// Something that not every installation needs does not work, or could not be checked.
    Warning,
    /// Mason does not work like this.
    Failed,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Check {
    /// What was looked at.
    pub check: String,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Check {
    pub(super) fn ok(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), verdict: Verdict::Ok, message: message.into(), hint: None }
    }

    pub(super) fn failed(check: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (check, hint) = (check.to_owned(), Some(hint.into()));
        Self { check, verdict: Verdict::Failed, message: message.into(), hint }
    }

    pub(super) fn warning(
        check: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Warning, ..Self::failed(check, message, hint) }
    }
}

/// Looks at everything; nothing is changed, but for a file that is made and removed in a folder.
pub(crate) async fn checks(context: &VerbContext, service_account: Option<&str>) -> Vec<Check> {
    match &context.cluster {
        Some(cluster) => cluster::checks(context, cluster, service_account).await,
        None => folder::checks(context).await,
    }
}

/// Returns whether a config's controller says that it is ready, and why not.
pub(super) fn readiness_of(config: &MasonConfig) -> Result<(), String> {
    let conditions = config.status.iter().flat_map(|status| &status.conditions);
    match conditions.into_iter().find(|condition| condition.type_ == "Ready") {
        Some(ready) if ready.status == "True" => Ok(()),
        Some(ready) => Err(format!("is not ready: {}: {}", ready.reason, ready.message)),
        None => Err("was not looked at by a controller yet".to_owned()),
    }
}

pub(super) fn configs_of(resources: Vec<Resource>) -> Vec<MasonConfig> {
    let config = |resource| match resource {
        Resource::MasonConfig(config) => Some(*config),
        _ => None,
    };
    resources.into_iter().filter_map(config).collect()
}
