//! Resources as the rows of `get`: the CRD's printer columns, evaluated as the API server does.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::cli::words::kinds;
use crate::store::Kind;

/// The columns of one kind.
#[derive(Debug)]
pub(crate) struct Columns(Vec<Column>);

#[derive(Debug)]
struct Column {
    name: String,
    path: JsonPath,
    is_date: bool,
}

impl Columns {
    /// Returns the printer columns of a kind; those of lower priority only when `wide`.
    #[must_use]
    pub(crate) fn of(kind: Kind, wide: bool) -> Self {
        let version = kinds::crd_of(kind).spec.versions.first();
        let declared = version.and_then(|version| version.additional_printer_columns.as_deref());
        let shown = |column: &&CustomResourceColumnDefinition| {
            wide || column.priority.unwrap_or_default() == 0
        };
        Self(declared.unwrap_or_default().iter().filter(shown).map(Column::of).collect())
    }

    /// Returns the headings, in capitals.
    #[must_use]
    pub(crate) fn headings(&self) -> Vec<String> {
        self.0.iter().map(|column| column.name.to_uppercase()).collect()
    }

    /// Returns the cells of a resource; empty where it has no value.
    #[must_use]
    pub(crate) fn cells(&self, document: &Value, now: Timestamp) -> Vec<String> {
        self.0.iter().map(|column| column.cell(document, now)).collect()
    }
}

impl Column {
    fn of(declared: &CustomResourceColumnDefinition) -> Self {
        let path = JsonPath::parse(&format!("${}", declared.json_path));
        Self {
            name: declared.name.clone(),
            path: path.expect("should be a path, a test reads every column"),
            is_date: declared.type_ == "date",
        }
    }

    fn cell(&self, document: &Value, now: Timestamp) -> String {
        let found = self.path.query(document);
        let text = match found.first() {
            None | Some(Value::Null) => return String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        match text.parse::<Timestamp>() {
            Ok(then) if self.is_date => age(now.duration_since(then)),
            _ => text,
        }
    }
}

/// Returns a length of time as kubectl shows ages: `45s`, `3m10s`, `5h`, `2d4h`.
///
/// # Source
/// <https://pkg.go.dev/k8s.io/apimachinery/pkg/util/duration#HumanDuration>
#[must_use]
pub(crate) fn age(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |large: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{large}{unit}")
        } else {
            format!("{large}{unit}{small}{small_unit}")
        }
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_columns_are_those_of_the_crd() {
        let headings = |kind, wide| Columns::of(kind, wide).headings().join(" ");
        assert_eq!(
            headings(Kind::OperatorRun, false),
            "OPERATOR CONFIG PHASE REASON PROGRESS DURATION AGE"
        );
        assert_eq!(
            headings(Kind::OperatorRun, true),
            "OPERATOR CONFIG PHASE REASON PROGRESS DURATION AGE ATTEMPTS ENGINE MESSAGE"
        );
        assert_eq!(
            headings(Kind::MasonConfig, true),
            "METASTORE STORAGE EXECUTION READY MESSAGE AGE"
        );
        assert_eq!(headings(Kind::OperatorDefinition, false), "OPERATOR DESCRIPTION READY AGE");
    }

    #[test]
    fn cells_follow_paths_conditions_and_dates() {
        let now = "2026-01-02T03:04:05Z".parse().expect("should be a time");
        let document = json!({
            "metadata": {"creationTimestamp": "2026-01-02T03:01:00Z"},
            "status": {
                "conditions": [
                    {"type": "Stalled", "status": "False"}, {"type": "Ready", "status": "True"},
                ],
                "columns": {"metastore": "here", "storage": null},
            },
        });
        let cells = Columns::of(Kind::MasonConfig, false).cells(&document, now);
        assert_eq!(cells, ["here", "", "", "True", "3m5s"]);
    }

    #[test]
    fn ages_read_as_kubectl_shows_them() {
        let shown = |seconds| age(SignedDuration::from_secs(seconds));
        for (seconds, text) in [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (190, "3m10s"),
            (3_599, "59m"),
            (10_860, "3h1m"),
            (90_000, "25h"),
            (187_200, "2d4h"),
            (864_000, "10d"),
            (63_072_000 + 86_400, "2y1d"),
        ] {
            assert_eq!(shown(seconds), text, "{seconds}");
        }
    }
}
