//! What the clients of AWS share: how credentials are found and kept fresh.
//!
//! Below the clients: knows no config and no service. One stack for TLS, rustls with ring, is handed to the SDK.

mod credentials;

pub use credentials::{Ambient, Keys};
