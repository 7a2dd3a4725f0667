//! The generated files of the project: CRDs, reference pages, and the tables within the README.

use std::fmt::Write as _;
use std::path::Path;

use super::error::GenerateError;
use super::monitoring;
use super::operators_page::operators_page;
use super::resources_page::resources_page;
use crate::api::crds;
use crate::api::resource::Kind;
use crate::clients;
use crate::engines::capability::ClientDescription;
use crate::engines::table::Format;
use crate::operators;
use crate::store::library;

/// Returns every generated file: its path below the project's folder and its text.
///
/// # Errors
/// When a file with generated parts cannot be read, or lacks the marks around them.
pub(super) fn files(root: &Path) -> Result<Vec<(String, String)>, GenerateError> {
    let mut files: Vec<(String, String)> = Kind::ALL
        .into_iter()
        .map(|kind| (format!("crds/{}.yaml", kind.plural()), crds::yaml(kind)))
        .collect();
    files.extend(chart_files());
    files.extend(monitoring::files());
    let operators = operators_page(library::definitions());
    files.push(("docs/operators.md".to_owned(), operators));
    files.push(("docs/resources.md".to_owned(), resources_page()));
    let tables = [
        ("operators", operators_table()),
        ("formats", formats_table()),
        ("clients", clients_table()),
    ];
    files.push(("README.md".to_owned(), with_parts(root, "README.md", &tables)?));
    let page = "docs/monitoring.md";
    files.push((page.to_owned(), with_parts(root, page, &monitoring::parts())?));
    Ok(files)
}

/// Returns a file's text with its generated parts as they have to be.
fn with_parts(root: &Path, name: &str, parts: &[(&str, String)]) -> Result<String, GenerateError> {
    let text = std::fs::read_to_string(root.join(name));
    let mut text = text.map_err(|source| GenerateError::Read { file: name.to_owned(), source })?;
    for (part, content) in parts {
        text = with_part(&text, part, content).ok_or_else(|| GenerateError::NoMarks {
            file: name.to_owned(),
            part: (*part).to_owned(),
        })?;
    }
    Ok(text)
}

/// Returns the files that the Helm chart has copies of, because it reads none outside its folder.
fn chart_files() -> Vec<(String, String)> {
    let of =
        |kind: Kind| (format!("charts/mason/files/crds/{}.yaml", kind.plural()), crds::yaml(kind));
    Kind::ALL.into_iter().map(of).collect()
}

/// Returns a text with the lines between `<!-- generated: PART -->` and `<!-- end -->` replaced.
fn with_part(text: &str, part: &str, content: &str) -> Option<String> {
    let mark = format!("<!-- generated: {part} -->\n");
    let begin = text.find(&mark)? + mark.len();
    let end = begin + text[begin..].find("<!-- end -->")?;
    Some(format!("{}{}\n{}", &text[..begin], content.trim_end(), &text[end..]))
}

fn operators_table() -> String {
    let mut table = "| operator | what it does |\n|---|---|\n".to_owned();
    let definitions = library::definitions();
    let of = |name: &str| {
        definitions.iter().find(|definition| {
            definition.spec.action.builtin.as_ref().is_some_and(|action| action.name == name)
        })
    };
    for definition in operators::all().iter().filter_map(|operator| of(operator.name())) {
        let operator = &definition.spec.operator;
        let anchor = operator.replace('/', "");
        let description = in_cell(&definition.spec.description);
        let _ = writeln!(table, "| [`{operator}`](docs/operators.md#{anchor}) | {description} |");
    }
    table
}

fn formats_table() -> String {
    let mut table = "| format | read | written |\n|---|---|---|\n".to_owned();
    let by = |format: Format, of: fn(&ClientDescription) -> &'static [Format]| {
        let known = clients::types().iter().map(|known| known.most);
        let known = known.filter(|client| of(client).contains(&format));
        let names: Vec<&str> = known.map(|client| client.kind.as_str()).collect();
        if names.is_empty() { "no".to_owned() } else { names.join(", ") }
    };
    for format in Format::ALL {
        let (read, written) =
            (by(format, |client| client.reads), by(format, |client| client.writes));
        let _ = writeln!(table, "| {format} | {read} | {written} |");
    }
    table
}

fn clients_table() -> String {
    let mut table = "| client | roles | what it is |\n|---|---|---|\n".to_owned();
    for client in clients::types().iter().map(|known| known.most) {
        let roles: Vec<&str> = client.roles.iter().map(|role| role.as_str()).collect();
        let kind = client.kind.as_str();
        let _ =
            writeln!(table, "| `{kind}` | {} | {} |", roles.join(", "), in_cell(client.summary));
    }
    table
}

/// Returns text that stands in one cell of a table.
fn in_cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_generated_file_is_stale() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, text) in files(root).expect("should be generated") {
            let kept = std::fs::read_to_string(root.join(&name)).unwrap_or_default();
            assert!(kept == text, "{name} is stale: run `make generate`");
        }
    }

    #[test]
    fn a_part_is_replaced_between_its_marks() {
        let text = "a\n<!-- generated: x -->\nold\n<!-- end -->\nb\n";
        let new = with_part(text, "x", "new\n").expect("should have marks");
        assert_eq!(new, "a\n<!-- generated: x -->\nnew\n<!-- end -->\nb\n");
        assert_eq!(with_part(text, "y", "new"), None);
    }
}
