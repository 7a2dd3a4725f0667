//! Queries over the series of Mason alone.

/// Returns a query in which `$MASON` keeps only series of processes that are Mason's.
///
/// Names of controller-runtime and client-go are every operator's, and which `job` a process has is a matter of
/// how it is scraped; but what comes from one process has its `job` and `instance`, and only Mason's tells its version.
pub(super) fn of_mason(query: &str) -> String {
    query.replace("$MASON", "* on (job, instance) group_left () mason_build_info")
}
