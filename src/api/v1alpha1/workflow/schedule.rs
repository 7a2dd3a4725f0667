//! When a workflow is run by itself, and what is known of that.

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::duration::DurationText;

/// When a workflow is run by itself. Exactly one of `cron` and `every` says when; a run that is made has no values for
/// parameters, so that each required parameter needs a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.cron) != has(self.every)").message("give exactly one of cron and every"))]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSchedule {
    /// A cron expression of five fields (minute, hour, day of the month, month, day of the week), for example
    /// `0 2 * * MON`, or a shorthand such as `@daily`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub cron: Option<String>,
    /// The time from one run to the next, 10s to 366d, for example `90s`; counted from when the schedule was created, last
    /// edited or resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<DurationText>,
    /// The time zone of `cron`, a name of the IANA database such as `Europe/Vienna`. A fixed time that a clock change skips
    /// fires at the end of the gap, one that it repeats fires once. Default: `UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// How late a run may be made, for example `1h`; later than that, the planned time counts as missed. Default: no limit;
    /// a minute with `catchUp: None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_deadline: Option<DurationText>,
    /// What becomes of planned times that passed while nothing could be started: `None`, `Latest` (the newest becomes a
    /// run) or `All` (as many of the newest as `catchUpLimit` says). The others count as missed. Default: `Latest`.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// How many runs `catchUp: All` makes at most at one time, 1 to 100. Default: 10.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    pub catch_up_limit: u32,
    /// The longest time that a run is held back, for example `5m`, so that many schedules do not start at one moment: each
    /// planned time by a part of it that never changes. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<DurationText>,
    /// Whether nothing is planned. Planned times that pass meanwhile are not caught up. Default: false.
    #[serde(default)]
    pub suspend: bool,
}

fn ten() -> u32 {
    10
}

/// What becomes of planned times that passed while nothing could be started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CatchUp {
    /// Nothing: a run is made only about on time, at most the starting deadline late, or a minute without one.
    None,
    /// The newest becomes a run.
    #[default]
    Latest,
    /// The newest become runs, as many as the limit says.
    All,
}

/// How many runs that the schedule made are kept once they have ended; the newest is kept besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Of those that succeeded, 0 to 1000. Default: 10.
    #[serde(default = "History::kept")]
    #[schemars(range(min = 0, max = 1000))]
    pub succeeded: u32,
    /// Of the others, 0 to 1000. Default: 10.
    #[serde(default = "History::kept")]
    #[schemars(range(min = 0, max = 1000))]
    pub failed: u32,
}

impl History {
    /// What is kept when nothing is said.
    pub const DEFAULT: Self = Self { succeeded: 10, failed: 10 };

    fn kept() -> u32 {
        Self::DEFAULT.succeeded
    }
}

/// What is known of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleStatus {
    /// `sha256:` and the digest of the schedule that this describes.
    #[schemars(length(max = 80))]
    pub digest: String,
    /// When the schedule was created, last edited or last resumed. Nothing at or before it is planned.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub base: Timestamp,
    /// The newest planned time that became a run or was counted as missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub last_planned: Option<Timestamp>,
    /// Planned times that are due and whose runs are being made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 100),
        with = "Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>"
    )]
    pub due: Vec<Timestamp>,
    /// The newest run that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<ScheduledRun>,
    /// How many planned times became no run since the workflow was created.
    #[serde(default)]
    pub missed: u64,
    /// When the next run is made, with its jitter; absent while suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub next: Option<Timestamp>,
    /// The next five planned times, without jitter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 5),
        with = "Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>"
    )]
    pub upcoming: Vec<Timestamp>,
}

/// A run that a schedule made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledRun {
    /// The name of the `WorkflowRun`.
    #[schemars(length(max = 253))]
    pub name: String,
    /// The time it was planned for.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime")]
    pub planned_at: Timestamp,
}
