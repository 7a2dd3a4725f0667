//! Whether a controller works on a namespace: by what it writes, since it may run anywhere.

use jiff::{SignedDuration, Timestamp};

use super::checks::Check;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{MasonConfig, OperatorRun};
use crate::cli::cluster::Cluster;
use crate::cli::print::age;
use crate::cli::verb_context::VerbContext;
use crate::store::{Kind, Store as _};

/// How long ago a controller may have looked at a config: twice the interval it has by itself.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// How long a run may wait until a controller touches it.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
const HINT: &str = "is `mason controller` running, and does it watch this namespace? \
                    (`kubectl get pods -A -l app.kubernetes.io/name=mason`)";

pub(super) async fn check(
    context: &VerbContext,
    cluster: &Cluster,
    configs: &[MasonConfig],
) -> Check {
    let namespace = context.settings.namespace();
    let listed = cluster.store.list(Kind::OperatorRun, Some(namespace)).await.unwrap_or_default();
    let runs = listed.into_iter().filter_map(Result::ok).filter_map(|resource| match resource {
        Resource::OperatorRun(run) => Some(run),
        _ => None,
    });
    let untouched: Vec<String> = runs
        .filter(|run| is_untouched(run, context.now))
        .filter_map(|run| run.metadata.name)
        .collect();
    let newest = configs.iter().filter_map(looked_at).max();
    verdict(namespace, newest.map(|then| context.now.duration_since(then)), &untouched)
}

fn verdict(namespace: &str, since: Option<SignedDuration>, untouched: &[String]) -> Check {
    let name = "controller";
    match since {
        Some(since) if since <= FRESH && untouched.is_empty() => {
            Check::ok(name, format!("looked at a config {} ago", age(since)))
        }
        _ if !untouched.is_empty() => {
            let message = format!(
                "no controller has picked up {} in namespace `{namespace}`: {}",
                if untouched.len() == 1 { "a run" } else { "runs" },
                crate::cli::words::first_of(untouched)
            );
            Check::failed(name, message, HINT)
        }
        Some(since) => {
            let message = format!("looked at a config for the last time {} ago", age(since));
            Check::failed(name, message, HINT)
        }
        None => {
            let message = format!("nothing in namespace `{namespace}` shows whether there is one");
            Check::warning(name, message, "a config shows it: the controller looks at each one")
        }
    }
}

/// Returns when a config's clients were looked at last.
fn looked_at(config: &MasonConfig) -> Option<Timestamp> {
    config
        .status
        .iter()
        .flat_map(|status| &status.clients)
        .filter_map(|client| client.checked_at)
        .max()
}

fn is_untouched(run: &OperatorRun, now: Timestamp) -> bool {
    let created = run.metadata.creation_timestamp.as_ref();
    run.status.is_none() && created.is_some_and(|time| now.duration_since(time.0) > PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Verdict;

    #[test]
    fn a_controller_is_known_by_what_it_writes() {
        let minutes = |minutes| Some(SignedDuration::from_mins(minutes));
        assert_eq!(verdict("a", minutes(4), &[]).verdict, Verdict::Ok);
        assert_eq!(verdict("a", minutes(40), &[]).verdict, Verdict::Failed);
        assert_eq!(verdict("a", None, &[]).verdict, Verdict::Warning);
        let check = verdict("a", minutes(4), &["x".to_owned()]);
        assert_eq!(check.verdict, Verdict::Failed);
        assert_eq!(check.message, "no controller has picked up a run in namespace `a`: x");
    }
}
