//! What the requests of a client to a service of AWS are signed with.

use std::sync::Arc;

use jiff::Timestamp;

use super::secret_keys::SecretKeys;
use crate::api::v1alpha1::ClientConfig;
use crate::aws::{Ambient, Signer};
use crate::engines::EngineError;

/// Returns the keys of the client's Secret, or the credentials of this process: looked for now, so that nothing is begun
/// where there are none.
///
/// # Errors
/// `Unauthenticated`, naming the client.
pub(super) async fn signer(
    client: &ClientConfig,
    keys: Option<&SecretKeys>,
    region: &str,
    now: fn() -> Timestamp,
) -> Result<Signer, EngineError> {
    if let Some(keys) = keys {
        return Ok(Signer::Keys(Arc::new(keys.of_aws(client)?)));
    }
    let named = |error: EngineError| EngineError { client: client.name.clone(), ..error };
    let ambient = Ambient::find(Some(region), now).await.map_err(named)?;
    ambient.keys().await.map_err(named)?;
    Ok(Signer::Ambient(Arc::new(ambient)))
}
