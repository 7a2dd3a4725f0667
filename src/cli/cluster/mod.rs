//! What the verbs do otherwise when resources are kept in a cluster: its controller drives the runs, and
//! this process only asks and watches.

mod connection;
pub(crate) mod events;
pub(crate) mod logs;
pub(crate) mod watching;

pub(crate) use connection::{
    Cluster, SILENCE, code_of, is_connection_lost, is_forbidden, is_passing, refuse,
};
