//! Mason: data operators, written once and run on whatever a company has.
//!
//! ```text
//! YAML ─ api ─► run ─ gather ─► inputs ─ validate ─► valid run ─ plan ─► decision ─ act (engine ► client) ─► outcome ─ status
//!        types       reads               pure              pure          one effect                  pure
//! ```
//!
//! | module | holds | may import |
//! |---|---|---|
//! | [`api`] | the resources, the only wire types | nothing |
//! | [`faults`] | where tests end the process; nothing in other builds | nothing |
//! | [`engines`] | what can be asked of a role, and its models | `api` |
//! | [`sql`] | what a statement reads, and whether it only reads | `engines` |
//! | [`formats`] | bytes to Arrow and back | `engines` |
//! | [`transforms`] | Arrow to Arrow: cast, merge, explode, fake rows, summaries | `engines formats` |
//! | [`lake`] | what a table is on any files: generations, commits, changes, inference, partitions, names | `engines faults formats` |
//! | [`embedded`] | one job on DataFusion, over any files | `engines formats lake sql transforms` |
//! | [`validate`] | a request to a validated value, or all problems | `api engines sql` |
//! | [`plan`] | the next decision of a run | those, `validate` |
//! | [`operators`] | the built-in operators: builders of one job | `api engines sql` |
//! | [`pods`] | work in bare pods: created inert, recorded, released, proven | `api engines` |
//! | [`aws`] | what the clients of AWS share: credentials | `engines` |
//! | [`clients`] | one folder for each technology, a registry of them, and their open connections | `api aws embedded engines faults formats lake metrics sql` |
//! | [`store`] | where resources are kept | `api metrics` |
//! | [`runs`] | gather, act, record: the one layer of effects, for every door | all above but `clients` |
//! | [`readiness`] | the readiness of configs and definitions, for every door | `api engines validate` |
//! | [`metrics`] | what is counted and measured | nothing |
//! | [`generated`] | the makers of committed files: CRDs, dashboards, alerts, reference pages | `api clients engines metrics operators store` |
//! | [`controllers`] | the resources of a cluster, reconciled | all above |
//! | [`cli`] | the command line | everything |
//!
//! A test reads the imports and enforces the table.

#![cfg_attr(test, expect(clippy::unwrap_in_result, reason = "a test stops where it fails"))]

pub mod api;
#[cfg(feature = "aws")]
pub mod aws;
pub mod cli;
pub mod clients;
pub mod config;
pub mod controllers;
#[cfg(feature = "local")]
pub mod embedded;
pub mod engines;
pub mod faults;
pub mod formats;
pub mod generated;
#[cfg_attr(
    not(feature = "local"),
    expect(dead_code, reason = "what only jobs on this machine use of the lake")
)]
pub mod lake;
pub mod metrics;
pub mod operators;
pub mod plan;
pub mod pods;
pub mod readiness;
pub mod runs;
pub mod sql;
pub mod store;
pub mod telemetry;
#[cfg(any(test, feature = "test-support"))]
pub mod testing;
pub mod transforms;
pub mod validate;
