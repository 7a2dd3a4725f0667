//! What the clients of AWS share: how credentials are found and kept fresh, and how a service is asked and
//! what its refusals mean.
//!
//! Below the clients: knows no config. One stack for TLS, rustls with ring, is handed to the SDK.

mod credentials;
mod error;
mod service;

pub use credentials::{Ambient, Keys};
pub use error::Service;
pub use service::{Signer, service};
