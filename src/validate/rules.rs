//! What the administrator of a cluster allows. On a machine without a cluster there are no such rules.
//!
//! What is over a maximum is a problem in words; nothing is lowered silently.

use super::problem::{Problem, Problems};
use crate::api::duration::DurationText;
use crate::api::quantity::{parse_bytes, show_bytes};
use crate::api::v1alpha1::{
    ClientConfig, LocalClient, MasonConfig, NamespacesFrom, OperatorRun, Placement, Retry,
};

/// What the administrator allows; by default everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The largest values that runs and configs may ask for.
    pub maxima: Maxima,
    /// Whether the controller is restricted to namespaces, and so may not read namespaces themselves.
    pub is_namespaced: bool,
    /// Memory of all worker processes of the controller together, in bytes; no bound when absent.
    pub worker_memory_bytes: Option<u64>,
    /// Where work runs whose config does not say.
    pub default_placement: Option<Placement>,
}

/// How many threads a job in a pod has when neither its client nor the administrator says.
const POD_PARALLELISM: u32 = 4;

/// The largest values that runs and configs may ask for; no bound where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maxima {
    /// The longest `spec.timeout` of a run.
    pub timeout: Option<DurationText>,
    /// The timeout of a run that gives none.
    pub default_timeout: Option<DurationText>,
    /// The most `spec.retry.limit` of a run.
    pub retries: Option<u32>,
    /// The longest time of `spec.ttl` of a run.
    pub ttl: Option<DurationText>,
    /// The largest result that is stored, in bytes.
    pub result_bytes: Option<u64>,
    /// The largest `memoryLimit` of a client, in bytes.
    pub memory_bytes: Option<u64>,
    /// The most `parallelism` of a client, and what a client has that gives none.
    pub parallelism: Option<u32>,
}

impl Rules {
    /// Returns how long a run may take: what it asks for, else the administrator's default, else the
    /// longest that any may.
    #[must_use]
    pub fn timeout_of(&self, run: &OperatorRun) -> Option<DurationText> {
        let maxima = &self.maxima;
        let by_default = maxima.default_timeout.as_ref().or(maxima.timeout.as_ref());
        run.spec.timeout.as_ref().or(by_default).cloned()
    }

    /// Returns how many threads a job of a client has: what the client asks for, else the administrator's most; in a
    /// pod 4 where neither says. Otherwise nothing is said, and the worker takes the processors that it may use.
    ///
    /// What a pod asks for must not depend on how many processors the controller's node happens to have.
    #[must_use]
    pub fn parallelism_of(&self, local: &LocalClient) -> Option<u32> {
        let asked = local.parallelism.or(self.maxima.parallelism);
        asked.or_else(|| (!self.works_in_controller(local)).then_some(POD_PARALLELISM))
    }

    /// Returns the memory that a job of a client takes in processes of the controller; none where it works
    /// elsewhere.
    #[must_use]
    pub fn memory_in_controller(&self, client: &ClientConfig) -> u64 {
        let here = client.local.as_ref().filter(|local| self.works_in_controller(local));
        here.and_then(|local| parse_bytes(&local.memory_limit).ok()).unwrap_or_default()
    }

    /// Returns whether the work of a client runs in processes of the controller.
    fn works_in_controller(&self, local: &LocalClient) -> bool {
        let placement = local.placement.or(self.default_placement);
        placement.unwrap_or(Placement::Controller) == Placement::Controller
    }

    /// Adds what a run asks for beyond a maximum.
    pub(super) fn check_run(&self, run: &OperatorRun, problems: &mut Problems) {
        let maxima = &self.maxima;
        let longest = |path: &str, asked: Option<&DurationText>, most: Option<&DurationText>| {
            let (asked, most) = (asked?, most?);
            (asked.to_duration() > most.to_duration()).then(|| over(path, asked, most))
        };
        let Retry { limit: retries, .. } = run.spec.retry.clone().unwrap_or_default();
        let most = maxima.retries.filter(|most| retries > *most);
        let ttl = run.spec.ttl.as_ref();
        let found = [
            longest("spec.timeout", run.spec.timeout.as_ref(), maxima.timeout.as_ref()),
            most.map(|most| over("spec.retry.limit", retries, most)),
            longest(
                "spec.ttl.afterSuccess",
                ttl.and_then(|ttl| ttl.after_success.as_ref()),
                maxima.ttl.as_ref(),
            ),
            longest(
                "spec.ttl.afterFailure",
                ttl.and_then(|ttl| ttl.after_failure.as_ref()),
                maxima.ttl.as_ref(),
            ),
        ];
        problems.extend(found.into_iter().flatten());
    }

    /// Adds what a config asks for that it may not.
    pub(super) fn check_config(&self, config: &MasonConfig, problems: &mut Problems) {
        let by_labels = config.spec.allowed_namespaces.from == NamespacesFrom::Selector;
        if by_labels && self.is_namespaced {
            let message = "`Selector` needs a controller that may read namespaces, and this one is \
                           restricted to some";
            let problem = Problem::new("spec.allowedNamespaces.from", message);
            problems.push(problem.hint("list them: `from: Names`"));
        }
    }

    /// Adds what a local client asks for beyond a maximum.
    pub(super) fn check_local(&self, local: &LocalClient, path: &str, problems: &mut Problems) {
        let field = format!("{path}.memoryLimit");
        if let Ok(asked) = parse_bytes(&local.memory_limit) {
            if let Some(most) = self.maxima.memory_bytes.filter(|most| asked > *most) {
                problems.push(over(&field, &local.memory_limit, show_bytes(most)));
            } else if let Some(all) = self.worker_memory_bytes.filter(|all| asked > *all)
                && self.works_in_controller(local)
            {
                let message = format!(
                    "`{}` is more than the {} of all work in the controller together",
                    local.memory_limit,
                    show_bytes(all)
                );
                problems.push(Problem::new(&field, message));
            }
        }
        if let (Some(asked), Some(most)) = (local.parallelism, self.maxima.parallelism)
            && asked > most
        {
            problems.push(over(&format!("{path}.parallelism"), asked, most));
        }
    }
}

fn over(path: &str, asked: impl std::fmt::Display, most: impl std::fmt::Display) -> Problem {
    let message = format!("`{asked}` is more than the `{most}` that the administrator allows");
    Problem::new(path, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(spec: &serde_json::Value) -> OperatorRun {
        let mut document = json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun", "metadata": {"name": "r"},
            "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
        });
        for (field, value) in spec.as_object().expect("should be an object") {
            document["spec"][field] = value.clone();
        }
        serde_json::from_value(document).expect("should be a run")
    }

    fn rules() -> Rules {
        let length = |text: &str| text.parse().ok();
        let maxima = Maxima {
            timeout: length("1h"),
            retries: Some(2),
            ttl: length("7d"),
            memory_bytes: Some(1 << 30),
            parallelism: Some(4),
            ..Maxima::default()
        };
        Rules { maxima, worker_memory_bytes: Some(512 << 20), ..Rules::default() }
    }

    fn local(memory: &str, parallelism: u32, placement: &str) -> LocalClient {
        serde_json::from_value(json!({
            "root": "/a", "memoryLimit": memory, "parallelism": parallelism, "placement": placement,
        }))
        .expect("should be a client")
    }

    #[test]
    fn everything_over_a_maximum_is_told_at_once() {
        let run = run(&json!({
            "timeout": "61m", "retry": {"limit": 3},
            "ttl": {"afterSuccess": "8d", "afterFailure": "169h"},
        }));
        let mut problems = Problems::default();
        rules().check_run(&run, &mut problems);
        let told = problems.to_string();
        let over = "is more than the";
        assert_eq!(
            told.lines().collect::<Vec<_>>(),
            [
                format!("spec.timeout: `61m` {over} `1h` that the administrator allows"),
                format!("spec.retry.limit: `3` {over} `2` that the administrator allows"),
                format!("spec.ttl.afterSuccess: `8d` {over} `7d` that the administrator allows"),
                format!("spec.ttl.afterFailure: `169h` {over} `7d` that the administrator allows"),
            ]
        );
        let mut none = Problems::default();
        Rules::default().check_run(&run, &mut none);
        assert!(none.is_empty(), "without an administrator there are no maxima: {none}");
    }

    #[test]
    fn exactly_a_maximum_is_allowed() {
        let run = run(&json!({
            "timeout": "60m", "retry": {"limit": 2}, "ttl": {"afterSuccess": "168h"},
        }));
        let mut problems = Problems::default();
        rules().check_run(&run, &mut problems);
        rules().check_local(&local("512Mi", 4, "Controller"), "x", &mut problems);
        rules().check_local(&local("1Gi", 4, "Pod"), "x", &mut problems);
        assert!(problems.is_empty(), "{problems}");
    }

    #[test]
    fn a_client_may_not_ask_for_more_than_one_or_all_may_have() {
        let mut problems = Problems::default();
        rules().check_local(&local("1025Mi", 5, "Pod"), "x", &mut problems);
        rules().check_local(&local("1Gi", 1, "Controller"), "x", &mut problems);
        let told = problems.to_string();
        assert!(told.contains("x.memoryLimit: `1025Mi` is more than the `1Gi`"), "{told}");
        assert!(told.contains("x.parallelism: `5` is more than the `4`"), "{told}");
        assert!(told.contains("`1Gi` is more than the 512Mi of all work"), "{told}");
    }

    #[test]
    fn threads_are_what_is_asked_for_or_allowed_and_four_in_a_pod() {
        let silent = |placement| LocalClient { parallelism: None, ..local("1Gi", 1, placement) };
        let rules = Rules::default();
        assert_eq!(rules.parallelism_of(&silent("Pod")), Some(4));
        assert_eq!(rules.parallelism_of(&silent("Controller")), None);
        assert_eq!(rules.parallelism_of(&local("1Gi", 9, "Pod")), Some(9));
        let bounded = Rules {
            maxima: Maxima { parallelism: Some(2), ..Maxima::default() },
            ..Rules::default()
        };
        assert_eq!(bounded.parallelism_of(&silent("Pod")), Some(2));
    }

    #[test]
    fn a_run_without_a_timeout_has_the_default_or_the_longest() {
        let text = |rules: &Rules, spec| rules.timeout_of(&run(&spec)).map(|one| one.to_string());
        let mut rules = rules();
        assert_eq!(text(&rules, json!({"timeout": "5m"})).as_deref(), Some("5m"));
        assert_eq!(text(&rules, json!({})).as_deref(), Some("1h"));
        rules.maxima.default_timeout = "30m".parse().ok();
        assert_eq!(text(&rules, json!({})).as_deref(), Some("30m"));
        assert_eq!(text(&Rules::default(), json!({})), None);
    }
}
