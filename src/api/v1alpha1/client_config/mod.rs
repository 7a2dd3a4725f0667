//! The clients of a config, one file for the block of each type, and how a config is named.

mod athena;
mod client;
mod credentials;
mod glue;
mod local;
mod reference;
mod s3;

pub use athena::AthenaClient;
pub use client::{ClientConfig, ClientKind};
pub use credentials::{Credentials, SecretRef};
pub use glue::GlueClient;
pub use local::{LocalClient, Placement};
pub use reference::{ConfigRef, ConfigVersion};
pub use s3::S3Client;
