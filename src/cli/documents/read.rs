//! Resources from files, folders and standard input: read, completed, and checked as one set, so that
//! every problem of every document comes at once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::check::check_alone;
use super::sources::{self, Source, Sources};
use crate::api::resource::{Key, Resource};
use crate::api::v1alpha1::{ClientConfig, MasonConfig};
use crate::cli::failure::{Failure, Finding};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::first_of;
use crate::engines::counted::counted;
use crate::validate::{self, Origin, Problem, Problems};

/// A resource with the text it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// The resource, with its namespace.
    pub resource: Resource,
    /// The file, or `(standard input)`.
    pub source: String,
    /// Where its fields stand there.
    pub origin: Origin,
}

/// Reads every document of files, folders and standard input. A resource without namespace gets the
/// one that was asked for; a relative root becomes absolute, seen from the file that names it.
///
/// # Errors
/// Every problem of every document, under the words `upshot`; none of the documents is returned.
pub(crate) fn read(
    context: &VerbContext,
    paths: &[PathBuf],
    upshot: &str,
) -> Result<Vec<Document>, Failure> {
    let (documents, findings) = read_what_can_be(context, paths);
    if findings.is_empty() { Ok(documents) } else { Err(invalid(upshot, findings)) }
}

/// Reads as [`read`] does, and returns the documents that are right by themselves beside every problem of the others.
pub(crate) fn read_what_can_be(
    context: &VerbContext,
    paths: &[PathBuf],
) -> (Vec<Document>, Vec<Finding>) {
    let sources = match sources::read_sources(paths) {
        Ok(Sources { texts, foreign }) => {
            if let Some(note) = left_out(&foreign) {
                context.printer.note(&note);
            }
            texts
        }
        Err(findings) => return (Vec::new(), findings),
    };
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    for source in &sources {
        for read in validate::read_with_origins(&source.text, &source.name) {
            let completed = read.and_then(|(resource, origin)| {
                let completed = complete(context, source, resource);
                let completed = completed.map_err(|problems| origin.place(problems));
                completed.map(|resource| (resource, origin))
            });
            match completed {
                Ok((resource, origin)) => {
                    documents.push(Document { resource, source: source.name.clone(), origin });
                }
                Err(problems) => findings.extend(findings_of(problems, &source.name)),
            }
        }
    }
    findings.extend(given_twice(&documents));
    if findings.is_empty() && documents.is_empty() {
        let places = sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>();
        findings.push(Finding {
            place: places.join(", "),
            message: "there is no document".to_owned(),
            hint: Some("a resource begins with `apiVersion: mason.dev/v1alpha1`".to_owned()),
        });
    }
    (documents, findings)
}

/// Says which files of folders were not looked at further.
fn left_out(foreign: &[String]) -> Option<String> {
    let them = match foreign.len() {
        0 => return None,
        1 => "it",
        _ => "them",
    };
    let names = first_of(foreign);
    Some(format!("note: left out, because nothing in {them} is Mason's: {names}"))
}

/// Returns problems as findings; those that do not say where they stand are in `source`.
pub(crate) fn findings_of(problems: Problems, source: &str) -> Vec<Finding> {
    let finding = |problem: Problem| {
        let place = problem.place.unwrap_or_else(|| source.to_owned());
        let place = match (place.is_empty(), problem.path.is_empty()) {
            (true, _) => problem.path,
            (false, true) => place,
            (false, false) => format!("{place}: {}", problem.path),
        };
        Finding { place, message: problem.message, hint: problem.hint }
    };
    problems.into_iter().map(finding).collect()
}

/// Makes the failure that lists findings: `nothing was applied: 3 problems`.
pub(crate) fn invalid(upshot: &str, findings: Vec<Finding>) -> Failure {
    let what = format!("{upshot}: {}", counted(findings.len(), "problem"));
    Failure::Invalid { what, findings }
}

fn complete(
    context: &VerbContext,
    source: &Source,
    mut resource: Resource,
) -> Result<Resource, Problems> {
    let mut problems = Problems::default();
    let asked = context.settings.namespace.as_deref();
    let metadata = resource.metadata_mut();
    match (metadata.namespace.as_deref(), asked) {
        (Some(own), Some(asked)) if own != asked => problems.push(
            Problem::new("metadata.namespace", format!("is `{own}`, but `{asked}` was asked for"))
                .hint("leave --namespace out, or change the file"),
        ),
        (Some(_), _) => {}
        (None, _) => metadata.namespace = Some(context.settings.namespace().to_owned()),
    }
    match (&mut resource, &context.cluster) {
        (Resource::MasonConfig(config), Some(_)) => refuse_relative_roots(config, &mut problems),
        (Resource::MasonConfig(config), None) => {
            make_roots_absolute(config, &source.folder, &mut problems);
        }
        _ => {}
    }
    if let Err(more) = check_alone(&resource) {
        problems.extend(more);
    }
    problems.none_or(resource)
}

/// Makes the roots of local clients absolute, seen from the folder of the file that names them. A
/// folder that does not exist yet is fine.
fn make_roots_absolute(config: &mut MasonConfig, folder: &Path, problems: &mut Problems) {
    for (index, client) in config.spec.clients.iter_mut().enumerate() {
        let field = format!("spec.clients[{index}].{}", ClientConfig::folder_field());
        let Some(root) = client.folder_mut() else { continue };
        if Path::new(root).is_absolute() {
            continue;
        }
        let seen = folder.canonicalize().map(|folder| folder.join(&*root));
        let tidy = seen.map(|root| root.components().collect::<PathBuf>());
        match tidy.map(PathBuf::into_os_string).map(std::ffi::OsString::into_string) {
            Ok(Ok(absolute)) => *root = absolute,
            Ok(Err(_)) => {
                let message = "the folder of this file has a path that is not UTF-8";
                problems.push(Problem::new(field, message));
            }
            Err(error) => {
                let message = format!("the folder of this file cannot be found: {error}");
                problems.push(Problem::new(field, message));
            }
        }
    }
}

/// A root on a cluster is a folder there: where the file stands here means nothing.
fn refuse_relative_roots(config: &MasonConfig, problems: &mut Problems) {
    for (index, client) in config.spec.clients.iter().enumerate() {
        if client.folder().map(Path::new).is_some_and(Path::is_relative) {
            let path = format!("spec.clients[{index}].{}", ClientConfig::folder_field());
            let problem =
                Problem::new(path, "is a relative path, but means a folder of the cluster");
            problems.push(problem.hint("write it from `/`, below a root of the controller"));
        }
    }
}

/// Returns a finding for every resource that stands in the documents more than once.
fn given_twice(documents: &[Document]) -> Vec<Finding> {
    let mut first: HashMap<Key, &str> = HashMap::new();
    let mut findings = Vec::new();
    for document in documents {
        let key = document.resource.key();
        if key.name.is_empty() {
            continue;
        }
        if let Some(earlier) = first.insert(key.clone(), &document.source) {
            findings.push(Finding {
                place: document.source.clone(),
                message: format!("{key} is given twice, first in {earlier}"),
                hint: Some("leave one of the two out".to_owned()),
            });
        }
    }
    findings
}

/// Makes the failure for documents that the store refused, when others may have been applied.
pub(crate) fn refused(applied: usize, findings: Vec<Finding>) -> Failure {
    match applied {
        0 => invalid("nothing was applied", findings),
        _ => invalid("not everything was applied", findings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_left_out_are_named_as_names_are_everywhere() {
        let names = |count: usize| (0..count).map(|n| format!("{n}.json")).collect::<Vec<_>>();
        let said = |count| left_out(&names(count));
        let note = "note: left out, because nothing in";
        assert_eq!(said(0), None);
        assert_eq!(said(1), Some(format!("{note} it is Mason's: 0.json")));
        for count in [4, 10, 11, 12] {
            let first = first_of(&names(count));
            assert_eq!(said(count), Some(format!("{note} them is Mason's: {first}")));
        }
    }

    #[test]
    fn problems_are_counted() {
        let finding = |n: usize| Finding { place: n.to_string(), message: "x".into(), hint: None };
        let said = |count| invalid("not valid", (0..count).map(finding).collect()).to_string();
        assert_eq!(
            (said(1).as_str(), said(2).as_str()),
            ("not valid: 1 problem", "not valid: 2 problems")
        );
    }
}
