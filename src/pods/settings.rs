//! What the administrator says about pods: the file of `mason controller --pod-settings`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Affinity, TopologySpreadConstraint, Volume};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api::labels;
use crate::api::quantity::parse_bytes;
use crate::api::v1alpha1::{ImagePullPolicy, Placement, Toleration};

/// What the administrator says about pods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSettings {
    /// Mason's own image; its entrypoint is `mason`.
    #[schemars(length(min = 1))]
    pub image: String,
    /// When that image is pulled. Default: `IfNotPresent`.
    #[serde(default)]
    pub image_pull_policy: ImagePullPolicy,
    /// Secrets of the run's namespace with which that image is pulled.
    #[serde(default)]
    pub image_pull_secrets: Vec<String>,
    /// The service account of the run's namespace that pods of the local engine's work run as, without a
    /// token. Default: `default`.
    #[serde(default)]
    pub service_account_name: Option<String>,
    /// The user id that the local engine's pods run as: one that may read and write below the roots.
    /// Default: 65532.
    #[serde(default = "default_user")]
    #[schemars(range(min = 1, max = 4_294_967_294_i64))]
    pub run_as_user: i64,
    /// The volumes behind the folders of `--local-root`. A pod sees no more of one than the root of the
    /// config that it works for.
    #[serde(default)]
    pub roots: Vec<RootVolume>,
    /// Where the local engine works when a config does not say. Default: `Pod`.
    #[serde(default = "default_placement")]
    pub default_placement: Placement,
    /// The placements that configs may ask for. Default: `[Pod]`.
    #[serde(default = "default_placements")]
    pub allowed_placements: Vec<Placement>,
    /// Labels that nodes must have for the local engine's pods.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that the local engine's pods tolerate.
    #[serde(default)]
    pub tolerations: Vec<Toleration>,
    /// Further labels of every pod, for example those by which a mesh leaves it alone. Mason's own count.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Further annotations of every pod, for example `cluster-autoscaler.kubernetes.io/safe-to-evict`.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// The priority class of every pod. Default: the cluster's.
    #[serde(default)]
    pub priority_class_name: Option<String>,
    /// The runtime class of every pod, for example a sandbox. Default: the node's.
    #[serde(default)]
    pub runtime_class_name: Option<String>,
    /// Where the local engine's pods may run, as in a pod.
    #[serde(default)]
    pub affinity: Option<Map<String, Value>>,
    /// How the local engine's pods spread, as in a pod.
    #[serde(default)]
    pub topology_spread_constraints: Vec<Map<String, Value>>,
    /// Local disk that each of the local engine's pods asks for and may use, for what its operations spill, such
    /// as `10Gi`. Default: no request and no limit.
    #[serde(default)]
    pub ephemeral_storage: Option<String>,
}

/// The volume behind a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RootVolume {
    /// The folder, as the controller sees it and as pods will.
    pub path: PathBuf,
    /// The volume, as in a pod: `{persistentVolumeClaim: {claimName: lake}}`, `{nfs: …}`, `{hostPath: …}`.
    pub volume: Map<String, Value>,
}

fn default_user() -> i64 {
    65_532
}

fn default_placement() -> Placement {
    Placement::Pod
}

fn default_placements() -> Vec<Placement> {
    vec![Placement::Pod]
}

impl PodSettings {
    /// Returns the volume that holds a folder, and the folder's path within the volume, empty for all of
    /// it.
    pub(super) fn volume_of(&self, folder: &Path) -> Option<(&RootVolume, String)> {
        let within = |root: &RootVolume| {
            folder.strip_prefix(&root.path).ok().map(|below| below.to_string_lossy().into_owned())
        };
        let holding = self.roots.iter().filter_map(|root| Some((root, within(root)?)));
        holding.max_by_key(|(root, _)| root.path.components().count())
    }

    /// Returns where the local engine works for a client that asks for this.
    ///
    /// # Errors
    /// In words, when the administrator does not allow it.
    pub fn placement(&self, asked: Option<Placement>) -> Result<Placement, String> {
        let placement = asked.unwrap_or(self.default_placement);
        if self.allowed_placements.contains(&placement) {
            return Ok(placement);
        }
        let allowed: Vec<String> =
            self.allowed_placements.iter().map(|one| format!("`{one:?}`")).collect();
        let allowed = allowed.join(" and ");
        Err(format!("the administrator allows the placement {allowed}, not `{placement:?}`"))
    }
}

/// Reads settings from the text of a YAML file.
///
/// # Errors
/// Every problem, in words.
pub fn read_settings(text: &str) -> Result<PodSettings, Vec<String>> {
    let document: Value =
        serde_saphyr::from_str(text).map_err(|error| vec![format!("is not YAML: {error}")])?;
    let schema = schemars::schema_for!(PodSettings);
    let validator = jsonschema::validator_for(schema.as_value())
        .map_err(|error| vec![format!("cannot be checked: {error}")])?;
    let mut problems: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| match error.instance_path().as_str() {
            "" => error.to_string(),
            path => format!("{}: {error}", path.trim_start_matches('/').replace('/', ".")),
        })
        .collect();
    match serde_json::from_value::<PodSettings>(document) {
        Ok(settings) => problems.extend(problems_of(&settings)),
        Err(error) if problems.is_empty() => problems.push(error.to_string()),
        Err(_) => {}
    }
    match serde_saphyr::from_str::<PodSettings>(text) {
        Ok(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems),
    }
}

/// Returns what is wrong with settings that have the right form.
fn problems_of(settings: &PodSettings) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, root) in settings.roots.iter().enumerate() {
        let path = root.path.display();
        if !root.path.is_absolute() {
            problems.push(format!("roots.{index}.path: `{path}` is not an absolute path"));
        }
        if !seen.insert(&root.path) {
            problems.push(format!("roots.{index}.path: `{path}` is given twice"));
        }
        if let Err(problem) = check_volume(&root.volume) {
            problems.push(format!("roots.{index}.volume: {problem}"));
        }
    }
    problems.extend(problems_of_pods(settings));
    if !settings.allowed_placements.contains(&settings.default_placement) {
        let default = settings.default_placement;
        problems.push(format!("defaultPlacement: `{default:?}` is not among allowedPlacements"));
    }
    problems
}

/// Returns what is wrong with what every pod gets beside its work.
fn problems_of_pods(settings: &PodSettings) -> Vec<String> {
    let mut problems = Vec::new();
    for (field, words) in [("labels", &settings.labels), ("annotations", &settings.annotations)] {
        let own = |name: &&String| name.starts_with("mason.dev/") || *name == labels::MANAGED_BY;
        problems.extend(
            words
                .keys()
                .filter(own)
                .map(|name| format!("{field}.{name}: such names are Mason's own")),
        );
    }
    if let Some(affinity) = &settings.affinity
        && let Err(problem) = check_part::<Affinity>(affinity)
    {
        problems.push(format!("affinity: {problem}"));
    }
    for (index, constraint) in settings.topology_spread_constraints.iter().enumerate() {
        if let Err(problem) = check_part::<TopologySpreadConstraint>(constraint) {
            problems.push(format!("topologySpreadConstraints.{index}: {problem}"));
        }
    }
    if let Some(amount) = &settings.ephemeral_storage
        && let Err(problem) = parse_bytes(amount)
    {
        problems.push(format!("ephemeralStorage: {problem}"));
    }
    problems
}

/// Checks that a part of a pod has nothing that such a part does not have.
fn check_part<Part: DeserializeOwned + Serialize>(part: &Map<String, Value>) -> Result<(), String> {
    let given = Value::Object(part.clone());
    let read: Part = serde_json::from_value(given.clone()).map_err(|error| error.to_string())?;
    let known = serde_json::to_value(read).map_err(|error| error.to_string())?;
    match unknown(&given, &known) {
        Some(field) => Err(format!("a pod has no such field `{field}`")),
        None => Ok(()),
    }
}

/// Checks a volume: exactly one source, and nothing in it that a pod's volume does not have.
fn check_volume(volume: &Map<String, Value>) -> Result<(), String> {
    if volume.len() != 1 {
        return Err("exactly one source is needed, for example `persistentVolumeClaim`".to_owned());
    }
    let mut named = volume.clone();
    named.insert("name".to_owned(), json!("root"));
    check_part::<Volume>(&named)
}

/// Returns the first field that was given and is not among those that are known, in lists too.
fn unknown(given: &Value, known: &Value) -> Option<String> {
    match (given, known) {
        (Value::Object(given), _) => given.iter().find_map(|(name, value)| match known.get(name) {
            None => Some(name.clone()),
            Some(other) => unknown(value, other).map(|below| format!("{name}.{below}")),
        }),
        (Value::Array(given), Value::Array(known)) => {
            let mut pairs = given.iter().zip(known).enumerate();
            pairs.find_map(|(index, (value, other))| {
                unknown(value, other).map(|below| format!("{index}.{below}"))
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_all_that_is_needed() {
        let settings = read_settings("image: mason:1\n").unwrap();
        assert_eq!((settings.run_as_user, settings.default_placement), (65_532, Placement::Pod));
        assert_eq!(settings.placement(None), Ok(Placement::Pod));
        let refused = settings.placement(Some(Placement::Controller)).unwrap_err();
        assert_eq!(refused, "the administrator allows the placement `Pod`, not `Controller`");
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let problems = read_settings(
            "imagePullPolicy: Sometimes\nimagePullSecret: [x]\nrunAsUser: 0\ndefaultPlacement: Pod\n",
        )
        .unwrap_err();
        for expect in [
            "\"image\" is a required property",
            "imagePullPolicy: ",
            "imagePullSecret",
            "runAsUser: 0",
        ] {
            assert!(
                problems.iter().any(|problem| problem.contains(expect)),
                "{expect}: {problems:#?}"
            );
        }
        let problems = read_settings(
            "image: m
roots:
- {path: data, volume: {hostPath: {path: /data, typo: x}}}
- {path: /a, volume: {}}
- {path: /a, volume: {nfsx: {}}}
- {path: /b, volume: {projected: {sources: [{configMap: {nam: x}}]}}}
defaultPlacement: Controller
labels: {mason.dev/attempt: x}
affinity: {nodeAffinty: {}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, x: 1}]
ephemeralStorage: much
",
        )
        .unwrap_err();
        for expect in [
            "labels.mason.dev/attempt: such names are Mason's own",
            "affinity: a pod has no such field `nodeAffinty`",
            "topologySpreadConstraints.0: a pod has no such field `x`",
            "ephemeralStorage: ",
            "roots.0.path: `data` is not an absolute path",
            "roots.0.volume: a pod has no such field `hostPath.typo`",
            "roots.1.volume: exactly one source is needed",
            "roots.2.path: `/a` is given twice",
            "roots.2.volume: a pod has no such field `nfsx`",
            "roots.3.volume: a pod has no such field `projected.sources.0.configMap.nam`",
            "defaultPlacement: `Controller` is not among allowedPlacements",
        ] {
            assert!(
                problems.iter().any(|problem| problem.contains(expect)),
                "{expect}: {problems:#?}"
            );
        }
    }

    #[test]
    fn a_folder_is_in_the_nearest_volume() {
        let settings = read_settings(
            "image: m
roots:
- {path: /data, volume: {persistentVolumeClaim: {claimName: all}}}
- {path: /data/team, volume: {persistentVolumeClaim: {claimName: team}}}
",
        )
        .unwrap();
        let within = |folder: &str| {
            let found = settings.volume_of(Path::new(folder));
            found.map(|(root, below)| (root.path.to_string_lossy().into_owned(), below))
        };
        assert_eq!(within("/data/team/lake"), Some(("/data/team".to_owned(), "lake".to_owned())));
        assert_eq!(within("/data/other"), Some(("/data".to_owned(), "other".to_owned())));
        assert_eq!(within("/data"), Some(("/data".to_owned(), String::new())));
        assert_eq!(within("/database"), None);
    }
}
