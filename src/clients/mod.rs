//! The technologies that fill engine roles, one folder each; clients never import each other.
//!
//! [`types`] is what `validate` and the docs read. A door makes one [`Connections`], says in [`Surroundings`] what it
//! lends, and has the clients that matching picked opened and bound to its runs.

mod allowed_roots;
#[cfg(feature = "aws")]
pub mod athena;
#[cfg(any(feature = "aws", feature = "local"))]
mod clock;
mod connections;
#[cfg(feature = "aws")]
pub mod glue;
#[cfg(feature = "local")]
pub mod local;
mod measured;
mod registry;
#[cfg(feature = "aws")]
pub mod s3;
mod secret_keys;
mod stores;
mod surroundings;
mod workers_at;

pub use allowed_roots::AllowedRoots;
pub use connections::{Connections, Picked};
pub use measured::measured;
pub use registry::{Asked, ConfigIdentity, Connection, Opened, Row, types};
pub use secret_keys::SecretKeys;
pub use stores::OpenStore;
pub use surroundings::{Secrets, Surroundings};
pub use workers_at::{PlaceWorkers, WorkersAt};
