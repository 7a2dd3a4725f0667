use super::*;
use crate::formats::bytes::MemoryBytes;
use crate::formats::compression::tests::compress;

fn sniffed(name: &str, content: &[u8]) -> Result<Option<Sniffed>, FormatError> {
    sniff(&MemoryBytes::new(name, content.to_vec()), &Reading::default())
}

fn format(name: &str, content: &[u8]) -> Format {
    sniffed(name, content).expect("should be known").expect("should have content").format.format
}

fn refusal(name: &str, content: &[u8]) -> String {
    sniffed(name, content).expect_err("should be refused").to_string()
}

#[test]
fn content_and_name_that_agree_give_the_format() {
    for (name, content, expected) in [
        ("a.csv", &b"a,b\n1,2\n"[..], Format::Csv),
        ("a", b"a,b\n1,2\n", Format::Csv),
        ("unsupported.usf", b"type,price\nwrench,20.0\n", Format::Csv),
        ("a.csv", b"one column\n", Format::Csv),
        ("a.tsv", b"a b\n", Format::Csv),
        ("a.json", b"[{\"a\":1}]", Format::Json),
        ("a.json", b" {\n \"a\": 1\n}\n", Format::Json),
        ("a.jsonl", b"{\"a\":1}\n", Format::Jsonl),
        ("a", b"{\"a\":1}\n{\"a\":2}\n", Format::Jsonl),
        ("a.json", b"{\"a\":1}\n{\"a\":2}\n", Format::Jsonl),
        ("a.jsonl", b"[{\"a\":1}]", Format::Json),
        ("a.jsonl", b"{\n  \"id\": 1,\n  \"tags\": {\"a\": \"x\"}\n}\n", Format::Json),
        ("a.jsonl", b"\n{\"a\":1}\r\n\n", Format::Jsonl),
        ("a.parquet", b"PAR1....", Format::Parquet),
        ("a", b"Obj\x01", Format::Avro),
        ("a.msgpack", b"\x81\xa1a\x01", Format::Msgpack),
        ("a.csv", b"{x},b\n1,2\n", Format::Csv),
    ] {
        assert_eq!(format(name, content), expected, "{name} {content:?}");
    }
}

#[test]
fn content_and_name_that_disagree_are_both_named() {
    for (name, content, words) in [
        ("a.csv", &b"PAR1...."[..], ["csv", "parquet"]),
        ("a.parquet", b"{\"a\":1}\n{\"a\":2}\n", ["parquet", "json"]),
        ("a.parquet", b"a,b\n1,2\n", ["parquet", "text"]),
        ("a.json", b"a,b\n1,2\n", ["json", "text"]),
        ("a.csv", b"[{\"a\":1}]", ["csv", "json"]),
        ("a.csv", b"\x00\x01\x02\x03\xff", ["csv", "binary"]),
        ("a.csv", b"PK\x03\x04...", ["csv", "zip"]),
        ("a.xlsx", b"PK\x03\x04...", ["written", "not read"]),
        (
            "a",
            b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0abcdefghijkl\x13\0\0\0xl/workbook.xml",
            ["Excel", "as CSV"],
        ),
        ("a.csv.zip", b"PK\x03\x04...", ["a zip archive", "unpack it"]),
    ] {
        let message = refusal(name, content);
        assert!(words.iter().all(|word| message.contains(word)), "{name}: {message}");
    }
    assert!(refusal("a.txt", b"Hello, world\nthis is prose.\n").contains("regular cells"));
    assert!(refusal("a", b"{\"a\": ").contains("broken JSON"));
}

#[test]
fn compression_is_found_by_content_under_any_name() {
    for compression in [Compression::Gzip, Compression::Zstd, Compression::Bzip2, Compression::Xz] {
        for name in ["a.csv.gz", "a.csv", "a"] {
            let content = compress(b"a,b\n1,2\n", compression);
            let found = sniffed(name, &content).expect("should be known").expect("content");
            assert_eq!((found.format.format, found.compression), (Format::Csv, compression));
        }
    }
    let plain = sniffed("a.csv.gz", b"a,b\n1,2\n").expect("known").expect("content");
    assert!(plain.notes.iter().any(|note| note.starts_with("compression:")), "{:?}", plain.notes);
    let inner = compress(b"PAR1....", Compression::Gzip);
    assert!(refusal("a.parquet.gz", &inner).contains("random places"));
}

#[test]
fn nothing_is_no_file() {
    for content in [&b""[..], b"\n \n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\r\n"] {
        assert_eq!(sniffed("a.csv", content).expect("should be fine"), None, "{content:?}");
    }
    assert_eq!(sniffed("a.csv.gz", &compress(b"", Compression::Gzip)).expect("fine"), None);
}

#[test]
fn truncated_compression_is_an_error_naming_the_file() {
    let whole = compress(b"a,b\n1,2\n", Compression::Gzip);
    let message = refusal("dir/a.csv.gz", &whole[..whole.len() - 5]);
    assert!(message.contains("dir/a.csv.gz"), "{message}");
}

#[test]
fn header_delimiter_and_encoding_are_said() {
    let found =
        sniffed("a.csv", "wrench;1\nk\u{f6}ln;2\n".as_bytes()).expect("known").expect("content");
    let dialect = found.format.csv.expect("should be delimited");
    assert!(!dialect.header);
    assert_eq!(dialect.delimiter, ";");
    assert!(found.notes.contains(&"header: detected none".to_owned()), "{:?}", found.notes);
    let latin1 = sniffed("a.csv", b"name,city\nk\xf6ln,2\n").expect("known").expect("content");
    assert!(latin1.notes.iter().any(|note| note.contains("Latin-1")), "{:?}", latin1.notes);
}

#[test]
fn what_the_caller_states_is_used() {
    let options = Reading {
        header: Some(false),
        delimiter: Some("::".into()),
        null_tokens: vec!["NA".into()],
        ..Reading::default()
    };
    let source = MemoryBytes::new("a.csv", b"a::b\nc::d\n".to_vec());
    let found = sniff(&source, &options).expect("known").expect("content");
    let dialect = found.format.csv.expect("should be delimited");
    assert_eq!((dialect.header, dialect.delimiter.as_str()), (false, "::"));
    assert_eq!(dialect.null_tokens, ["NA"]);
    assert!(found.notes.is_empty(), "{:?}", found.notes);
}

#[test]
fn a_stated_format_goes_before_the_name_and_agrees_with_the_content() {
    let stated = |name: &str, content: &[u8], format| {
        let reading = Reading { format: Some(format), ..Reading::default() };
        sniff(&MemoryBytes::new(name, content.to_vec()), &reading)
            .map(|found| found.expect("should have content").format.format)
            .map_err(|error| error.to_string())
    };
    for (name, content, format) in [
        ("a.dat", &b"n\n1\n2\n"[..], Format::Csv),
        ("a.json", b"a,b\n1,2\n", Format::Csv),
        ("a.log", b"{\"a\":1}\n", Format::Jsonl),
        ("a.log", b"{\"a\":1}\n", Format::Json),
        ("a.csv", b"PAR1....", Format::Parquet),
        ("a.txt", b"\x81\xa1a\x01", Format::Msgpack),
    ] {
        assert_eq!(stated(name, content, format), Ok(format), "{name}");
    }
    for (content, format, words) in [
        (&b"a,b\n1,2\n"[..], Format::Json, "`input_format` states json, but its content is text"),
        (b"{\"a\":1}\n{\"a\":2}\n", Format::Json, "states json, but its content is several"),
        (b"[{\"a\":1}]", Format::Jsonl, "states jsonl, but its content is one JSON document"),
        (b"[{\"a\":1}]", Format::Csv, "states csv, but its content is json"),
        (b"PAR1....", Format::Csv, "states csv, but its content is parquet"),
        (b"a,b\n1,2\n", Format::Parquet, "states parquet, but its content is text"),
    ] {
        let message = stated("a.x", content, format).expect_err("should be refused");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn text_of_which_a_mark_is_stated_is_delimited() {
    let reading = Reading { delimiter: Some(":".into()), ..Reading::default() };
    let source = MemoryBytes::new("passwd.txt", b"root:x:0:0:root:/root:/bin/sh\n".to_vec());
    let found = sniff(&source, &reading).expect("should be known").expect("should have content");
    assert_eq!(found.format.format, Format::Csv);
}
