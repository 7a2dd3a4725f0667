//! Which concrete client fills each role: the definition's sets in order, within a set the config's
//! order of preference. What is picked here is what executes.

use crate::api::v1alpha1::{
    ClientConfig, ClientKind, EngineChoice, EngineChoices, MasonConfig, SupportedConfiguration,
};
use crate::engines::capability::{Capability, ClientType};
use crate::engines::{ByRole, Role};

/// What is matched.
pub(super) struct Matching<'a> {
    /// The config whose clients are tried.
    pub(super) config: &'a MasonConfig,
    /// The definition's sets; one that asks for nothing when there are none.
    pub(super) sets: &'a [SupportedConfiguration],
    /// What the action needs.
    pub(super) needs: &'a [Capability],
    /// The types of clients that this program has.
    pub(super) clients: &'a [ClientType],
}

/// Why no set fits: for each set in order, every role that stood against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unmatched(pub(super) Vec<Vec<String>>);

impl Matching<'_> {
    /// Returns the client of each role, or why every set failed.
    pub(super) fn choose(&self) -> Result<EngineChoices, Unmatched> {
        let anything = [SupportedConfiguration::default()];
        let sets = if self.sets.is_empty() { &anything[..] } else { self.sets };
        let mut failures = Vec::new();
        for set in sets {
            match self.try_set(set) {
                Ok(choices) => return Ok(choices),
                Err(reasons) => failures.push(reasons),
            }
        }
        Err(Unmatched(failures))
    }

    fn try_set(&self, set: &SupportedConfiguration) -> Result<EngineChoices, Vec<String>> {
        let wanted: ByRole<Option<ClientKind>> = set.into();
        let mut reasons = Vec::new();
        let choices = ByRole::from_fn(|role| {
            let filled = self.fill(role, *wanted.get(role));
            filled.unwrap_or_else(|reason| {
                reasons.push(reason);
                None
            })
        });
        if reasons.is_empty() { Ok(choices.into()) } else { Err(reasons) }
    }

    /// Returns the first client of the role that will do. A role that neither the set nor the action
    /// asks for is filled where it can be.
    fn fill(&self, role: Role, wanted: Option<ClientKind>) -> Result<Option<EngineChoice>, String> {
        let needs: Vec<Capability> =
            self.needs.iter().copied().filter(|need| need.role() == role).collect();
        let names = *ByRole::from(&self.config.spec.engines).get(role);
        let mut refused = Vec::new();
        for name in names {
            match self.consider(name, role, wanted, &needs) {
                Ok(kind) => return Ok(Some(EngineChoice { client: name.clone(), kind })),
                Err(reason) => refused.push(reason),
            }
        }
        if wanted.is_none() && needs.is_empty() {
            return Ok(None);
        }
        if names.is_empty() {
            let wanted = wanted.map_or(String::new(), |kind| format!(" of type {}", kind.as_str()));
            return Err(format!(
                "{} needs a client{wanted}, and the config names none",
                role.as_str()
            ));
        }
        Err(format!("{}: {}", role.as_str(), refused.join(", ")))
    }

    /// Returns the type of a client that will do, or why it will not.
    fn consider(
        &self,
        name: &str,
        role: Role,
        wanted: Option<ClientKind>,
        needs: &[Capability],
    ) -> Result<ClientKind, String> {
        let Some(client) = self.client(name) else {
            return Err(format!("`{name}` is not among the config's clients"));
        };
        let Some(kind) = client.kind() else { return Err(format!("`{name}` has no type")) };
        if let Some(wanted) = wanted.filter(|wanted| *wanted != kind) {
            return Err(format!("`{name}` is {}, not {}", kind.as_str(), wanted.as_str()));
        }
        let Some(known) = ClientType::find(self.clients, kind) else {
            return Err(format!(
                "`{name}` is {}, which this program was built without",
                kind.as_str()
            ));
        };
        let described = known.describe(client);
        if !described.roles.contains(&role) {
            return Err(format!(
                "`{name}` ({}) cannot fill the role {}",
                kind.as_str(),
                role.as_str()
            ));
        }
        let missing: Vec<String> = needs
            .iter()
            .filter(|need| !described.capabilities.contains(need))
            .map(|need| format!("`{}`", word(*need)))
            .collect();
        if missing.is_empty() {
            return Ok(kind);
        }
        Err(format!("`{name}` ({}) cannot {}", kind.as_str(), missing.join(", ")))
    }

    fn client(&self, name: &str) -> Option<&ClientConfig> {
        self.config.spec.clients.iter().find(|client| client.name == name)
    }
}

/// Returns the capability's word, `changeTables`.
pub(super) fn word(capability: Capability) -> String {
    match serde_json::to_value(capability) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{capability:?}"),
    }
}

/// Returns a set in words, `metastore: local, execution: local`.
pub(super) fn describe(set: &SupportedConfiguration) -> String {
    let wanted: ByRole<Option<ClientKind>> = set.into();
    let roles = wanted.iter().filter_map(|(role, kind)| {
        kind.map(|kind| format!("{}: {}", role.as_str(), kind.as_str()))
    });
    roles.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engines::capability::ClientDescription;

    /// A type whose clients query, except those below `/archive`.
    const TYPES: &[ClientType] = &[ClientType {
        most: ClientDescription {
            kind: ClientKind::Local,
            summary: "files",
            roles: &[Role::Execution],
            capabilities: &[Capability::Query],
            reads: &[],
            writes: &[],
        },
        narrow: |most, client| match client.folder() {
            Some("/archive") => ClientDescription { capabilities: &[], ..most },
            _ => most,
        },
    }];

    fn chosen(execution: &[&str]) -> Result<EngineChoices, Unmatched> {
        let config: MasonConfig = serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig", "metadata": {"name": "lake"},
            "spec": {"engines": {"execution": execution}, "clients": [
                {"name": "archive", "local": {"root": "/archive"}},
                {"name": "here", "local": {"root": "/lake"}},
            ]},
        }))
        .expect("should be a config");
        let needs = &[Capability::Query];
        Matching { config: &config, sets: &[], needs, clients: TYPES }.choose()
    }

    #[test]
    fn what_a_client_can_do_follows_from_its_block() {
        let choices = chosen(&["archive", "here"]).expect("should match");
        assert_eq!(choices.execution.map(|choice| choice.client).as_deref(), Some("here"));
        assert_eq!((choices.metastore, choices.storage), (None, None), "nothing stands in");
        let Unmatched(failures) = chosen(&["archive"]).expect_err("should not match");
        assert_eq!(failures, [["execution: `archive` (local) cannot `query`"]]);
    }
}
