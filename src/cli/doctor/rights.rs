//! What a person, or the account of a controller, may do: asked of the API server, which decides it.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview,
    SubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};

use super::checks::Check;
use crate::api::GROUP;
use crate::cli::cluster::Cluster;
use crate::cli::verb_context::VerbContext;

/// A resource and verbs on it: group, resource with subresource, verbs.
type Right = (&'static str, &'static str, &'static [&'static str]);

/// What `run`, `cancel`, `get` and their like need.
const RUNS: &[Right] = &[
    (GROUP, "operatorruns", &["get", "list", "watch", "create", "patch", "delete"]),
    (GROUP, "workflowruns", &["get", "list", "watch", "create", "patch", "delete"]),
];
/// What `get`, `describe` and the checks before a run need.
const LOOKING: &[Right] = &[
    (GROUP, "masonconfigs", &["get", "list", "watch"]),
    (GROUP, "operatordefinitions", &["get", "list", "watch"]),
    (GROUP, "workflows", &["get", "list", "watch"]),
];
/// What `apply` and `delete` of configs and definitions need.
const APPLYING: &[Right] = &[
    (GROUP, "masonconfigs", &["create", "patch", "delete"]),
    (GROUP, "operatordefinitions", &["create", "patch", "delete"]),
];
/// What `logs`, and the warnings while a run is waited for, need.
const LOGS: &[Right] =
    &[("", "events", &["list"]), ("", "pods", &["get"]), ("", "pods/log", &["get"])];
/// What a controller needs, as the chart gives it.
const CONTROLLER: &[Right] = &[
    (GROUP, "operatorruns", &["get", "list", "watch", "create", "patch", "delete"]),
    (GROUP, "workflows", &["get", "list", "watch"]),
    (GROUP, "workflowruns", &["get", "list", "watch"]),
    (GROUP, "masonconfigs", &["get", "list", "watch"]),
    (GROUP, "operatordefinitions", &["get", "list", "watch"]),
    (GROUP, "operatorruns/status", &["update", "patch"]),
    (GROUP, "masonconfigs/status", &["update", "patch"]),
    (GROUP, "operatordefinitions/status", &["update", "patch"]),
    (GROUP, "workflows/status", &["update", "patch"]),
    (GROUP, "workflowruns/status", &["update", "patch"]),
    ("", "pods", &["get", "list", "watch", "create", "patch", "delete"]),
    ("", "pods/log", &["get"]),
    ("", "configmaps", &["get", "create", "delete"]),
    ("", "events", &["list"]),
    ("events.k8s.io", "events", &["create"]),
];
/// What a controller needs for configs that name a Secret; the chart gives it unless `rbac.secrets` is off.
const SECRETS: &[Right] = &[("", "secrets", &["get"])];

/// Looks what the person may do, by what it is for. Only what runs need has to be there.
pub(super) async fn of_user(context: &VerbContext, cluster: &Cluster) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, rights, role) in [
        ("rights on runs", RUNS, "mason-edit"),
        ("rights to look", LOOKING, "mason-view"),
        ("rights to apply", APPLYING, "mason-admin"),
        ("rights to logs", LOGS, "mason-view"),
    ] {
        let missing = missing(context, cluster, rights, None).await;
        checks.push(match missing {
            Err(check) => check.named(name),
            Ok(missing) if missing.is_empty() => Check::ok(name, "all there"),
            Ok(missing) => {
                let namespace = context.settings.namespace();
                let message = format!("not allowed in `{namespace}`: {}", missing.join(", "));
                let hint = format!("ask for the role `{role}`, or for these rights");
                match name {
                    "rights on runs" => Check::failed(name, message, hint),
                    _ => Check::warning(name, message, hint),
                }
            }
        });
    }
    checks
}

/// Looks what the account of a controller may do.
pub(super) async fn of_controller(
    context: &VerbContext,
    cluster: &Cluster,
    account: &str,
) -> Check {
    let name = "rights of the controller";
    let Some((namespace, account)) = account.split_once('/') else {
        let message = format!("`{account}` names no service account");
        return Check::failed(name, message, "write NAMESPACE/NAME");
    };
    let user = format!("system:serviceaccount:{namespace}:{account}");
    let looked = async {
        let needed = missing(context, cluster, CONTROLLER, Some(&user)).await?;
        Ok((needed, missing(context, cluster, SECRETS, Some(&user)).await?))
    };
    let may_not = |missing: &[String]| format!("{user} may not: {}", missing.join(", "));
    match looked.await {
        Err(check) => Check::named(check, name),
        Ok((needed, secrets)) if needed.is_empty() && secrets.is_empty() => {
            Check::ok(name, format!("all there for {user}"))
        }
        Ok((needed, secrets)) if needed.is_empty() => {
            let hint =
                "configs that name a Secret are not ready; the chart's `rbac.secrets` gives it";
            Check::warning(name, may_not(&secrets), hint)
        }
        Ok((needed, secrets)) => {
            let message = may_not(&[needed, secrets].concat());
            Check::failed(name, message, "the chart gives them to its service account")
        }
    }
}

impl Check {
    fn named(self, name: &str) -> Self {
        Self { check: name.to_owned(), ..self }
    }
}

/// Returns the rights that are missing, `create operatorruns.mason.dev` for example; of the person, or of
/// another user.
async fn missing(
    context: &VerbContext,
    cluster: &Cluster,
    rights: &[Right],
    user: Option<&str>,
) -> Result<Vec<String>, Check> {
    let mut missing = Vec::new();
    for (group, resource, verbs) in rights {
        for verb in *verbs {
            let attributes = attributes(context.settings.namespace(), (group, resource, verb));
            let asked = match user {
                None => may_i(cluster, attributes).await,
                Some(user) => may(cluster, attributes, user).await,
            };
            match asked {
                Ok(true) => {}
                Ok(false) if group.is_empty() => missing.push(format!("{verb} {resource}")),
                Ok(false) => missing.push(format!("{verb} {resource}.{group}")),
                Err(error) => {
                    let message = format!("cannot be asked for: {}", text_of(&error));
                    let hint = "an administrator can ask: `kubectl auth can-i --list`";
                    return Err(Check::warning("", message, hint));
                }
            }
        }
    }
    Ok(missing)
}

fn attributes(namespace: &str, (group, resource, verb): (&str, &str, &str)) -> ResourceAttributes {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (resource, None),
    };
    ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        verb: Some(verb.to_owned()),
        subresource,
        ..ResourceAttributes::default()
    }
}

async fn may_i(cluster: &Cluster, attributes: ResourceAttributes) -> kube::Result<bool> {
    let api: Api<SelfSubjectAccessReview> = Api::all(cluster.connection.client.clone());
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

async fn may(cluster: &Cluster, attributes: ResourceAttributes, user: &str) -> kube::Result<bool> {
    let api: Api<SubjectAccessReview> = Api::all(cluster.connection.client.clone());
    let spec = SubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        user: Some(user.to_owned()),
        groups: Some(vec!["system:serviceaccounts".to_owned(), "system:authenticated".to_owned()]),
        ..SubjectAccessReviewSpec::default()
    };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

fn text_of(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}
