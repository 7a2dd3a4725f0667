//! Tells a header from a first row of values, by the shapes of its cells against those below.
//!
//! A cell that is a number, a date, a time or a boolean is no name if those below it are the like; a
//! text above them is one. Columns that say both are not decided: the caller is told what they hold.

use super::sample::{Cell, Row};
use super::shapes::{Shape, differ_in_digits_only};

/// Whether the first record holds the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Header {
    /// It does.
    Found,
    /// It does not.
    Missing,
    /// It may; why it cannot be told.
    Unsure(String),
}

impl Header {
    /// Returns what is stated.
    pub(crate) fn stated(is_there: bool) -> Self {
        if is_there { Self::Found } else { Self::Missing }
    }

    /// Returns why it cannot be told.
    pub(crate) fn why(&self) -> Option<String> {
        let Self::Unsure(why) = self else { return None };
        Some(why.clone())
    }
}

/// What the cells of one column say of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// It is a name.
    Name,
    /// It is a value.
    Value,
    /// It has the shape of a value, but none below is like it.
    Doubt,
    /// It is a text that many below repeat: a value, if no other column says that it is a name.
    Repeated,
    /// Nothing.
    Nothing,
}

/// Whether the first record holds texts above values.
pub(super) fn has_names(rows: &[Row]) -> bool {
    rows.len() > 1 && find(rows) == Header::Found && evidences(rows).contains(&Evidence::Name)
}

/// Returns what the cells of each column say of the first.
fn evidences(rows: &[Row]) -> Vec<Evidence> {
    let (first, below) = rows
        .split_first()
        .map_or((&[][..], &[][..]), |(first, below)| (first.cells.as_slice(), below));
    let of_column = |(index, cell): (usize, &Cell)| {
        let below: Vec<&Cell> = below.iter().filter_map(|row| row.cells.get(index)).collect();
        evidence(cell, Shape::of(&cell.text), &below)
    };
    first.iter().enumerate().map(of_column).collect()
}

/// Returns what the first record is.
pub(crate) fn find(rows: &[Row]) -> Header {
    let Some((first, below)) = rows.split_first() else { return Header::Found };
    let first = &first.cells;
    let shapes: Vec<Shape> = first.iter().map(|cell| Shape::of(&cell.text)).collect();
    if below.is_empty() {
        return alone(&shapes);
    }
    let evidence = evidences(rows);
    let has = |wanted| evidence.contains(&wanted);
    if (has(Evidence::Value) || has(Evidence::Doubt))
        && is_series_of_names(rows, &shapes, &evidence)
    {
        return Header::Found;
    }
    match (has(Evidence::Name), has(Evidence::Value)) {
        (true, false) => Header::Found,
        (false, true) if are_years_over_others(rows, &shapes, &evidence) => {
            Header::Unsure(why(first, below, &evidence))
        }
        (false, true) => Header::Missing,
        _ if has(Evidence::Doubt) || has(Evidence::Value) => {
            Header::Unsure(why(first, below, &evidence))
        }
        _ if has(Evidence::Repeated) => Header::Missing,
        _ => with_text(&shapes),
    }
}

/// Returns what a record without others is: no header if a cell of it is a value.
fn alone(shapes: &[Shape]) -> Header {
    if shapes.iter().any(|shape| shape.is_value()) { Header::Missing } else { with_text(shapes) }
}

fn with_text(shapes: &[Shape]) -> Header {
    let text = shapes.iter().any(|shape| !matches!(shape, Shape::Empty | Shape::Missing));
    if text { Header::Found } else { Header::Missing }
}

fn evidence(cell: &Cell, shape: Shape, below: &[&Cell]) -> Evidence {
    let shapes: Vec<Shape> = below.iter().map(|cell| Shape::of(&cell.text)).collect();
    let count = |wanted| shapes.iter().filter(|shape| **shape == wanted).count();
    let empty = count(Shape::Empty) + count(Shape::Missing);
    let there = shapes.len() - empty;
    let [numbers, moments, booleans] = [Shape::Number, Shape::Moment, Shape::Boolean].map(count);
    // A few other cells do not make a column of numbers a column of texts.
    let is_most = |count: usize| there > 0 && count * 5 >= there * 4;
    let values_below = [numbers, moments, booleans].into_iter().any(is_most);
    let like = below.iter().filter(|other| differ_in_digits_only(&cell.text, &other.text)).count();
    let repeats = below.iter().filter(|other| cell.text == other.text).count();
    let is_repeated = repeats > 1 && repeats * 2 >= there;
    match shape {
        Shape::Missing if values_below => Evidence::Doubt,
        Shape::Number | Shape::Moment | Shape::Boolean => {
            let same = count(shape);
            let only_it_is_quoted =
                cell.quoted && is_most(numbers) && !below.iter().any(|b| b.quoted);
            match () {
                () if only_it_is_quoted => Evidence::Name,
                () if there > 0 && same * 2 >= there => Evidence::Value,
                () if values_below => Evidence::Name,
                () => Evidence::Doubt,
            }
        }
        Shape::Text if there > 0 && like * 2 >= there => Evidence::Value,
        Shape::Text if values_below => Evidence::Name,
        Shape::Text if is_repeated => Evidence::Repeated,
        Shape::Empty | Shape::Missing | Shape::Text => Evidence::Nothing,
    }
}

/// Years from which on a rising series of numbers is one of names.
const YEARS: std::ops::RangeInclusive<i64> = 1000..=2999;

/// Whether all values of the first record are whole numbers that rise by one step, as years over
/// columns do, and those of the rows below do not; and something else says that they are names.
fn is_series_of_names(rows: &[Row], shapes: &[Shape], evidence: &[Evidence]) -> bool {
    let columns: Vec<usize> = (0..shapes.len())
        .filter(|index| matches!(evidence[*index], Evidence::Value | Evidence::Doubt))
        .collect();
    let first = &rows[0].cells;
    let (true, Some(series)) = (columns.len() > 1, series(first, &columns)) else { return false };
    let below = &rows[1..];
    let alike = below.iter().filter(|row| self::series(&row.cells, &columns).is_some()).count();
    if alike * 2 >= below.len() {
        return false;
    }
    let text = shapes.contains(&Shape::Text);
    let years = series.len() > 2 && series.iter().all(|number| YEARS.contains(number));
    evidence.contains(&Evidence::Name) || (years && text) || (series[0] == 0 && is_index(rows))
}

/// Years that a column may be named by.
const LIKELY_YEARS: std::ops::RangeInclusive<i64> = 1900..=2100;

/// Whether the only values of the first record are years beside texts, and the columns below hold other
/// numbers: `country,2001` over `Austria,5`.
fn are_years_over_others(rows: &[Row], shapes: &[Shape], evidence: &[Evidence]) -> bool {
    let is_year = |row: &Row, index: usize| {
        let text = row.cells.get(index).and_then(|cell| std::str::from_utf8(&cell.text).ok());
        let number = text.and_then(|text| text.trim().parse::<i64>().ok());
        number.is_some_and(|number| LIKELY_YEARS.contains(&number))
    };
    let (first, below) = (&rows[0], &rows[1..]);
    let seldom =
        |index: usize| below.iter().filter(|row| is_year(row, index)).count() * 2 < below.len();
    let mut values = (0..shapes.len())
        .filter(|index| matches!(evidence[*index], Evidence::Value | Evidence::Doubt));
    shapes.contains(&Shape::Text) && values.all(|index| is_year(first, index) && seldom(index))
}

/// Returns the numbers of some cells, if they are whole and rise by one step.
fn series(cells: &[Cell], columns: &[usize]) -> Option<Vec<i64>> {
    let number = |index: &usize| {
        std::str::from_utf8(&cells.get(*index)?.text).ok()?.trim().parse::<i64>().ok()
    };
    let numbers = columns.iter().map(number).collect::<Option<Vec<i64>>>()?;
    let step = numbers.get(1)?.checked_sub(numbers[0])?;
    let rises = numbers.windows(2).all(|two| two[1].checked_sub(two[0]) == Some(step));
    (step > 0 && rises).then_some(numbers)
}

/// Whether the first column has no name and counts the rows.
fn is_index(rows: &[Row]) -> bool {
    let number =
        |row: &Row| std::str::from_utf8(&row.cells.first()?.text).ok()?.parse::<usize>().ok();
    let counts = rows[1..].iter().enumerate().all(|(at, row)| number(row) == Some(at));
    counts && rows[0].cells.first().is_some_and(|cell| cell.text.is_empty())
}

/// Returns what speaks for either.
fn why(first: &[Cell], below: &[Row], evidence: &[Evidence]) -> String {
    let shown = |wanted: &[Evidence]| {
        let index = evidence.iter().position(|one| wanted.contains(one))?;
        let example = below.iter().filter_map(|row| row.cells.get(index));
        let example = example.map(|cell| &cell.text).find(|text| !text.is_empty());
        let example = example
            .map_or_else(String::new, |text| format!(" (above `{}`)", super::decode::shown(text)));
        Some(format!("`{}`{example}", super::decode::shown(&first[index].text)))
    };
    let value = shown(&[Evidence::Value, Evidence::Doubt]).unwrap_or_default();
    let name = shown(&[Evidence::Name]);
    let name = name.map_or_else(String::new, |name| format!(", and {name} for a name"));
    format!(
        "it cannot be told whether the first record holds names: {value} could be taken for a \
         value{name}; state read_headers"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Header {
        let row = |line: &str| Row {
            cells: line
                .split(',')
                .map(|cell| Cell {
                    text: cell.trim_matches('"').as_bytes().to_vec(),
                    quoted: cell.starts_with('"'),
                })
                .collect(),
            line: 1,
            begins: Vec::new(),
        };
        find(&text.lines().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn names_are_told_from_values() {
        for text in [
            "type,price\nwrench,20.0\nhammer,10.0",
            "a,b\nc,d\ne,f",
            "a,b",
            "only",
            "id\n1\n2",
            ",a,b\n0,1,2\n1,5,6",
            "id,when\nx,2024-01-01T00:00:00+01:00",
            "when,paid\n13/12/2024,yes\n14/12/2024,no",
            "no,name\n1,x\n2,y",
            "id,rate\n1,5%\n2,N/A\n3,\n4,7%",
            "name,dirty\na,1\nb,2\nc,3\nd,4\ne,unknown",
            // Years over columns, as in tables of the World Bank, and dates over numbers.
            "Country Name,Code,1960,1961,1962\nAruba,ABW,54208.5,55434,\nX,Y,1,2,3.5",
            "\"Country\",\"Code\",\"1960\",\"1961\"\n\"Aruba\",\"ABW\",54208,55434",
            "RegionID,Region,2000-01-31,2000-02-29\n1,x,5.5,6.5\n2,y,7,8",
            "id,1,2,3\n7,0.5,0.3,0.2\n8,0.1,0.9,0.2",
            // What pandas writes of a table without names.
            ",0,1,2\n0,5.1,3.5,1.4\n1,4.9,3.0,1.4",
            "col1,col2\nval1,val2\nval3,val4",
            "bar,baz\n,baz",
            "a,b\n1,b\n2,b\n3,b",
            "x,y\nNA,\nb,c",
        ] {
            assert_eq!(found(text), Header::Found, "{text:?}");
        }
    }

    #[test]
    fn first_rows_of_values_are_no_header() {
        for text in [
            "wrench,20.0\nhammer,10.0",
            "2020-01-01,x",
            "true,x",
            "wrench,20.0",
            "1\n2\n3",
            "NaN\n1\n2",
            "NA\nNA\nx",
            ".5,.7\n.1,.2",
            "1e-05,2e3\n1e-06,3e3",
            " 1, 2\n 3, 4",
            "+1,+2\n+3,+4",
            "007,015\n008,016",
            "01/02/2024,5%\n02/03/2024,6%",
            "13/12/2024,paid\n14/12/2024,open\n15/12/2024,paid",
            "2024-01-01T00:00:00+01:00,a\n2024-01-02T00:00:00+01:00,b",
            "True,x\nFalse,y",
            "a@x.org,Yes\nb@y.org,No",
            "A-17,x\nA-4,y\nA-9,z",
            "10.0.0.1,up\n10.0.0.2,down",
            ",5,x\n1,6,y\n2,7,z",
            "x,2001,2002,2003\ny,1999,2001,2003\nz,1990,1991,1992",
            "x,2001\ny,1999\nz,7",
            "wrench,1500\nhammer,20",
            "T\nT\nT\nother",
            "T,1\nT,2\nF,3",
            "Ann,1,2,3\nBen,4,5,6",
        ] {
            assert_eq!(found(text), Header::Missing, "{text:?}");
        }
    }

    #[test]
    fn what_may_be_both_is_not_decided() {
        for (text, words) in [
            ("id,2020\n1,2", "`2020` (above `2`) could be taken for a value, and `id` (above `1`)"),
            ("x,5\ny,abc\nz,def", "`5` (above `abc`)"),
            ("NA,x\n1,y\n2,z", "`NA`"),
            ("country,2001\nAustria,5\nBelgium,6", "`2001` (above `5`)"),
            ("country,2001,2002\nAustria,5,6\nBelgium,6,7", "`2001` (above `5`)"),
        ] {
            let Header::Unsure(why) = found(text) else { panic!("{text:?}: {:?}", found(text)) };
            assert!(why.contains(words) && why.contains("read_headers"), "{text:?}: {why}");
        }
    }
}
