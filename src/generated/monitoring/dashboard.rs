//! The dashboard for Grafana.

use serde_json::{Value, json};

use super::query::of_mason;

/// How wide a row is, in Grafana's units.
const WIDTH: u32 = 24;

/// One picture.
pub(super) struct Panel {
    title: &'static str,
    unit: &'static str,
    /// Queries, each with what its lines are called.
    pub(super) queries: &'static [(&'static str, &'static str)],
}

/// Pictures beside each other, under a heading.
pub(super) struct Row {
    title: &'static str,
    pub(super) panels: &'static [Panel],
}

pub(super) const ROWS: [Row; 5] = [
    Row {
        title: "Runs",
        panels: &[
            Panel {
                title: "Runs that have not ended",
                unit: "short",
                queries: &[("{{phase}}", "sum by (phase) (mason_runs_active)")],
            },
            Panel {
                title: "Runs that ended, a minute",
                unit: "short",
                queries: &[(
                    "{{phase}} {{reason}}",
                    "sum by (phase, reason) (rate(mason_runs_total[5m])) * 60",
                )],
            },
            Panel {
                title: "Oldest run that has not begun",
                unit: "s",
                queries: &[("age", "max(mason_oldest_pending_run_age_seconds)")],
            },
            Panel {
                title: "Length of runs, 95th percentile",
                unit: "s",
                queries: &[(
                    "{{operator}}",
                    "histogram_quantile(0.95, sum by (operator, le) (rate(mason_run_duration_seconds_bucket[15m])))",
                )],
            },
            Panel {
                title: "Attempts that ended, a minute",
                unit: "short",
                queries: &[(
                    "{{outcome}} {{class}}",
                    "sum by (outcome, class) (rate(mason_attempts_total[5m])) * 60",
                )],
            },
            Panel {
                title: "Places to work",
                unit: "short",
                queries: &[
                    ("taken", "sum(mason_workers_active)"),
                    ("there are", "sum(mason_workers_limit)"),
                ],
            },
        ],
    },
    Row {
        title: "Latency",
        panels: &[
            Panel {
                title: "From the watch to the first status",
                unit: "s",
                queries: &[
                    (
                        "p50",
                        "histogram_quantile(0.5, sum by (le) (rate(mason_watch_to_status_seconds_bucket[5m])))",
                    ),
                    (
                        "p95",
                        "histogram_quantile(0.95, sum by (le) (rate(mason_watch_to_status_seconds_bucket[5m])))",
                    ),
                ],
            },
            Panel {
                title: "From creation to the first attempt",
                unit: "s",
                queries: &[(
                    "p95",
                    "histogram_quantile(0.95, sum by (le) (rate(mason_run_queue_seconds_bucket[5m])))",
                )],
            },
            Panel {
                title: "From intent to launch",
                unit: "s",
                queries: &[(
                    "p95",
                    "histogram_quantile(0.95, sum by (le) (rate(mason_launch_seconds_bucket[5m])))",
                )],
            },
            Panel {
                title: "Size of results, 95th percentile",
                unit: "bytes",
                queries: &[(
                    "p95",
                    "histogram_quantile(0.95, sum by (le) (rate(mason_result_bytes_bucket[15m])))",
                )],
            },
        ],
    },
    Row {
        title: "Controllers",
        panels: &[
            Panel {
                title: "Passes a second",
                unit: "short",
                queries: &[(
                    "{{controller}} {{result}}",
                    "sum by (controller, result) (rate(controller_runtime_reconcile_total[5m]) $MASON)",
                )],
            },
            Panel {
                title: "Length of passes, 95th percentile",
                unit: "s",
                queries: &[(
                    "{{controller}}",
                    "histogram_quantile(0.95, sum by (controller, le) (rate(controller_runtime_reconcile_time_seconds_bucket[5m]) $MASON))",
                )],
            },
            Panel {
                title: "Resources that wait",
                unit: "short",
                queries: &[("{{name}}", "sum by (name) (workqueue_depth $MASON)")],
            },
            Panel {
                title: "Time in the queue, 95th percentile",
                unit: "s",
                queries: &[(
                    "{{name}}",
                    "histogram_quantile(0.95, sum by (name, le) (rate(workqueue_queue_duration_seconds_bucket[5m]) $MASON))",
                )],
            },
            Panel {
                title: "Passes under way",
                unit: "short",
                queries: &[
                    (
                        "{{controller}}",
                        "sum by (controller) (controller_runtime_active_workers $MASON)",
                    ),
                    ("at most", "max(controller_runtime_max_concurrent_reconciles $MASON)"),
                ],
            },
            Panel {
                title: "Longest pass under way",
                unit: "s",
                queries: &[(
                    "{{name}}",
                    "max by (name) (workqueue_longest_running_processor_seconds $MASON)",
                )],
            },
        ],
    },
    Row {
        title: "Engines",
        panels: &[
            Panel {
                title: "Calls a second",
                unit: "short",
                queries: &[(
                    "{{client}} {{operation}}",
                    "sum by (client, operation) (rate(mason_engine_call_duration_seconds_count[5m]))",
                )],
            },
            Panel {
                title: "Length of calls, 95th percentile",
                unit: "s",
                queries: &[(
                    "{{client}} {{operation}}",
                    "histogram_quantile(0.95, sum by (client, operation, le) (rate(mason_engine_call_duration_seconds_bucket[5m])))",
                )],
            },
            Panel {
                title: "Calls that failed, a minute",
                unit: "short",
                queries: &[(
                    "{{client}} {{kind}}",
                    "sum by (client, kind) (rate(mason_engine_errors_total[5m])) * 60",
                )],
            },
        ],
    },
    Row {
        title: "API server",
        panels: &[
            Panel {
                title: "Requests a second",
                unit: "short",
                queries: &[(
                    "{{method}} {{code}}",
                    "sum by (method, code) (rate(rest_client_requests_total[5m]) $MASON)",
                )],
            },
            Panel {
                title: "Length of requests, 95th percentile",
                unit: "s",
                queries: &[(
                    "{{verb}}",
                    "histogram_quantile(0.95, sum by (verb, le) (rate(rest_client_request_duration_seconds_bucket[5m]) $MASON))",
                )],
            },
            Panel {
                title: "Statuses stored, and those that came too late",
                unit: "short",
                queries: &[
                    ("{{controller}}", "sum by (controller) (rate(mason_status_writes_total[5m]))"),
                    (
                        "{{controller}} too late",
                        "sum by (controller) (rate(mason_status_conflicts_total[5m]))",
                    ),
                ],
            },
            Panel {
                title: "Planned times of schedules, an hour",
                unit: "short",
                queries: &[(
                    "{{outcome}}",
                    "sum by (outcome) (rate(mason_schedule_times_total[5m])) * 3600",
                )],
            },
            Panel {
                title: "Events that were never written, a minute",
                unit: "short",
                queries: &[("", "sum(rate(mason_events_dropped_total[5m])) * 60")],
            },
            Panel {
                title: "Watches that began anew, a minute",
                unit: "short",
                queries: &[(
                    "{{controller}}",
                    "sum by (controller) (rate(mason_watch_restarts_total[5m])) * 60",
                )],
            },
            Panel {
                title: "Who leads",
                unit: "short",
                queries: &[(
                    "{{pod}} {{name}}",
                    "max by (pod, name) (leader_election_master_status $MASON)",
                )],
            },
            Panel {
                title: "Versions",
                unit: "short",
                queries: &[("{{version}}", "count by (version) (mason_build_info)")],
            },
        ],
    },
];

/// Returns the dashboard as Grafana imports it.
pub(super) fn json() -> String {
    let (mut panels, mut y, mut id) = (Vec::new(), 0, 1);
    for row in &ROWS {
        panels.push(json!({
            "id": id, "type": "row", "title": row.title, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
        }));
        (id, y) = (id + 1, y + 1);
        for three in row.panels.chunks(3) {
            let width = WIDTH / 3;
            for (panel, x) in three.iter().zip((0..).step_by(width as usize)) {
                panels.push(panel_json(panel, id, (x, y, width)));
                id += 1;
            }
            y += 8;
        }
    }
    let dashboard = json!({
        "uid": "mason",
        "title": "Mason",
        "tags": ["mason"],
        "schemaVersion": 39,
        "editable": true,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [{
            "name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source",
        }]},
        "panels": panels,
    });
    format!("{dashboard:#}\n")
}

fn panel_json(panel: &Panel, id: u32, (x, y, width): (u32, u32, u32)) -> Value {
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let targets = panel.queries.iter().zip('A'..).map(|((legend, query), name)| {
        json!({"refId": name, "expr": of_mason(query), "legendFormat": legend, "datasource": source})
    });
    json!({
        "id": id,
        "type": "timeseries",
        "title": panel.title,
        "datasource": source,
        "gridPos": {"x": x, "y": y, "w": width, "h": 8},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": targets.collect::<Vec<_>>(),
    })
}
