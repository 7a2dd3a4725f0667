//! How a query stands, as jobs do. Pure.

use aws_sdk_athena::primitives::DateTime;
use aws_sdk_athena::types::{AthenaError, QueryExecution, QueryExecutionState};
use jiff::Timestamp;

use crate::api::v1alpha1::AttemptStatistics;
use crate::engines::job::{JobError, JobState};
use crate::engines::{ErrorKind, error::Retry};

/// How a query stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub(super) state: JobState,
    pub(super) began: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) error: Option<JobError>,
    pub(super) statistics: Option<AttemptStatistics>,
}

/// Returns how a query stands. One that runs may go back into the queue.
///
/// # Source
/// <https://docs.aws.amazon.com/athena/latest/APIReference/API_QueryExecutionStatus.html>
pub(super) fn standing(query: &QueryExecution) -> Standing {
    let status = query.status.as_ref();
    let state = match status.and_then(|status| status.state.as_ref()) {
        Some(QueryExecutionState::Succeeded) => JobState::Succeeded,
        Some(QueryExecutionState::Failed) => JobState::Failed,
        Some(QueryExecutionState::Cancelled) => JobState::Cancelled,
        Some(QueryExecutionState::Running) => JobState::Running,
        _ => JobState::Queued,
    };
    let time = |time: Option<&DateTime>| time.and_then(|time| instant(*time));
    let began = time(status.and_then(|status| status.submission_date_time.as_ref()));
    let ended = time(status.and_then(|status| status.completion_date_time.as_ref()));
    let reason = status.and_then(|status| status.state_change_reason.as_deref());
    let error = status.and_then(|status| status.athena_error.as_ref());
    Standing {
        state,
        began,
        ended: ended.filter(|_| state.has_ended()),
        error: (state == JobState::Failed).then(|| failure(reason, error)),
        statistics: state.has_ended().then(|| statistics(query)),
    }
}

fn instant(time: DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

fn statistics(query: &QueryExecution) -> AttemptStatistics {
    let taken = query.statistics.as_ref();
    let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    AttemptStatistics {
        queued_milliseconds: number(taken.and_then(|taken| taken.query_queue_time_in_millis)),
        running_milliseconds: number(taken.and_then(|taken| taken.engine_execution_time_in_millis)),
        input_bytes: number(taken.and_then(|taken| taken.data_scanned_in_bytes)),
        ..AttemptStatistics::default()
    }
}

/// Returns why a query failed. Errors of the system may pass; those of the statement, of exhausted resources and of a time
/// that is over do not, and asking again costs.
///
/// # Source
/// <https://docs.aws.amazon.com/athena/latest/ug/error-reference.html>
fn failure(reason: Option<&str>, error: Option<&AthenaError>) -> JobError {
    const SYSTEM: i32 = 1;
    const USER: i32 = 2;
    let told = error.and_then(|error| error.error_message.as_deref());
    let message = format!("Athena: {}", reason.or(told).unwrap_or("no reason is given"));
    let category = error.and_then(|error| error.error_category);
    let kind = error.and_then(|error| error.error_type);
    let is_exhausted = kind.is_some_and(|kind| (0..=8).contains(&kind));
    let is_over = matches!(kind, Some(206 | 210));
    let is_contended = message.contains("ICEBERG_COMMIT_ERROR");
    let passes = is_contended
        || error.is_some_and(|error| error.retryable || category == Some(SYSTEM))
            && !is_exhausted
            && !is_over;
    let hint = if is_exhausted {
        Some("read less: name partitions and columns, or cut the query in parts".to_owned())
    } else {
        None
    };
    let (kind, retry) = if passes {
        (ErrorKind::Unavailable, Retry::Later)
    } else if is_over {
        (ErrorKind::Timeout, Retry::Never)
    } else if category == Some(USER) || is_exhausted {
        (ErrorKind::InvalidInput, Retry::Never)
    } else {
        (ErrorKind::Unexpected, Retry::Never)
    };
    JobError { kind, retry, message, hint, reason: None }
}

#[cfg(test)]
mod tests {
    use aws_sdk_athena::types::QueryExecutionStatus;

    use super::*;

    fn failed(category: i32, kind: i32, retryable: bool, reason: &str) -> JobError {
        let error = AthenaError::builder()
            .error_category(category)
            .error_type(kind)
            .retryable(retryable)
            .build();
        let status = QueryExecutionStatus::builder()
            .state(QueryExecutionState::Failed)
            .state_change_reason(reason)
            .athena_error(error)
            .build();
        let query = QueryExecution::builder().status(status).build();
        standing(&query).error.expect("has failed")
    }

    #[test]
    fn only_what_may_pass_is_asked_for_again() {
        let of = |category, kind, retryable| failed(category, kind, retryable, "why");
        assert_eq!(of(1, 100, true).retry, Retry::Later);
        assert_eq!(of(2, 1006, false).kind, ErrorKind::InvalidInput);
        assert_eq!(of(2, 7, true).retry, Retry::Never, "exhausted resources are not asked again");
        assert!(of(2, 7, true).hint.expect("has one").contains("read less"));
        assert_eq!(
            (of(1, 206, false).kind, of(1, 206, false).retry),
            (ErrorKind::Timeout, Retry::Never)
        );
        let contended = failed(2, 233, false, "ICEBERG_COMMIT_ERROR: Failed to commit");
        assert_eq!(contended.retry, Retry::Later);
        assert_eq!(contended.message, "Athena: ICEBERG_COMMIT_ERROR: Failed to commit");
    }

    #[test]
    fn a_query_may_go_back_into_the_queue() {
        let of = |state: QueryExecutionState| {
            let status = QueryExecutionStatus::builder().state(state).build();
            standing(&QueryExecution::builder().status(status).build()).state
        };
        assert_eq!(of(QueryExecutionState::Running), JobState::Running);
        assert_eq!(of(QueryExecutionState::Queued), JobState::Queued);
        assert_eq!(of(QueryExecutionState::Cancelled), JobState::Cancelled);
    }
}
