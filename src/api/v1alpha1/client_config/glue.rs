//! The block of a `glue` client.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::Credentials;

/// The Glue Data Catalog of an account and region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlueClient {
    /// The region of the catalogue, for example `eu-central-1`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9-]+$"))]
    pub region: String,
    /// The account whose catalogue it is, 12 digits. Default: that of the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 12, max = 12), regex(pattern = "^[0-9]{12}$"))]
    pub catalog_id: Option<String>,
    /// The address of a server that speaks the protocol of Glue, for example `http://127.0.0.1:5000`. Default: that of
    /// AWS in the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 1024), regex(pattern = "^https?://[^/?#@]+/?$"))]
    pub endpoint: Option<String>,
    /// A Secret of the config's namespace with the keys `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and
    /// `AWS_SESSION_TOKEN` where there is one. On a cluster it is needed, and is that of the client that keeps the files.
    /// Without a cluster the credentials are those that the tools of AWS would use, whether a Secret is named or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}
