//! The columns of files that declare their types: Parquet, Avro, ORC, Arrow.
//!
//! What no job could read later is refused here, by file and column, and a type that only a file has
//! (a union) becomes the one in which its values are read. [`super::fit`] gives values that type.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema as ArrowSchema, UnionFields};

use super::error::FormatError;
use crate::engines::nesting::with_fields;
use crate::engines::schema::{ColumnType, Schema};

/// Returns the columns that a file declares, in the types in which they are read.
///
/// # Errors
/// `Broken` naming the first column whose type holds no value, or whose name is there twice.
pub(super) fn declared(
    path: &str,
    format: &str,
    schema: &ArrowSchema,
) -> Result<Schema, FormatError> {
    let broken = |message: String| FormatError::Broken {
        path: path.to_owned(),
        format: format.to_owned(),
        message,
    };
    let mut names = HashSet::new();
    let mut read = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let name = field.name();
        if !names.insert(name) {
            return Err(broken(format!(
                "two of its columns are named `{name}`; write it with a name for each"
            )));
        }
        let data_type = read_type(field.data_type());
        if let Some(problem) = ColumnType(data_type.clone()).problem() {
            return Err(broken(format!("column `{name}`: {problem}")));
        }
        read.push(Field::new(name, data_type, field.is_nullable() || has_null(field.data_type())));
    }
    Ok(Schema::from_arrow(&ArrowSchema::new(read)))
}

/// A union says of no member whether it may be null, but may have one that is nothing else.
fn has_null(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Union(..))
}

/// Returns the type in which values of a file's type are read: that of a union is a struct of its
/// members, of which one has a value; that of a union of one type is this type.
pub(super) fn read_type(data_type: &DataType) -> DataType {
    let field = |field: &FieldRef| -> FieldRef {
        let nullable = field.is_nullable() || has_null(field.data_type());
        let read = field.as_ref().clone().with_data_type(read_type(field.data_type()));
        Arc::new(read.with_nullable(nullable))
    };
    match data_type {
        DataType::Union(fields, _) => read_union(fields),
        other => with_fields(other, field),
    }
}

fn read_union(fields: &UnionFields) -> DataType {
    let members: Vec<Field> = union_members(fields)
        .map(|(_, field)| Field::new(field.name(), read_type(field.data_type()), true))
        .collect();
    match members.as_slice() {
        [] => DataType::Null,
        [one] => one.data_type().clone(),
        _ => DataType::Struct(members.into()),
    }
}

/// Returns the members of a union that can have a value.
pub(super) fn union_members(fields: &UnionFields) -> impl Iterator<Item = (i8, &FieldRef)> {
    fields.iter().filter(|(_, field)| !field.data_type().is_null())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::UnionMode;

    use super::*;

    fn refusal(fields: Vec<Field>) -> String {
        let schema = ArrowSchema::new(fields);
        declared("d/t.x", "x", &schema).expect_err("should be refused").to_string()
    }

    #[test]
    fn what_holds_no_value_is_refused_by_file_and_column() {
        let twice =
            vec![Field::new("a", DataType::Int8, true), Field::new("a", DataType::Utf8, true)];
        assert_eq!(
            refusal(twice.clone()),
            "`d/t.x` is not readable as x: two of its columns are named `a`; \
             write it with a name for each"
        );
        for (data_type, problem) in [
            (DataType::Decimal256(77, 0), "Decimal256(77, 0) has more than 76 digits"),
            (DataType::Decimal128(0, 0), "Decimal128(0, 0) has no digit"),
            (
                DataType::Decimal128(3, 4),
                "Decimal128(3, 4) has more digits after the point than in all",
            ),
            (
                DataType::new_list(DataType::Struct(twice.into()), true),
                "two members are named `a`; write it with a name for each",
            ),
        ] {
            let message = refusal(vec![Field::new("c", data_type, true)]);
            assert_eq!(message, format!("`d/t.x` is not readable as x: column `c`: {problem}"));
        }
    }

    #[test]
    fn a_union_is_read_as_a_struct_of_its_members() {
        let union = |fields: Vec<Field>| {
            let ids: Vec<i8> = (0..).take(fields.len()).collect();
            let fields = UnionFields::try_new(ids, fields).expect("should be a union");
            read_type(&DataType::new_list(DataType::Union(fields, UnionMode::Dense), false))
        };
        let null = || Field::new("null", DataType::Null, true);
        let int = || Field::new("int", DataType::Int32, false);
        let text = || Field::new("string", DataType::Utf8, false);
        let members = vec![int().with_nullable(true), text().with_nullable(true)];
        let both = DataType::Struct(members.into());
        assert_eq!(union(vec![null(), int(), text()]), DataType::new_list(both, true));
        assert_eq!(union(vec![int(), null()]), DataType::new_list(DataType::Int32, true));
        assert_eq!(union(vec![null()]), DataType::new_list(DataType::Null, true));
    }
}
