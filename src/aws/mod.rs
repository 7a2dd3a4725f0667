//! What the clients of AWS share: how credentials are found and kept fresh, and how a service is asked.
//!
//! Below the clients: knows no config. One stack for TLS, rustls with ring, is handed to the SDK.

mod credentials;
mod service;

pub use credentials::{Ambient, Keys};
pub use service::{Signer, service};
