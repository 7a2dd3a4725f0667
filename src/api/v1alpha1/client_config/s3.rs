//! The block of an `s3` client.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::Credentials;

/// Objects below one address of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct S3Client {
    /// The address that holds databases (its folders) and tables, `s3://bucket/prefix/` or `s3://bucket/`. Nothing
    /// outside it can be reached.
    #[schemars(
        length(min = 8, max = 1024),
        regex(pattern = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")
    )]
    pub root: String,
    /// The region of the bucket, for example `eu-central-1`. Default: without a cluster that of
    /// `AWS_REGION` or of the profile, else `us-east-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9-]+$"))]
    pub region: Option<String>,
    /// The address of a server that speaks the protocol of S3, for example `http://127.0.0.1:9000`. Default: that of
    /// AWS in the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 1024), regex(pattern = "^https?://[^/?#@]+/?$"))]
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path of a request (`https://host/bucket/key`) and not in the name of its host.
    /// Most servers of others want it. Default: true where `endpoint` is given, else false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// A Secret of the config's namespace with the keys `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and
    /// `AWS_SESSION_TOKEN` where there is one. On a cluster it is needed. Without a cluster the credentials are
    /// those that the tools of AWS would use, whether a Secret is named or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}
