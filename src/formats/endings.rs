//! What the ending of a file's name states: one list for sniffing and for finding tables.

use super::compression;
use crate::engines::table::Format;

/// Returns the format that an ending states, and the delimiter; compared without regard to case.
pub(super) fn format_of(ending: &str) -> Option<(Format, Option<&'static str>)> {
    Some(match ending.to_ascii_lowercase().as_str() {
        "csv" => (Format::Csv, None),
        "tsv" | "tab" => (Format::Csv, Some("\t")),
        "psv" => (Format::Csv, Some("|")),
        "json" | "geojson" => (Format::Json, None),
        "jsonl" | "ndjson" => (Format::Jsonl, None),
        "parquet" | "parq" | "pq" => (Format::Parquet, None),
        "avro" => (Format::Avro, None),
        "orc" => (Format::Orc, None),
        "msgpack" | "mpk" => (Format::Msgpack, None),
        "arrow" | "arrows" | "ipc" | "feather" => (Format::Arrow, None),
        "xlsx" => (Format::Xlsx, None),
        _ => return None,
    })
}

/// Returns a file's name without the endings of a format that is read (or `.txt`, whose content says
/// what it is) and of a compression around it; `None` when it has none, or nothing else.
#[must_use]
pub fn without_endings(file_name: &str) -> Option<&str> {
    let (stem, ending) = file_name.rsplit_once('.')?;
    let name = if compression::by_ending(&ending.to_ascii_lowercase()).is_some() {
        without_endings(stem)?
    } else {
        let read = format_of(ending).is_some_and(|(format, _)| format != Format::Xlsx);
        (read || ending.eq_ignore_ascii_case("txt")).then_some(stem)?
    };
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_named_by_its_file_without_endings() {
        for (file, table) in [
            ("orders.csv", Some("orders")),
            ("orders.CSV.gz", Some("orders")),
            ("a.b.parquet", Some("a.b")),
            ("a.pq", Some("a")),
            ("b.Parq", Some("b")),
            ("c.geojson", Some("c")),
            ("d.tab.bzip2", Some("d")),
            ("e.txt", Some("e")),
            ("f.xlsx", None),
            ("README.md", None),
            ("archive.gz", None),
            (".csv", None),
            ("orders", None),
        ] {
            assert_eq!(without_endings(file), table, "{file}");
        }
    }
}
