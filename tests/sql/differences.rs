//! The closed list of differences between Mason and a peer, each with its reason.
//!
//! Each has an example, which must still differ: an entry that is no longer needed fails the test
//! `every_listed_difference_is_still_one`, and is then to be removed.

use crate::compare::{Closeness, Output};
use crate::generator::Statement;
use crate::judge::Found;
use crate::statement::{Family, Node, Place};

/// Whether a difference is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// The dialect is so: `docs/sql.md` has these words.
    Documented(&'static str),
    /// Mason is wrong, and is to be mended.
    Fault,
}

/// A difference that is known.
pub(crate) struct Known {
    /// Why it is right, or what is wrong.
    pub(crate) reason: &'static str,
    pub(crate) because: Because,
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
        Statement { node, outputs, ordered: false }
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
        because: Because::Documented("years 1678 to 2261"),
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
        because: Because::Documented("`bool_and` and `bool_or`"),
        applies: |found| has(found, &["window"]) && refuses(found, &["retract_batch"]),
        example: same(
            "select bool_and(v.a > 1) over (order by v.a rows between 1 preceding and 1 following) as c \
             from (values (1), (2), (3)) as v(a)",
            &["window"],
            Family::Boolean,
        ),
    },
    Known {
        reason: "sub-queries that use the rows around them are refused in some places",
        because: Because::Documented("A sub-query that uses the rows around it"),
        applies: |found| {
            has(
                found,
                &[
                    "in query",
                    "not in query",
                    "exists",
                    "exists of an aggregate",
                    "scalar query",
                    "any or all",
                ],
            ) && refuses(
                found,
                &[
                    "Physical plan does not support logical expression",
                    "Correlated scalar subquery can only be used in",
                    "null_aware anti join only supports single column",
                    "there is no column",
                ],
            )
        },
        example: same(
            "select case when exists (select 1 from d.links l where l.n = t.n) then 1 else 2 end as c from d.single t",
            &["exists"],
            Family::Integer,
        ),
    },
    Known {
        reason: "a timestamp as text has a `T` in Mason, and a space in DuckDB",
        because: Because::Documented("has a `T` between date and time"),
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
        reason: "DuckDB 2.0.0 breaks off where it evaluates some functions of nulls before the query",
        because: Because::Documented("DuckDB 2.0.0 breaks off"),
        applies: |found| {
            found
                .only_peer_refuses()
                .is_some_and(|said| said.contains("did not return a BoundFunctionExpression"))
        },
        example: same(
            "select t.word as c from d.things t where split_part(t.blank, ' ', 1) > t.word",
            &[],
            Family::Text,
        ),
    },
    Known {
        reason: "a key cannot stand twice in `rollup` or `cube`",
        because: Because::Documented("a key that stands twice"),
        applies: |found| {
            has(found, &["grouping sets"]) && refuses(found, &["Schema contains duplicate"])
        },
        example: same(
            "select t.n as c from d.things t group by rollup (t.n, t.n)",
            &["grouping sets"],
            Family::Integer,
        ),
    },
    Known {
        reason: "`distinct` over a window fails without a limit",
        because: Because::Fault,
        applies: |found| refuses(found, &["Ordering direction required for DISTINCT"]),
        example: same(
            "select distinct t.id as c, rank() over (partition by t.id order by t.x) as r from d.logs t",
            &[],
            Family::Integer,
        ),
    },
    Known {
        reason: "two items of one text cannot stand in a recursive query or a sub-query",
        because: Because::Fault,
        applies: |found| {
            refuses(
                found,
                &[
                    "Projections require unique expression names",
                    "duplicate unqualified field name",
                ],
            )
        },
        example: same(
            "with recursive r(i, s) as (select 1, 1 union all select r.i + 1, r.s from r where r.i < 3) \
             select r.i as c from r",
            &[],
            Family::Integer,
        ),
    },
    Known {
        reason: "the shared column of a right or full join is taken from the left",
        because: Because::Fault,
        applies: |found| {
            found.is_of_rows()
                && has(found, &["using", "natural"])
                && has(found, &["right join", "full join"])
        },
        example: same(
            "select word as c from d.hollow l full join d.links r using (word)",
            &["using", "full join"],
            Family::Text,
        ),
    },
    Known {
        reason: "-0.0 is not 0.0, and a NaN that was computed is less than every number",
        because: Because::Fault,
        applies: |found| {
            found.is_of_rows() && has(found, &["float", "special float", "values", "unnest"])
        },
        example: same(
            "select v.a as c from (values (cast('inf' as double))) as v(a) where v.a - v.a > 1e0",
            &["values"],
            Family::Double,
        ),
    },
    Known {
        reason: "`exists` of a correlated aggregate is false where it has no rows",
        because: Because::Fault,
        applies: |found| {
            found.is_of_rows() && has(found, &["exists of an aggregate", "in of an aggregate"])
        },
        example: same(
            "select t.id as c from d.single t where exists (select count(*) from d.hollow h where h.n = t.n)",
            &["exists of an aggregate"],
            Family::Integer,
        ),
    },
    Known {
        reason: "`not in` of a query with nulls",
        because: Because::Fault,
        applies: |found| {
            found.is_of_rows() && has(found, &["not in query", "any or all", "in query"])
        },
        example: same(
            "select t.id as c from d.single t where 3 not in (select l.void from d.things l)",
            &["not in query"],
            Family::Integer,
        ),
    },
    Known {
        reason: "integers and decimals wrap",
        because: Because::Fault,
        applies: |found| {
            found.only_peer_refuses().is_some()
                && has(found, &["overflow", "decimal overflow", "sum at the limits"])
        },
        example: same(
            "select v.a + v.a as c from (values (cast(9223372036854775807 as bigint))) as v(a)",
            &["overflow"],
            Family::Integer,
        ),
    },
];
