//! Words for kinds: whatever kubectl understands (plural, singular, short name, category), and the
//! words that people use (`configs`, `operators`, `runs`).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
};

use super::failure::Failure;
use crate::api::GROUP;
use crate::api::crds;
use crate::api::resource::Kind;

/// The category of every kind.
const CATEGORY: &str = "mason";

/// Returns the CRD of a kind, made once per process.
pub(crate) fn crd_of(kind: Kind) -> &'static CustomResourceDefinition {
    static CRDS: [OnceLock<CustomResourceDefinition>; 3] =
        [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    CRDS[kind as usize].get_or_init(|| crds::crd(kind))
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
            "kinds are configs, operators and runs, or any name that kubectl knows them by; \
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
            "name one: config, operator or run",
        )),
    }
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

    #[test]
    fn all_and_the_category_mean_every_kind() {
        for word in ["all", "mason"] {
            assert_eq!(resolve(word).ok(), Some(Kind::ALL.to_vec()), "{word}");
            assert!(resolve_one(word).is_err());
        }
        assert!(resolve("pods").is_err());
    }
}
