//! A cluster: reachable, new enough, with this version's CRDs, the rights that the verbs need, a
//! controller at work, and configs that are ready.

use super::checks::{Check, Verdict, configs_of, readiness_of};
use super::{controller, crds, rights};
use crate::api::v1alpha1::MasonConfig;
use crate::cli::cluster::{Cluster, is_forbidden};
use crate::cli::failure::{hints_of, messages_of};
use crate::cli::verb_context::VerbContext;
use crate::store::{Kind, StoreError};

/// The first version of Kubernetes that has everything the CRDs use: selectable fields.
const LEAST_MINOR: u32 = 31;

pub(super) async fn checks(
    context: &VerbContext,
    cluster: &Cluster,
    service_account: Option<&str>,
) -> Vec<Check> {
    let reached = api_server(context, cluster).await;
    let is_reached = reached.verdict != Verdict::Failed || reached.check == "version";
    let mut checks = vec![reached];
    if !is_reached {
        // Everything else would fail for the same reason.
        return checks;
    }
    let found = crds::checks(cluster).await;
    let are_there = found.iter().all(|check| check.verdict != Verdict::Failed);
    checks.extend(found);
    checks.extend(rights::of_user(context, cluster).await);
    if let Some(account) = service_account {
        checks.push(rights::of_controller(context, cluster, account).await);
    }
    if are_there {
        checks.extend(resources(context, cluster).await);
    }
    checks
}

async fn api_server(context: &VerbContext, cluster: &Cluster) -> Check {
    let server = &cluster.connection.server;
    match cluster.connection.client.apiserver_version().await {
        Ok(version) => {
            let digits: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
            let message = format!("{} at {server} ({})", version.git_version, context.place());
            if version.major == "1" && digits.parse::<u32>().is_ok_and(|minor| minor < LEAST_MINOR)
            {
                let hint = format!("Mason's CRDs need Kubernetes 1.{LEAST_MINOR} or newer");
                return Check::failed("version", message, hint);
            }
            Check::ok("api server", message)
        }
        Err(source) => {
            let what = format!("at {server} ({})", context.place());
            let error =
                StoreError::ApiServer { operation: "answer", what, source: Box::new(source) };
            failure("api server", error)
        }
    }
}

/// Checks the configs, and whether a controller drives the runs, in the namespace that was asked for.
async fn resources(context: &VerbContext, cluster: &Cluster) -> Vec<Check> {
    let namespace = Some(context.settings.namespace());
    let listed = match context.store.list(Kind::MasonConfig, namespace).await {
        Ok(listed) => listed,
        Err(error) if is_forbidden(&error) => {
            let message = "may not be listed: neither they nor the controller can be looked at";
            return vec![Check::warning("configs", message, "ask for the role `mason-view`")];
        }
        Err(error) => return vec![failure("configs", error)],
    };
    let configs = configs_of(listed.into_iter().filter_map(Result::ok).collect());
    let mut checks = vec![controller::check(context, cluster, &configs).await];
    if configs.is_empty() {
        let message = format!("there is none in namespace `{}`", context.settings.namespace());
        checks.push(Check::warning("configs", message, "`mason apply -f` makes one"));
    }
    checks.extend(configs.iter().map(of_config));
    checks
}

fn of_config(config: &MasonConfig) -> Check {
    let name = config.metadata.name.as_deref().unwrap_or_default();
    match readiness_of(config) {
        Ok(()) => Check::ok(&format!("config {name}"), "is ready"),
        Err(message) => {
            let hint = format!("`mason describe config {name}` tells what each client answers");
            Check::failed(&format!("config {name}"), message, hint)
        }
    }
}

/// Returns a check that failed for what the store says.
pub(super) fn failure(check: &str, error: StoreError) -> Check {
    let error = anyhow::Error::from(error);
    let hint = hints_of(&error).join("; ");
    Check::failed(check, messages_of(&error).join(": "), hint)
}
