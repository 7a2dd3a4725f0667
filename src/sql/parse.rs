//! The text of a query to statements, with `$table` replaced among the tokens.

use sqlparser::ast::Statement;
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::bind;
use super::problem::SqlProblem;
use super::query::Scope;

/// Most bytes a query may have.
pub const MAX_BYTES: usize = 256 * 1024;

/// Most operators (`+`, `=`, `and`, `union`, …) a query may have: each may be one more level of the
/// tree.
pub const MAX_OPERATORS: usize = 2_000;

/// Returns the statements of a text.
pub(super) fn parse(sql: &str, scope: Scope<'_>) -> Result<Vec<Statement>, SqlProblem> {
    if sql.len() > MAX_BYTES {
        return Err(SqlProblem::not_allowed(format!(
            "the query has {} bytes, more than {MAX_BYTES}",
            sql.len()
        )));
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| SqlProblem::syntax(&error.message).at(error.location))?;
    let operators = tokens.iter().filter(|token| is_operator(&token.token)).count();
    if operators > MAX_OPERATORS {
        return Err(SqlProblem::not_allowed(format!(
            "the query has {operators} operators, more than {MAX_OPERATORS}"
        ))
        .with_hint("write `x in (…)` instead of many `x = …` joined by `or`"));
    }
    let tokens = put_this_table(tokens, scope)?;
    Parser::new(&dialect)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| SqlProblem::from_parser(&error))
}

/// Replaces the token `$table` by the tokens of a quoted name, unless a parameter has that name.
fn put_this_table(
    tokens: Vec<TokenWithSpan>,
    scope: Scope<'_>,
) -> Result<Vec<TokenWithSpan>, SqlProblem> {
    let mut replaced = Vec::with_capacity(tokens.len() + 2);
    let is_bound = scope.bindings.is_some_and(|bindings| bindings.contains_key("table"));
    for token in tokens {
        let bound = scope.bindings.and_then(|bindings| bind::identifier(&token.token, bindings));
        if let Some(bound) = bound {
            replaced.push(TokenWithSpan::new(bound, token.span));
            continue;
        }
        let is_this_table = matches!(&token.token, Token::Placeholder(name) if name == "$table");
        if is_bound || !is_this_table {
            replaced.push(token);
            continue;
        }
        let Some(name) = scope.this_table else {
            return Err(no_this_table(token.span.start));
        };
        let parts = [
            Token::make_word(&name.database, Some('"')),
            Token::Period,
            Token::make_word(&name.table, Some('"')),
        ];
        replaced.extend(parts.map(|part| TokenWithSpan::new(part, token.span)));
    }
    Ok(replaced)
}

fn no_this_table(location: Location) -> SqlProblem {
    SqlProblem::not_allowed("`$table` stands for the run's own table, and the run names none")
        .at(location)
        .with_hint("give the run a `table_name`, or write `database.table`")
}

/// Returns whether a token may add a level to the tree without the parser noticing its depth.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::BETWEEN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::DIV
                | Keyword::OVERLAPS
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::MINUS
                | Keyword::NOTNULL
                | Keyword::PIVOT
                | Keyword::UNPIVOT
        ),
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon => false,
        _ => true,
    }
}
