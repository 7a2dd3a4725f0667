//! The closed list of differences between Mason and a peer, each with its reason.
//!
//! Each has an example, which must still differ: an entry that is no longer needed fails the test
//! `every_listed_difference_is_still_one`, and is then to be removed.

use crate::compare::{Closeness, Output};
use crate::generator::Statement;
use crate::judge::Found;
use crate::statement::{Family, Node, Place};

/// A difference that is known.
pub(crate) struct Known {
    /// Why it is right.
    pub(crate) reason: &'static str,
    /// Words by which `docs/sql.md` says that the dialect is so.
    pub(crate) documented: &'static str,
    /// Whether a found difference is this one.
    applies: fn(&Found) -> bool,
    pub(crate) example: Example,
}

/// A statement with the difference.
pub(crate) struct Example {
    mason: &'static str,
    /// The same for DuckDB.
    duckdb: &'static str,
    features: &'static [&'static str],
    family: Family,
}

impl Known {
    /// Returns whether a found difference is this one.
    pub(crate) fn is(&self, found: &Found) -> bool {
        (self.applies)(found)
    }
}

impl Example {
    /// Returns it as a statement of one column.
    pub(crate) fn statement(&self) -> Statement {
        let node = Node::new(Place::Fixed, self.mason, Vec::new()).duckdb(self.duckdb);
        let node = self.features.iter().fold(node.without_sqlite(), |node, one| node.feature(one));
        let outputs = vec![Output { family: self.family, closeness: Closeness::Exact }];
        Statement { node, outputs, ordered: self.features.contains(&"order by") }
    }
}

/// Returns the reason of a difference, if it is known.
pub(crate) fn reason(found: &Found) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.is(found)).map(|known| known.reason)
}

fn refuses(found: &Found, words: &[&str]) -> bool {
    found.only_mason_refuses().is_some_and(|said| words.iter().any(|words| said.contains(words)))
}

fn has(found: &Found, features: &[&str]) -> bool {
    features.iter().any(|feature| found.features.contains(feature))
}

const fn same(sql: &'static str, features: &'static [&'static str], family: Family) -> Example {
    Example { mason: sql, duckdb: sql, features, family }
}

/// Every known difference.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        reason: "a timestamp of a cast or literal has nanoseconds in Mason, which hold the years 1678 to 2261",
        documented: "years 1678 to 2261",
        applies: |found| {
            refuses(
                found,
                &[
                    "converted value exceeds the representable i64 range",
                    "out of range",
                    "Overflow happened on",
                ],
            ) && has(found, &["times"])
        },
        example: same(
            "select cast(cast('9990-01-01' as date) as timestamp) as c",
            &["times"],
            Family::Timestamp,
        ),
    },
    Known {
        reason: "`bool_and` and `bool_or` have no moving frames in Mason",
        documented: "`bool_and` and `bool_or`",
        applies: |found| has(found, &["window"]) && refuses(found, &["over a frame that moves"]),
        example: same(
            "select bool_and(v.a > 1) over (order by v.a rows between 1 preceding and 1 following) as c \
             from (values (1), (2), (3)) as v(a)",
            &["window"],
            Family::Boolean,
        ),
    },
    Known {
        reason: "some subqueries that use the row around them are refused by name",
        documented: "A subquery may use columns of the `select` directly around it",
        applies: |found| {
            refuses(found, &["is not supported", "a subquery stands where it cannot be computed"])
                && has(
                    found,
                    &[
                        "in query",
                        "not in query",
                        "exists",
                        "exists of an aggregate",
                        "scalar query",
                        "any or all",
                    ],
                )
        },
        example: same(
            "select (select max(l.n) from d.links l where l.n < t.n) as c from d.things t",
            &["scalar query"],
            Family::Integer,
        ),
    },
    Known {
        reason: "a timestamp as text has a `T` in Mason, and a space in DuckDB",
        documented: "has a `T` between date and time",
        applies: |found| {
            found.is_of_rows() && has(found, &["cast at the limits"]) && has(found, &["times"])
        },
        example: same(
            "select cast(t.seen as varchar) as c from d.things t",
            &["cast at the limits", "times"],
            Family::Text,
        ),
    },
    Known {
        reason: "a float as text is `NaN` and `1e300` in Mason, `nan` and `1e+300` in DuckDB",
        documented: "`NaN`, `inf`, `1e300`",
        applies: |found| found.is_of_rows() && has(found, &["float as text"]),
        example: same(
            "select cast(cast('NaN' as double) as varchar) as c",
            &["float as text"],
            Family::Text,
        ),
    },
    Known {
        reason: "a sum of integers has 64 bits in Mason, and 128 in DuckDB",
        documented: "DuckDB: 128 bits",
        applies: |found| {
            has(found, &["sum at the limits"]) && refuses(found, &["is beyond a 64-bit integer"])
        },
        example: Example {
            mason: "select sum(v.a) as c from (values (cast(18446744073709551615 as bigint unsigned)), \
                    (cast(1 as bigint unsigned))) as v(a)",
            duckdb: "select sum(v.a) as c from (values (cast(18446744073709551615 as ubigint)), \
                     (cast(1 as ubigint))) as v(a)",
            features: &["sum at the limits"],
            family: Family::Integer,
        },
    },
    Known {
        reason: "DuckDB multiplies decimals of few digits in 64 bits, and fails beyond",
        documented: "DuckDB: fails beyond 18 digits",
        applies: |found| {
            let words = "Overflow in multiplication of DECIMAL(18)";
            found.only_peer_refuses().is_some_and(|said| said.contains(words))
        },
        example: same(
            "select t.price * t.price as c \
             from (values (cast('99999999.99' as decimal(10, 2)))) as t(price)",
            &["decimal overflow"],
            Family::Decimal,
        ),
    },
    Known {
        reason: "a key cannot stand twice in `rollup` or `cube`",
        documented: "a key that stands twice",
        applies: |found| {
            has(found, &["grouping sets"]) && refuses(found, &["stands twice among the keys"])
        },
        example: same(
            "select t.n as c from d.things t group by rollup (t.n, t.n)",
            &["grouping sets"],
            Family::Integer,
        ),
    },
    Known {
        reason: "two items of one text need names within a query",
        documented: "two items of one text",
        applies: |found| {
            let words =
                ["two columns of one select are called", "duplicate unqualified field name"];
            refuses(found, &words)
        },
        example: same("select count(*) as c from (select 1, 1) as q", &[], Family::Integer),
    },
];
