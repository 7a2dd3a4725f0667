//! The alerts: what is wrong, and what a person does about it at three in the morning.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::query::of_mason;

/// An alert.
pub(super) struct Alert {
    pub(super) name: &'static str,
    /// What holds while something is wrong.
    pub(super) query: &'static str,
    /// For how long it has to hold.
    wait: &'static str,
    severity: &'static str,
    /// What is wrong, in one sentence.
    summary: &'static str,
    /// What to do.
    steps: &'static str,
}

pub(super) const ALERTS: [Alert; 17] = [
    Alert {
        name: "MasonDown",
        query: "absent(mason_build_info)",
        wait: "5m",
        severity: "critical",
        summary: "No controller of Mason is seen.",
        steps: "Nothing begins and nothing ends; what runs outside goes on and is found again. Look whether there is a pod (`kubectl get pods -l app.kubernetes.io/name=mason -A`) and why it does not run (`kubectl describe`, `kubectl logs --previous`). If it runs, Prometheus does not reach it: look at the ServiceMonitor and the NetworkPolicy.",
    },
    Alert {
        name: "MasonNoLeader",
        query: "max(leader_election_master_status{name=\"mason\"} or leader_election_master_status $MASON) < 1",
        wait: "2m",
        severity: "critical",
        summary: "Replicas are there, but none of them holds the Lease, so nothing is reconciled.",
        steps: "Look at the Lease (`kubectl get lease mason -o yaml` in the controller's namespace): a holder that is none of the pods expires after 15 s by itself. Look for `failed to renew or read the lease` in the logs: the right to `get`, `create` and `update` leases is missing, or the API server does not answer. Deleting the Lease is safe.",
    },
    Alert {
        name: "MasonStuck",
        query: "max by (controller) (mason_watchdog_stuck) > 0",
        wait: "0m",
        severity: "critical",
        summary: "A controller makes no progress though there is work.",
        steps: "`/healthz` says which and since when, and the kubelet restarts the pod; nothing is lost by that. If it comes again, find the pass that hangs: the last line with its `reconcile_id` names the run. `mason_engine_call_duration_seconds` tells which client does not answer. Suspend that run (`mason suspend RUN`).",
    },
    Alert {
        name: "MasonPassesFail",
        query: "sum by (controller) (rate(controller_runtime_reconcile_errors_total[5m]) $MASON) / sum by (controller) (rate(controller_runtime_reconcile_total[5m]) $MASON) > 0.1",
        wait: "15m",
        severity: "warning",
        summary: "More than a tenth of a controller's passes fail.",
        steps: "Passes fail for what is Mason's or the cluster's, never for what a user asked: look for `failed to reconcile` in the logs. 403 is a missing right, 409 another writer, a timeout the API server. Each object is tried again after 1 s to 5 min.",
    },
    Alert {
        name: "MasonPanics",
        query: "sum by (controller) (increase(controller_runtime_reconcile_panics_total[15m]) $MASON) > 0",
        wait: "0m",
        severity: "warning",
        summary: "A pass panicked, which is a defect of Mason.",
        steps: "Other objects go on. Keep the line `panicked` with its place, and the object it names; report both. Cancel or delete the object if it panics again and again.",
    },
    Alert {
        name: "MasonScheduleMissed",
        query: "sum(increase(mason_schedule_times_total{outcome=\"missed\"}[1h])) > 0",
        wait: "0m",
        severity: "warning",
        summary: "Planned times of a schedule became no run.",
        steps: "`kubectl get events -A --field-selector reason=Missed` names the workflows. After an outage this is what `catchUp` and `startingDeadline` ask for. Without one, look whether runs can be made: `failed to make run` in the logs, a quota for `workflowruns` in the namespace, a run of something else with the name (`reason=NameTaken`). `mason backfill WORKFLOW --from TIME` makes what is wanted all the same.",
    },
    Alert {
        name: "MasonQueueIsSlow",
        query: "histogram_quantile(0.95, sum by (name, le) (rate(workqueue_queue_duration_seconds_bucket[5m]) $MASON)) > 30",
        wait: "15m",
        severity: "warning",
        summary: "Resources that are due wait longer than 30 s for a pass.",
        steps: "Compare `controller_runtime_active_workers` with `controller_runtime_max_concurrent_reconciles`: when all are taken, raise `--concurrency`, unless calls are slow (`rest_client_request_duration_seconds`, `mason_engine_call_duration_seconds`). Many resources of one namespace at once pass by themselves.",
    },
    Alert {
        name: "MasonRunAbandoned",
        query: "sum(increase(mason_runs_abandoned_total[1h])) > 0",
        wait: "0m",
        severity: "warning",
        summary: "A deleted run was let go although something of it may be left outside.",
        steps: "What it left is not looked after any more. The line `let a deleted run go` in the logs, and the event `Abandoned`, name the job and why it could not be stopped: look whether it still works, and stop it by hand.",
    },
    Alert {
        name: "MasonStandstill",
        query: "max(mason_oldest_pending_run_age_seconds) > 120 and sum(increase(mason_run_queue_seconds_count[3m])) == 0 and sum(increase(mason_runs_total[3m])) == 0",
        wait: "1m",
        severity: "warning",
        summary: "Runs wait, and for minutes none has begun and none has ended.",
        steps: "`kubectl get operatorruns -A` shows the REASON of those that wait. `WorkerPoolFull`: all places are taken by runs that take long, which is well if they make progress (PROGRESS); raise `controller.workingRuns` if the machine has room. Other reasons name what is missing. With MasonStuck or MasonNoLeader beside it, begin there.",
    },
    Alert {
        name: "MasonRunsWait",
        query: "max(mason_oldest_pending_run_age_seconds) > 1800",
        wait: "5m",
        severity: "warning",
        summary: "A run has waited for half an hour without beginning.",
        steps: "`kubectl get operatorruns -A` shows its REASON: it may wait for a config that is not ready, for its turn among others of its config or namespace, or for a place to work. If all places are taken, see MasonPlacesTaken.",
    },
    Alert {
        name: "MasonPlacesTaken",
        query: "sum(mason_workers_active) / sum(mason_workers_limit) > 0.95",
        wait: "30m",
        severity: "info",
        summary: "Nearly every place for runs that work has been taken for half an hour.",
        steps: "Runs wait for each other. Raise `--working-runs` if the machine has room, or let runs work in pods.",
    },
    Alert {
        name: "MasonRunsFail",
        query: "sum by (operator) (rate(mason_runs_total{phase=\"Failed\",reason!~\"Invalid|UserError\"}[30m])) / sum by (operator) (rate(mason_runs_total[30m])) > 0.5",
        wait: "30m",
        severity: "warning",
        summary: "Half of an operator's runs fail, and not for what their users asked.",
        steps: "`kubectl get operatorruns -A` shows REASON and MESSAGE of the failed ones; `mason_runs_total` by `reason` shows what they have in common. `OutOfMemory` and `OutOfDisk`: limits of the config. `Infrastructure`, `Throttled`: the client, see MasonEngineFails.",
    },
    Alert {
        name: "MasonRunNeedsPerson",
        query: "sum(mason_runs_active{phase=\"Unknown\"}) > 0",
        wait: "10m",
        severity: "warning",
        summary: "Of a run it is not known whether its work took place; it waits for a person.",
        steps: "`kubectl get operatorruns -A` and look for phase Unknown; its message says what is not known. Look at the target, then set `spec.resolution` to `Succeeded`, `Failed` or `Repeat`. Nothing is repeated before that.",
    },
    Alert {
        name: "MasonEngineFails",
        query: "sum by (client, kind) (rate(mason_engine_errors_total{kind=~\"Unavailable|Timeout|RateLimited|Unauthenticated|PermissionDenied|OutOfDisk\"}[10m])) > 0.1",
        wait: "15m",
        severity: "warning",
        summary: "A type of client fails again and again.",
        steps: "`kubectl get masonconfigs -A -o wide` shows which configs are not ready, and why. Unauthenticated and PermissionDenied: the Secret or role has changed or expired. RateLimited: lower `limits.concurrentRuns`. OutOfDisk: the root is full.",
    },
    Alert {
        name: "MasonApiServerFails",
        query: "sum(rate(rest_client_requests_total{code=~\"5..|429|<error>\"}[5m]) $MASON) / sum(rate(rest_client_requests_total[5m]) $MASON) > 0.05",
        wait: "10m",
        severity: "warning",
        summary: "More than a twentieth of the requests to the API server fail.",
        steps: "Look at the API server first: others suffer as well. 429: priority and fairness hold Mason back; lower `--concurrency`. `<error>`: no connection or a certificate. Runs go on where they are once it answers.",
    },
    Alert {
        name: "MasonStatusConflicts",
        query: "sum by (controller) (rate(mason_status_conflicts_total[10m])) / sum by (controller) (rate(mason_status_writes_total[10m])) > 0.5",
        wait: "15m",
        severity: "warning",
        summary: "Another client writes the same statuses.",
        steps: "Nothing is done twice, but time is lost. Two controllers reconcile the same namespaces: two installations, or replicas without `--leader-elect`. `mason_build_info` shows how many there are.",
    },
    Alert {
        name: "MasonConfigNotReady",
        query: "min by (exported_namespace, name) (mason_masonconfig_condition{type=\"Ready\"}) < 1",
        wait: "15m",
        severity: "warning",
        summary: "A config cannot be used (needs the kube-state-metrics configuration).",
        steps: "`kubectl describe masonconfig NAME` names the client and what it answers. Runs that name the config end with `ClientNotReady` or wait.",
    },
];

/// Returns the alerts as the groups of a `PrometheusRule`.
pub(super) fn groups() -> Value {
    let rules = ALERTS.iter().map(|alert| {
        json!({
            "alert": alert.name,
            "expr": of_mason(alert.query),
            "for": alert.wait,
            "labels": {"severity": alert.severity},
            "annotations": {
                "summary": alert.summary,
                "description": alert.steps,
            },
        })
    });
    json!({"groups": [{"name": "mason", "rules": rules.collect::<Vec<_>>()}]})
}

/// Returns the alerts as a part of a page.
pub(super) fn page() -> String {
    let mut text = String::new();
    for Alert { name, query, wait, severity, summary, steps } in &ALERTS {
        let _ = writeln!(text, "### {name}\n\n{summary} Severity `{severity}`, after {wait} of:\n");
        let _ = writeln!(text, "```promql\n{}\n```\n\n{steps}\n", of_mason(query));
    }
    text
}
