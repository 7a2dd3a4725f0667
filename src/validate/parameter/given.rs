//! The values that were given for a list of parameters, with defaults and aliases.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::accept::accept;
use crate::api::s3_address::S3Address;
use crate::api::v1alpha1::{
    ClientConfig, FreeForm, MasonConfig, Parameter, ParameterOrigin, ParameterType,
    ResolvedParameter,
};
use crate::validate::problem::{Problem, Problems, did_you_mean};

/// Most bytes of all parameters of a run, as JSON.
pub const PARAMETER_BYTES: usize = 256 * 1024;

/// What was given for parameters.
#[derive(Debug, Clone, Copy)]
pub(in crate::validate) struct Given<'a> {
    /// The values, by name or alias.
    pub(in crate::validate) values: &'a FreeForm,
    /// Of what the parameters are, `table/query`.
    pub(in crate::validate) of: &'a str,
    /// Parameters that have a value only later: they count as given.
    pub(in crate::validate) deferred: &'a BTreeSet<String>,
}

impl Given<'_> {
    /// Returns every parameter that has a value, in the order in which they are declared.
    pub(in crate::validate) fn resolve(
        &self,
        parameters: &[Parameter],
        config: Option<&MasonConfig>,
        problems: &mut Problems,
    ) -> Vec<ResolvedParameter> {
        check_size(self.values, problems);
        let mut given = self.assign(parameters, problems);
        let mut resolved = Vec::new();
        for parameter in parameters {
            if given
                .get(parameter.name.as_str())
                .is_some_and(|(key, _)| self.deferred.contains(*key))
            {
                continue;
            }
            let (key, value, origin) =
                match (given.remove(parameter.name.as_str()), &parameter.default) {
                    (Some((key, value)), _) => (key, value, ParameterOrigin::Run),
                    (None, Some(default)) => {
                        (parameter.name.as_str(), default, ParameterOrigin::DefinitionDefault)
                    }
                    (None, None) if parameter.required => {
                        let path = format!("spec.parameters.{}", parameter.name);
                        let hint =
                            Some(&parameter.description).filter(|text| !text.is_empty()).cloned();
                        problems.push(Problem::new(path, "is required").hint_if(hint));
                        continue;
                    }
                    (None, None) => continue,
                };
            let below = match as_path(parameter, value, config) {
                Ok(below) => below,
                Err(message) => {
                    let problem = Problem::new(format!("spec.parameters.{key}"), message);
                    problems
                        .push(problem.hint("give a path below the root of the config's storage"));
                    continue;
                }
            };
            match accept(parameter, below.as_ref().unwrap_or(value)) {
                Ok(value) => {
                    resolved.push(ResolvedParameter {
                        name: parameter.name.clone(),
                        value,
                        origin,
                    });
                }
                Err(refusals) if origin == ParameterOrigin::Run => {
                    problems.extend(refusals.into_iter().map(|refusal| {
                        Problem::new(format!("spec.parameters.{key}"), refusal.message)
                            .hint_if(refusal.hint)
                    }));
                }
                // A default that does not fit is a problem of the definition, and reported there.
                Err(_) => {}
            }
        }
        resolved
    }

    /// Returns what was given for each parameter: the key that was used, and the value.
    fn assign<'a>(
        &'a self,
        parameters: &'a [Parameter],
        problems: &mut Problems,
    ) -> BTreeMap<&'a str, (&'a str, &'a Value)> {
        let mut given: BTreeMap<&str, (&str, &Value)> = BTreeMap::new();
        for (key, value) in &self.values.0 {
            let path = format!("spec.parameters.{key}");
            let named = parameters.iter().find(|parameter| {
                parameter.name == *key || parameter.aliases.iter().any(|alias| alias == key)
            });
            let Some(parameter) = named else {
                let hint = did_you_mean(key, known_keys(parameters));
                let message = format!("`{}` has no such parameter", self.of);
                problems.push(Problem::new(path, message).hint_if(hint));
                continue;
            };
            if let Some((other, _)) = given.insert(&parameter.name, (key, value)) {
                let message = format!("is given twice: `{other}` is the same parameter");
                problems.push(
                    Problem::new(path, message).hint(format!("give `{}` only", parameter.name)),
                );
            }
        }
        given
    }
}

/// Returns the path that an address of S3 is of; nothing for what is no address, or no parameter of a path.
fn as_path(
    parameter: &Parameter,
    value: &Value,
    config: Option<&MasonConfig>,
) -> Result<Option<Value>, String> {
    let (ParameterType::Path, Some(address)) = (parameter.kind, value.as_str()) else {
        return Ok(None);
    };
    if !address.contains("://") {
        return Ok(None);
    }
    let Some(MasonConfig { spec, .. }) = config else { return Ok(None) };
    let keeper = spec.engines.storage.first();
    let keeper = keeper.and_then(|name| spec.clients.iter().find(|client| client.name == *name));
    let Some(root) = keeper.and_then(ClientConfig::objects_root) else {
        return Err(format!(
            "`{address}` is an address, and the files of the config are in a folder"
        ));
    };
    let Ok(root) = S3Address::parse(root) else { return Ok(None) };
    root.path_to(address).map(|path| Some(path.into()))
}

/// Refuses parameters that cannot be recorded: spec and status are one object, of which etcd takes 1.5 MiB.
///
/// # Source
/// <https://etcd.io/docs/v3.6/dev-guide/limit/>
fn check_size(values: &FreeForm, problems: &mut Problems) {
    let bytes = serde_json::to_string(values).map_or(0, |text| text.len());
    if bytes > PARAMETER_BYTES {
        let kib = |bytes: usize| bytes.div_ceil(1024);
        let message = format!(
            "have {} KiB together, and at most {} KiB can be recorded",
            kib(bytes),
            kib(PARAMETER_BYTES)
        );
        let hint = "put what is large into a file of the storage and give its path";
        problems.push(Problem::new("spec.parameters", message).hint(hint));
    }
}

fn known_keys(parameters: &[Parameter]) -> impl Iterator<Item = &str> {
    parameters.iter().flat_map(|parameter| {
        std::iter::once(parameter.name.as_str()).chain(parameter.aliases.iter().map(String::as_str))
    })
}
