//! The block of an `athena` client.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::Credentials;

/// Amazon Athena, which queries the tables of the Glue Data Catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AthenaClient {
    /// The region, for example `eu-central-1`: that of the catalogue.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9-]+$"))]
    pub region: String,
    /// The workgroup that queries run in. Default: `primary`.
    #[serde(default = "primary")]
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[a-zA-Z0-9._-]{1,128}$"))]
    pub workgroup: String,
    /// The name that Athena has for the catalogue. Default: `AwsDataCatalog`, which is Glue's.
    #[serde(default = "glue")]
    #[schemars(length(min = 1, max = 256))]
    pub catalog: String,
    /// Where Athena keeps what queries answer, `s3://bucket/prefix/`. Default: what the workgroup says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 8, max = 1024),
        regex(pattern = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")
    )]
    pub output_location: Option<String>,
    /// The address of a server that speaks the protocol of Athena, for example `http://127.0.0.1:5000`. Default: that of
    /// AWS in the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 1024), regex(pattern = "^https?://[^/?#@]+/?$"))]
    pub endpoint: Option<String>,
    /// A Secret of the config's namespace with the keys `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and
    /// `AWS_SESSION_TOKEN` where there is one. On a cluster it is needed. Without a cluster the credentials are those that
    /// the tools of AWS would use, whether a Secret is named or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

fn primary() -> String {
    "primary".to_owned()
}

fn glue() -> String {
    "AwsDataCatalog".to_owned()
}
