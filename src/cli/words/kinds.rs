//! Words for kinds: whatever kubectl understands (plural, singular, short name, category), and the
//! words that people use (`configs`, `operators`, `runs`).

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
};

use crate::api::resource::{Kind, PerKind};
use crate::api::{GROUP, crds};
use crate::cli::failure::Failure;

/// The category of every kind.
const CATEGORY: &str = "mason";

/// Returns the CRD of a kind, made once per process.
pub(crate) fn crd_of(kind: Kind) -> &'static CustomResourceDefinition {
    static CRDS: PerKind<CustomResourceDefinition> = PerKind::new(crds::crd);
    CRDS.of(kind)
}

/// Returns the fields below a field of a CRD, and whether they are those of the items of a list.
#[must_use]
pub(crate) fn fields_of(
    field: &JSONSchemaProps,
) -> Option<(&BTreeMap<String, JSONSchemaProps>, bool)> {
    if let Some(properties) = &field.properties {
        return Some((properties, false));
    }
    match field.items.as_ref()? {
        JSONSchemaPropsOrArray::Schema(items) => Some((items.properties.as_ref()?, true)),
        JSONSchemaPropsOrArray::Schemas(_) => None,
    }
}

/// Returns a kind and a name as `-o name` has them, `operatorrun.mason.dev/x`.
#[must_use]
pub(crate) fn qualified(kind: Kind, name: &str) -> String {
    format!("{}.{GROUP}/{name}", kind.as_str().to_ascii_lowercase())
}

/// Returns the kinds that a word means: one, or all for `all` and `mason`. Case does not matter, and
/// `.mason.dev` may follow.
///
/// # Errors
/// When the word means no kind.
pub(crate) fn resolve(word: &str) -> Result<Vec<Kind>, Failure> {
    let lower = word.to_ascii_lowercase();
    let bare = lower.strip_suffix(&format!(".{GROUP}")).unwrap_or(&lower);
    if bare == "all" || bare == CATEGORY {
        return Ok(Kind::ALL.to_vec());
    }
    Kind::from_word(bare).map(|kind| vec![kind]).ok_or_else(|| {
        Failure::usage(
            format!("there is no kind `{word}`"),
            "kinds are configs, operators, runs, workflows and workflowruns, or any name that kubectl knows them by; \
             `all` means every kind",
        )
    })
}

/// Returns the one kind that a word means.
///
/// # Errors
/// When the word means no kind, or several.
pub(crate) fn resolve_one(word: &str) -> Result<Kind, Failure> {
    match resolve(word)?.as_slice() {
        [kind] => Ok(*kind),
        _ => Err(Failure::usage(
            format!("`{word}` means several kinds"),
            "name one: config, operator, run, workflow or workflowrun",
        )),
    }
}

/// Returns the kind and name of each word that names a resource, in their order: `KIND NAME…`, or `KIND/NAME…` as
/// `-o name` prints it. Nothing when `first` is a kind and no name follows it.
///
/// # Errors
/// When a word means no kind, several, or another than the one that stands before all, or has none.
pub(crate) fn split(first: &str, others: &[String]) -> Result<Vec<(Kind, String)>, Failure> {
    let (of_all, first) = if first.contains('/') {
        (None, Some(first))
    } else if others.is_empty() {
        return Ok(Vec::new());
    } else {
        (Some(resolve_one(first)?), None)
    };
    let words = first.into_iter().chain(others.iter().map(String::as_str));
    words.map(|word| named(word, of_all).map(|(kind, name)| (kind, name.to_owned()))).collect()
}

/// Returns the kind and name of one word: `KIND/NAME`, or a name of the kind that is expected.
///
/// # Errors
/// When the word means no kind, several, or another than the expected one, or has none.
pub(crate) fn named(word: &str, expected: Option<Kind>) -> Result<(Kind, &str), Failure> {
    let Some((before, name)) = word.split_once('/') else {
        return expected.map(|kind| (kind, word)).ok_or_else(|| {
            let message = format!("`{word}` has no kind");
            Failure::usage(message, "write KIND/NAME for each, or KIND once before all names")
        });
    };
    let kind = resolve_one(before);
    if let Some(kind) = kind.as_ref().ok().copied()
        && let Some(wrong) = wrong_name(word, kind, name)
    {
        let hint = format!("`mason get {}` lists the names", kind.plain_plural());
        return Err(Failure::usage(wrong, hint));
    }
    match expected {
        None => Ok((kind?, name)),
        // A definition is also found by its operator, and that has a `/` of its own.
        Some(Kind::OperatorDefinition) if !matches!(kind, Ok(Kind::OperatorDefinition)) => {
            Ok((Kind::OperatorDefinition, word))
        }
        Some(expected) if kind? == expected => Ok((expected, name)),
        Some(expected) => {
            let message = format!("`{word}` is no {expected}");
            Err(Failure::usage(message, "leave the kind before its name out"))
        }
    }
}

/// What is wrong with a word that names a resource, before it is looked up. The name of an operator has a
/// `/` of its own.
fn wrong_name(word: &str, kind: Kind, name: &str) -> Option<String> {
    if name.trim_matches('/').is_empty() {
        return Some(format!("`{word}` has no name"));
    }
    (kind != Kind::OperatorDefinition && name.contains('/'))
        .then(|| format!("`{name}` is not the name of a resource"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_every_name_that_its_crd_gives_it() {
        for kind in Kind::ALL {
            let names = &crd_of(kind).spec.names;
            let short = names.short_names.iter().flatten();
            let words =
                [&names.plural, &names.kind].into_iter().chain(&names.singular).chain(short);
            for word in words {
                assert_eq!(resolve_one(word).ok(), Some(kind), "{word}");
                assert_eq!(resolve_one(&format!("{word}.mason.dev")).ok(), Some(kind), "{word}");
            }
            assert_eq!(names.categories.as_deref(), Some(&[CATEGORY.to_owned()][..]));
        }
    }

    /// Returns what words name as `-o name` prints it, or what is wrong with them.
    fn names_of(words: &[&str]) -> Result<Vec<String>, String> {
        let others: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
        let named = split(words[0], &others).map_err(|failure| failure.to_string())?;
        Ok(named.iter().map(|(kind, name)| qualified(*kind, name)).collect())
    }

    #[test]
    fn every_word_may_have_its_kind_before_its_name() {
        let (a, b) = ("operatorrun.mason.dev/a", "operatorrun.mason.dev/b");
        for words in [
            ["run/a", "run/b"].as_slice(),
            &["run", "a", "b"],
            &["runs", "run/a", "b"],
            &["oprun/a", "operatorrun.mason.dev/b"],
        ] {
            assert_eq!(names_of(words), Ok(vec![a.to_owned(), b.to_owned()]), "{words:?}");
        }
        let several = names_of(&["run/a", "config/lake"]);
        assert_eq!(several, Ok(vec![a.to_owned(), "masonconfig.mason.dev/lake".to_owned()]));
        assert_eq!(names_of(&["runs"]), Ok(Vec::new()));
        for (words, wrong) in [
            (["run/", "run/a"], "`run/` has no name"),
            (["run//", "run/a"], "`run//` has no name"),
            (["operator//", "run/a"], "`operator//` has no name"),
            (["run/a/b", "run/a"], "`a/b` is not the name of a resource"),
            (["run/a", "b"], "`b` has no kind"),
            (["run", "config/lake"], "`config/lake` is no OperatorRun"),
            (["run", "pod/a"], "there is no kind `pod`"),
            (["all", "a"], "`all` means several kinds"),
        ] {
            assert_eq!(names_of(&words), Err(wrong.to_owned()), "{words:?}");
        }
    }

    #[test]
    fn the_name_of_an_operator_has_a_slash_of_its_own() {
        let query = Ok(vec!["operatordefinition.mason.dev/table/query".to_owned()]);
        assert_eq!(names_of(&["operator", "table/query"]), query);
        assert_eq!(names_of(&["operator/table/query"]), query);
        assert_eq!(names_of(&["operator", "operator/table/query"]), query);
    }

    #[test]
    fn all_and_the_category_mean_every_kind() {
        for word in ["all", "mason"] {
            assert_eq!(resolve(word).ok(), Some(Kind::ALL.to_vec()), "{word}");
            assert!(resolve_one(word).is_err());
        }
        assert!(resolve("pods").is_err());
    }
}
