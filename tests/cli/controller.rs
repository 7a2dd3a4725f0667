//! `mason controller`, as far as it goes without a cluster; `tests/k8s` has one.

use crate::Mason;

#[test]
fn wrong_arguments_are_all_told_before_a_cluster_is_looked_for() {
    let called = Mason::new().call([
        "controller",
        "--local-root",
        "data",
        "--allowed-endpoint",
        "minio:9000",
        "--watch-namespace",
        "Bad_NS",
        "--watch-namespace",
        "team-a",
        "--probe-interval",
        "0s",
    ]);
    assert_eq!(called.code, 2, "{called:?}");
    for problem in [
        "--local-root `data` is not an absolute path",
        "--allowed-endpoint `minio:9000` is no address of a server",
        "--watch-namespace `Bad_NS` is no namespace",
        "--probe-interval is less than 1 s",
        "hint: nothing was begun",
    ] {
        assert!(called.err.contains(problem), "{problem}: {called:?}");
    }
    assert!(!called.err.contains("team-a") && !called.err.contains("cluster"), "{called:?}");
}
