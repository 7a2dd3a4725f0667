//! The statement that a job amounts to, for an engine that knows tables by their names. Pure.

use sqlparser::ast::Ident;

use crate::engines::job_spec::{Binding, Input, JobSpec, Operation, Sink};
use crate::engines::schema::Column;
use crate::engines::table::TableName;
use crate::sql::{Scope, Spellings, analyse};

/// Most bytes of a statement.
///
/// # Source
/// <https://docs.aws.amazon.com/athena/latest/ug/service-limits.html>
pub(super) const MOST_BYTES: usize = 262_144;

/// A statement, and the database in which names without one are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) database: Option<String>,
}

/// Returns the statement of a job, whose last line names the token, so that it is found in the history.
///
/// # Errors
/// In words: what this engine is not asked for, or cannot be.
pub(super) fn statement(spec: &JobSpec, token: &str) -> Result<Statement, String> {
    if matches!(spec.sink, Sink::Files(_)) {
        return Err("it writes no files yet".to_owned());
    }
    let (text, database) = match &spec.operation {
        Operation::Query { sql, this_table, default_database, allow_writing, bindings } => {
            let plain = this_table.is_none() && bindings.is_empty();
            if let Some(name) = bindings.iter().find_map(of_other_words) {
                return Err(format!(
                    "the value of `{name}` is a time or a length of time, which it is not given yet"
                ));
            }
            let scope = Scope {
                this_table: this_table.as_ref(),
                default_database: default_database.as_deref(),
                allow_writing: *allow_writing,
                bindings: Some(bindings),
            };
            // What the user wrote goes as it is, unless something stands in it for something else.
            let text = if plain {
                sql.trim().trim_end_matches(';').to_owned()
            } else {
                let analysed = analyse(sql, scope).map_err(|problems| {
                    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
                })?;
                analysed.into_statement(&Spellings::default()).to_string()
            };
            (text, default_database.clone())
        }
        Operation::Preview { rows } => match spec.inputs.first() {
            Some(input) => {
                let (columns, name) = (shown_columns(input), quoted(&input.name));
                (format!("SELECT {columns} FROM {name} LIMIT {rows}"), None)
            }
            None => return Err("it is given no table".to_owned()),
        },
        other => return Err(format!("it does no `{}` yet", other.command())),
    };
    let text = format!("{text}\n-- mason {token}");
    if text.len() > MOST_BYTES {
        return Err(format!("the statement has {} bytes, and {MOST_BYTES} at most", text.len()));
    }
    Ok(Statement { text, database })
}

fn of_other_words((name, binding): (&String, &Binding)) -> Option<String> {
    matches!(binding, Binding::Timestamp(_) | Binding::Microseconds(_)).then(|| name.clone())
}

/// Returns the columns of a table, those of lists, maps and structs as JSON: their texts are ambiguous.
fn shown_columns(input: &Input) -> String {
    let columns = input.schemas.iter().flat_map(|schema| &schema.columns);
    let columns: Vec<&Column> = columns.chain(&input.partition_columns.columns).collect();
    if columns.is_empty() {
        return "*".to_owned();
    }
    let shown = |column: &&Column| {
        // The names of a catalogue are in lower case.
        let name = word(&column.name.to_lowercase());
        if column.data_type.0.is_nested() {
            format!("CAST({name} AS JSON) AS {name}")
        } else {
            name
        }
    };
    columns.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn word(name: &str) -> String {
    Ident::with_quote('"', name.replace('"', "\"\"")).to_string()
}

fn quoted(name: &TableName) -> String {
    format!("{}.{}", word(&name.database), word(&name.table))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field};

    use super::*;
    use crate::engines::bad_rows::{BadRows, Tally};
    use crate::engines::job_spec::AnswerLimits;
    use crate::engines::schema::{ColumnType, Schema};
    use crate::engines::table::{FileFormat, Format};

    fn spec(operation: Operation) -> JobSpec {
        let name = TableName { database: "sales".to_owned(), table: "or\"ders".to_owned() };
        JobSpec {
            version: JobSpec::VERSION,
            inputs: vec![Input {
                name,
                format: FileFormat::of(Format::Parquet),
                schemas: Vec::new(),
                partition_columns: Schema::default(),
                files: Vec::new(),
                version: None,
                left_out: Tally::default(),
                partitions: None,
                notes: Vec::new(),
            }],
            operation,
            sink: Sink::Answer,
            bad_rows: BadRows::default(),
            limits: AnswerLimits::default(),
        }
    }

    fn query(sql: &str, bindings: &[(&str, Binding)]) -> JobSpec {
        let bindings: BTreeMap<String, Binding> =
            bindings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        spec(Operation::Query {
            sql: sql.to_owned(),
            this_table: None,
            default_database: Some("sales".to_owned()),
            allow_writing: false,
            bindings,
        })
    }

    fn text(spec: &JobSpec) -> String {
        statement(spec, "abc").expect("should be a statement").text
    }

    #[test]
    fn what_the_user_wrote_goes_as_it_is() {
        let sql = "select  a -- why\nfrom t where x like 'a;b'";
        assert_eq!(text(&query(sql, &[])), format!("{sql}\n-- mason abc"));
        assert_eq!(text(&query("select 1;\n", &[])), "select 1\n-- mason abc");
    }

    #[test]
    fn values_stand_in_the_statement_as_literals() {
        let bound = [("name", Binding::Text("O'Neil".to_owned())), ("n", Binding::Integer(-3))];
        let told = text(&query("select * from t where a = $name and b > $n", &bound));
        assert!(told.contains("a = 'O''Neil' AND b > (-3)"), "{told}");
        let time = [("at", Binding::Microseconds(1))];
        let refused = statement(&query("select $at", &time), "abc").expect_err("is not given");
        assert!(refused.contains("`at` is a time"), "{refused}");
    }

    #[test]
    fn the_first_rows_are_those_of_a_quoted_name() {
        let told = text(&spec(Operation::Preview { rows: 5 }));
        assert_eq!(told, "SELECT * FROM \"sales\".\"or\"\"ders\" LIMIT 5\n-- mason abc");
    }

    #[test]
    fn lists_and_structs_of_the_first_rows_are_json() {
        let mut spec = spec(Operation::Preview { rows: 5 });
        let item = Field::new("item", DataType::Int32, true);
        let columns = [("Id", DataType::Int32), ("l", DataType::List(Arc::new(item)))];
        let columns = columns.map(|(name, data_type)| Column {
            name: name.to_owned(),
            data_type: ColumnType(data_type),
            nullable: true,
            source_type: None,
        });
        spec.inputs[0].schemas = vec![Schema { columns: columns.into() }];
        let told = text(&spec);
        assert!(told.starts_with("SELECT \"id\", CAST(\"l\" AS JSON) AS \"l\" FROM"), "{told}");
    }

    #[test]
    fn what_it_is_not_asked_for_is_said() {
        let long = "x".repeat(MOST_BYTES);
        let refused = statement(&query(&long, &[]), "abc").expect_err("is too long");
        assert!(refused.contains("262144 at most"), "{refused}");
        let fake = Operation::Fake { schema: Schema::default(), rows: 1, seed: 1 };
        assert_eq!(statement(&spec(fake), "abc"), Err("it does no `fake` yet".to_owned()));
    }
}
