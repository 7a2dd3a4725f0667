//! A client of a config: a name and exactly one block that says which technology it is.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AthenaClient, Credentials, GlueClient, LocalClient, Placement, S3Client, SecretRef};

/// A technology that fills one or more engine roles.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// Files below one folder of this machine, with an embedded SQL engine.
    Local,
    /// Objects of one bucket of S3, or of a server that speaks its protocol.
    S3,
    /// The Glue Data Catalog of an account and region.
    Glue,
    /// Amazon Athena, which queries the tables of a `glue` client.
    Athena,
}

impl ClientKind {
    /// Returns the word used in configs and definitions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::S3 => "s3",
            Self::Glue => "glue",
            Self::Athena => "athena",
        }
    }
}

/// One client of a config. Exactly one type block must be given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.local), has(self.s3), has(self.glue), has(self.athena)].filter(given, given).size() == 1").message("exactly one client type is needed: local, s3, glue or athena"))]
#[serde(rename_all = "camelCase")]
pub struct ClientConfig {
    /// The name by which `engines` refers to the client, for example `here`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// Files below one folder of this machine. Fills metastore, storage and execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalClient>,
    /// Objects of one bucket of S3, or of a server that speaks its protocol. Fills metastore and storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Client>,
    /// The Glue Data Catalog of an account and region. Fills metastore; the files of its tables are those of an `s3` client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glue: Option<GlueClient>,
    /// Amazon Athena, which queries the tables of a `glue` client. Fills execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub athena: Option<AthenaClient>,
}

impl ClientConfig {
    /// Returns which technology the client is, if exactly one type block is present.
    #[must_use]
    pub fn kind(&self) -> Option<ClientKind> {
        let Self { name: _, local, s3, glue, athena } = self;
        let blocks = [
            local.as_ref().map(|_| ClientKind::Local),
            s3.as_ref().map(|_| ClientKind::S3),
            glue.as_ref().map(|_| ClientKind::Glue),
            athena.as_ref().map(|_| ClientKind::Athena),
        ];
        let mut present = blocks.into_iter().flatten();
        present.next().filter(|_| present.next().is_none())
    }

    /// Returns the folder that the client works below, where it works on files of a machine.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.local.as_ref().map(|local| local.root.as_str())
    }

    /// Returns that folder to be changed.
    pub fn folder_mut(&mut self) -> Option<&mut String> {
        self.local.as_mut().map(|local| &mut local.root)
    }

    /// Returns the field that holds that folder, seen from the client.
    #[must_use]
    pub const fn folder_field() -> &'static str {
        "local.root"
    }

    /// Returns the address that the client's objects are below, where it works on objects of S3.
    #[must_use]
    pub fn objects_root(&self) -> Option<&str> {
        self.s3.as_ref().map(|s3| s3.root.as_str())
    }

    /// Returns the Secret that holds the client's credentials.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretRef> {
        self.credentials().map(|credentials| &credentials.secret_ref)
    }

    fn credentials(&self) -> Option<&Credentials> {
        let Self { name: _, local, s3, glue, athena } = self;
        let of_local = local.as_ref().and_then(|local| local.credentials.as_ref());
        let of_s3 = s3.as_ref().and_then(|s3| s3.credentials.as_ref());
        let of_glue = glue.as_ref().and_then(|glue| glue.credentials.as_ref());
        let of_athena = athena.as_ref().and_then(|athena| athena.credentials.as_ref());
        of_local.or(of_s3).or(of_glue).or(of_athena)
    }

    /// Returns the address of the server that the client asks, where it is not that of its technology.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        let of_s3 = self.s3.as_ref().and_then(|s3| s3.endpoint.as_deref());
        let of_glue = self.glue.as_ref().and_then(|glue| glue.endpoint.as_deref());
        of_s3.or(of_glue).or_else(|| self.athena.as_ref()?.endpoint.as_deref())
    }

    /// Returns where the client asks that its work runs.
    #[must_use]
    pub fn placement(&self) -> Option<Placement> {
        self.local.as_ref()?.placement
    }
}
