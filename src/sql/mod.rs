//! What a query in SQL may be and which tables it names: pure, and the same for the code that gathers
//! the tables and the code that runs the query.
//!
//! A query is tokenised, `$table` is replaced among the tokens (never in the text), parsed, and then
//! judged on the tree by an allow-list: what is not known to only read is refused, and every refusal
//! is reported at once. May import models of `engines` only; runs nothing and reads nothing.

mod bind;
mod check;
mod columns;
mod conditions;
mod kept;
mod misplaced;
mod own_functions;
mod parse;
mod problem;
mod query;
mod replaced;
mod volatile;

pub use columns::Spellings;
pub use kept::{KEPT_DATABASE, Kept, keep};
pub use parse::{MAX_BYTES, MAX_OPERATORS};
pub use problem::{SqlProblem, SqlProblemKind};
pub use query::{Analysed, Scope, analyse, check_syntax, placeholders, referenced_tables, refusal};
pub use replaced::name_replaced;
