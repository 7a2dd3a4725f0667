//! What a step says of its operator's parameters before a run: texts, look-ups of the workflow's parameters, and what
//! is known only later. Pure.

use serde_json::Value;

use super::references::{Template, parse};
use super::scope::Root;
use crate::api::v1alpha1::{OperatorDefinition, Parameter, WorkflowStep};

/// A parameter's text as far as it is known before a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stated {
    /// The text.
    Text(String),
    /// A text with look-ups of the workflow's parameters and no others: in one run the same text gives the same value.
    LookedUp(String),
    /// Some text.
    Unknown,
}

/// The parameters of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct StatedParameters<'a> {
    pub(super) step: &'a WorkflowStep,
    pub(super) definition: &'a OperatorDefinition,
}

impl StatedParameters<'_> {
    /// Returns what is said of a parameter, by its name in the definition; nothing when it has no value or an empty text.
    pub(super) fn get(&self, name: &str) -> Option<Stated> {
        let parameters = &self.definition.spec.parameters;
        self.of(parameters.iter().find(|parameter| parameter.name == name)?)
    }

    /// Returns what is said of a parameter; nothing when it has no value or an empty text.
    pub(super) fn of(&self, parameter: &Parameter) -> Option<Stated> {
        let mut names = std::iter::once(&parameter.name).chain(&parameter.aliases);
        match names.find_map(|name| self.step.parameters.0.get(name)) {
            Some(Value::String(text)) => read(text),
            // Whatever else stands here is refused, or is no text.
            Some(_) => Some(Stated::Unknown),
            None => {
                let default = parameter.default.as_ref()?.as_str()?;
                Some(default).filter(|text| !text.is_empty()).map(|text| Stated::Text(text.into()))
            }
        }
    }
}

fn read(text: &str) -> Option<Stated> {
    match parse(text) {
        Ok(Template::Literal(literal)) if literal.is_empty() => None,
        Ok(Template::Literal(literal)) => Some(Stated::Text(literal)),
        Ok(template)
            if template.references().all(|one| matches!(one.root(), Root::Parameter(_))) =>
        {
            Some(Stated::LookedUp(text.to_owned()))
        }
        Ok(_) | Err(_) => Some(Stated::Unknown),
    }
}
