//! The grammar of `-p NAME=VALUE`: one parameter each, split at the first `=`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::cli::failure::Finding;

/// Reads parameters. Everything after the first `=` is the value, whatever characters it has; a value
/// that begins with `@` is the content of that file, exactly; `@@` stands for one `@`.
///
/// # Errors
/// Every problem: no `=`, no name, a name given twice, a file that cannot be read.
pub(crate) fn read_parameters(texts: &[String]) -> Result<BTreeMap<String, Value>, Vec<Finding>> {
    let (mut parameters, mut findings) = (BTreeMap::new(), Vec::new());
    for text in texts {
        match read_parameter(text) {
            Ok((name, _)) if parameters.contains_key(name) => findings.push(Finding {
                place: format!("-p {name}"),
                message: "the parameter is given twice".to_owned(),
                hint: Some("leave one of the two out; lists are one text with commas".to_owned()),
            }),
            Ok((name, value)) => {
                parameters.insert(name.to_owned(), Value::String(value));
            }
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() { Ok(parameters) } else { Err(findings) }
}

fn read_parameter(text: &str) -> Result<(&str, String), Finding> {
    let refuse = |message: String, hint: &str| {
        let place = format!("-p {}", text.chars().take(60).collect::<String>());
        Err(Finding { place, message, hint: Some(hint.to_owned()) })
    };
    let Some((name, value)) = text.split_once('=') else {
        return refuse(
            "there is no `=`".to_owned(),
            "write -p NAME=VALUE, for example -p limit=10",
        );
    };
    if name.is_empty() {
        return refuse("there is no name before the `=`".to_owned(), "write -p NAME=VALUE");
    }
    let Some(file) = value.strip_prefix('@') else { return Ok((name, value.to_owned())) };
    if file.starts_with('@') {
        return Ok((name, file.to_owned()));
    }
    match std::fs::read_to_string(Path::new(file)) {
        Ok(content) => Ok((name, content)),
        Err(error) => refuse(
            format!("the file `{file}` cannot be read: {error}"),
            "a value that begins with `@` names a file; write `@@` for the character itself",
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(texts: &[&str]) -> Result<BTreeMap<String, Value>, Vec<Finding>> {
        read_parameters(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn everything_after_the_first_equals_sign_is_the_value() {
        let parameters =
            read(&["q=select a, b from t where x = 'a:b'", "empty=", "e==", "m=@@home"])
                .expect("should be parameters");
        assert_eq!(parameters["q"], "select a, b from t where x = 'a:b'");
        assert_eq!(parameters["empty"], "");
        assert_eq!(parameters["e"], "=");
        assert_eq!(parameters["m"], "@home");
    }

    #[test]
    fn every_problem_is_listed() {
        let findings = read(&["limit", "=5", "a=1", "a=2", "f=@/nowhere/at/all"])
            .expect_err("should be refused");
        let places: Vec<_> = findings.iter().map(|finding| finding.place.as_str()).collect();
        assert_eq!(places, ["-p limit", "-p =5", "-p a", "-p f=@/nowhere/at/all"]);
        assert!(findings.iter().all(|finding| finding.hint.is_some()));
    }

    #[test]
    fn a_file_is_read_exactly() {
        let folder = tempfile::tempdir().expect("should make a folder");
        let path = folder.path().join("query.sql");
        std::fs::write(&path, "select 'é'\n, \"=\"\r\n").expect("should write");
        let parameters = read(&[&format!("q=@{}", path.display())]).expect("should be read");
        assert_eq!(parameters["q"], "select 'é'\n, \"=\"\r\n");
    }

    proptest! {
        #[test]
        fn any_value_survives(name in "[a-z][a-z0-9_]{0,20}", value in "\\PC*|[\\x00-\\x7f]*") {
            prop_assume!(!value.starts_with('@'));
            let parameters = read(&[&format!("{name}={value}")]).expect("should be a parameter");
            prop_assert_eq!(parameters[&name].as_str(), Some(value.as_str()));
        }
    }
}
