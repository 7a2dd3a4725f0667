//! Reads the documents of a text, one after the other.

use serde_json::Value;

use super::schema_check;
use super::text::{self, Origin, Place, Text};
use crate::api::API_VERSION;
use crate::api::resource::{Kind, Resource};
use crate::api::rules::broken_rules;
use crate::engines::nearest::nearest;
use crate::validate::problem::{Problem, Problems, did_you_mean};

/// Reads every document of a text in YAML or JSON; empty documents are left out. A document with
/// problems does not hide the others. `source` names the text in problems: a file, or `stdin`.
///
/// YAML is read as version 1.2: only `true` and `false` are booleans, and what looks like a
/// number is one (`007` is 7: put it in quotes to keep it). Aliases
/// are followed within narrow limits; keys that occur twice are refused.
#[must_use]
pub fn read_documents(text: &str, source: &str) -> Vec<Result<Resource, Problems>> {
    let read = read_with_origins(text, source).into_iter();
    read.map(|document| document.map(|(resource, _)| resource)).collect()
}

/// Reads every document of a text, as [`read_documents`], and tells where each stands.
#[must_use]
pub fn read_with_origins(text: &str, source: &str) -> Vec<Result<(Resource, Origin), Problems>> {
    let texts = text::split(text.strip_prefix('\u{feff}').unwrap_or(text));
    let several = texts.len() > 1;
    let read = texts.iter().enumerate().map(|(index, text)| {
        let place = Place { source, document: several.then_some(index + 1), text };
        read_document(text, &place)
    });
    read.collect()
}

/// Reads every document of a file's bytes, as [`read_documents`].
#[must_use]
pub fn read_bytes(bytes: &[u8], source: &str) -> Vec<Result<Resource, Problems>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => read_documents(text, source),
        Err(error) => {
            let at = error.valid_up_to();
            let mut problem = Problem::new("", format!("is not UTF-8 from byte {at} on"))
                .hint("save the file as UTF-8 text");
            problem.place = Some(source.to_owned());
            vec![Err(problem.into())]
        }
    }
}

fn read_document(text: &Text<'_>, place: &Place<'_>) -> Result<(Resource, Origin), Problems> {
    let (value, lines) = text::read(text).map_err(|(problem, line)| place.put(problem, line))?;
    let origin = Origin::new(place, lines);
    match check(value) {
        Ok(resource) => Ok((resource, origin)),
        Err(problems) => Err(origin.place(problems)),
    }
}

/// Returns a document as a resource.
///
/// # Errors
/// Everything that is wrong with it by itself; not what only other resources can show.
pub fn check(document: Value) -> Result<Resource, Problems> {
    let Value::Object(object) = &document else {
        let what = schema_check::describe(&document);
        let hint = "a document begins with `apiVersion: mason.dev/v1alpha1` and `kind: …`";
        return Err(Problem::new("", format!("is no resource but {what}")).hint(hint).into());
    };
    let mut problems = Problems::default();
    let version_is_ours = check_api_version(object.get("apiVersion"), &mut problems);
    let kind = check_kind(object.get("kind"), version_is_ours, &mut problems);
    let Some(kind) = kind.filter(|_| version_is_ours) else { return Err(problems) };
    problems.extend(schema_check::problems(kind, &document));
    check_name(&document, &mut problems);
    check_rules(kind, &document, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Resource::from_document(kind, document)
        .map_err(|error| Problem::new("", format!("does not fit {kind}: {error}")).into())
}

/// Returns whether the version is ours or missing, so that it makes sense to look further.
fn check_api_version(version: Option<&Value>, problems: &mut Problems) -> bool {
    match version {
        Some(Value::String(version)) if version == API_VERSION => true,
        Some(version) => {
            let problem =
                Problem::new("apiVersion", format!("{version} is not a version of Mason"));
            problems.push(problem.hint(format!("this program reads `{API_VERSION}`")));
            false
        }
        None => {
            let problem = Problem::new("apiVersion", "is missing");
            problems.push(problem.hint(format!("write `apiVersion: {API_VERSION}`")));
            true
        }
    }
}

fn check_kind(
    kind: Option<&Value>,
    version_is_ours: bool,
    problems: &mut Problems,
) -> Option<Kind> {
    let names = || Kind::ALL.into_iter().map(Kind::as_str);
    let Some(kind) = kind else {
        let known = names().collect::<Vec<_>>().join(", ");
        problems.push(Problem::new("kind", "is missing").hint(format!("one of {known}")));
        return None;
    };
    let word = kind.as_str().unwrap_or_default();
    let found = Kind::ALL.into_iter().find(|known| known.as_str() == word);
    if found.is_none() && version_is_ours {
        let meant = Kind::from_word(word).map(Kind::as_str).or_else(|| nearest(word, names()));
        let hint = match meant {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None => did_you_mean(word, names()),
        };
        problems.push(Problem::new("kind", format!("{kind} is not a kind of Mason")).hint_if(hint));
    }
    found
}

fn check_name(document: &Value, problems: &mut Problems) {
    let metadata = &document["metadata"];
    let is_empty = |name: &Value| name.as_str().is_none_or(str::is_empty);
    if metadata.is_object() && is_empty(&metadata["name"]) && is_empty(&metadata["generateName"]) {
        let problem = Problem::new("metadata.name", "is missing");
        problems.push(problem.hint("or give `generateName`, to which random letters are added"));
    }
}

/// Adds the rules that are broken, except those that stand on a part with problems of its own.
fn check_rules(kind: Kind, document: &Value, problems: &mut Problems) {
    let is_shaped = problems.is_empty();
    let broken = broken_rules(kind, document, None).into_iter().filter(|rule| {
        is_shaped || (rule.is_certain && !problems.0.iter().any(|p| is_below(&p.path, &rule.path)))
    });
    let broken: Vec<Problem> = broken.map(|rule| Problem::new(rule.path, rule.message)).collect();
    problems.extend(broken);
}

fn is_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
