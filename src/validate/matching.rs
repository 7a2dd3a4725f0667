//! Which concrete client fills each role: the definition's sets in order, within a set the config's
//! order of preference. What is picked here is what executes.

use crate::api::v1alpha1::{
    ClientConfig, ClientKind, EngineChoice, EngineChoices, MasonConfig, SupportedConfiguration,
};
use crate::engines::capability::{Capability, ClientDescription, Role};

/// What is matched.
pub(super) struct Matching<'a> {
    /// The config whose clients are tried.
    pub(super) config: &'a MasonConfig,
    /// The definition's sets; one that asks for nothing when there are none.
    pub(super) sets: &'a [SupportedConfiguration],
    /// What the action needs.
    pub(super) needs: &'a [Capability],
    /// The types of clients that this program has.
    pub(super) clients: &'a [ClientDescription],
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
        let (mut choices, mut reasons) = (EngineChoices::default(), Vec::new());
        for role in Role::ALL {
            match self.fill(role, kind_in(set, role)) {
                Ok(choice) => *slot(&mut choices, role) = choice,
                Err(reason) => reasons.push(reason),
            }
        }
        if reasons.is_empty() { Ok(choices) } else { Err(reasons) }
    }

    /// Returns the first client of the role that will do. A role that neither the set nor the action
    /// asks for is filled where it can be.
    fn fill(&self, role: Role, wanted: Option<ClientKind>) -> Result<Option<EngineChoice>, String> {
        let needs: Vec<Capability> =
            self.needs.iter().copied().filter(|need| need.role() == role).collect();
        let names = names_of(self.config, role);
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
        let Some(description) = self.clients.iter().find(|known| known.kind == kind) else {
            return Err(format!(
                "`{name}` is {}, which this program was built without",
                kind.as_str()
            ));
        };
        if !description.roles.contains(&role) {
            return Err(format!(
                "`{name}` ({}) cannot fill the role {}",
                kind.as_str(),
                role.as_str()
            ));
        }
        let missing: Vec<String> = needs
            .iter()
            .filter(|need| !description.capabilities.contains(need))
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

/// Returns the names of a role's clients, in order of preference.
pub(super) fn names_of(config: &MasonConfig, role: Role) -> &[String] {
    let engines = &config.spec.engines;
    match role {
        Role::Metastore => &engines.metastore,
        Role::Storage => &engines.storage,
        Role::Execution => &engines.execution,
    }
}

/// Returns the type that a set asks for in a role.
pub(super) fn kind_in(set: &SupportedConfiguration, role: Role) -> Option<ClientKind> {
    match role {
        Role::Metastore => set.metastore,
        Role::Storage => set.storage,
        Role::Execution => set.execution,
    }
}

/// Returns a set in words, `metastore: local, execution: local`.
pub(super) fn describe(set: &SupportedConfiguration) -> String {
    let roles = Role::ALL.into_iter().filter_map(|role| {
        kind_in(set, role).map(|kind| format!("{}: {}", role.as_str(), kind.as_str()))
    });
    roles.collect::<Vec<_>>().join(", ")
}

fn slot(choices: &mut EngineChoices, role: Role) -> &mut Option<EngineChoice> {
    match role {
        Role::Metastore => &mut choices.metastore,
        Role::Storage => &mut choices.storage,
        Role::Execution => &mut choices.execution,
    }
}
