//! Spells unquoted columns as the tables do: names are compared without regard to ASCII case, and the
//! planner below compares exactly.
//!
//! A word is looked up in the tables of its own `select` first, then in those around it, then in all
//! tables of the query. A column in quotes stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
    Query, Select, SelectItem, SelectItemQualifiedWildcardKind, TableAlias, TableFactor,
    TableWithJoins, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::check::normalised;
use crate::engines::table::TableName;

/// The names of columns (and of fields within them) as the tables of a query spell them.
#[derive(Debug, Clone, Default)]
pub struct Spellings {
    all: Words,
    tables: BTreeMap<String, Words>,
}

impl Spellings {
    /// Adds the name of a table's column.
    pub fn insert(&mut self, table: &TableName, name: &str) {
        self.all.insert(name);
        self.tables.entry(table.to_string().to_ascii_lowercase()).or_default().insert(name);
    }
}

/// Words by their lower case.
#[derive(Debug, Clone, Default)]
struct Words(BTreeMap<String, BTreeSet<String>>);

impl Words {
    fn insert(&mut self, word: &str) {
        self.0.entry(word.to_ascii_lowercase()).or_default().insert(word.to_owned());
    }
}

/// Returns the spelling that a word means: as it is written if there is such, in lower case if there
/// is that, else the only one.
fn spelling<'a>(word: &str, words: impl Iterator<Item = &'a Words>) -> Option<&'a str> {
    let lower = word.to_ascii_lowercase();
    let found: BTreeSet<&str> =
        words.filter_map(|words| words.0.get(&lower)).flatten().map(String::as_str).collect();
    let exact = found.get(word).or_else(|| found.get(lower.as_str()));
    match exact {
        Some(exact) => Some(exact),
        None if found.len() == 1 => found.first().copied(),
        None => None,
    }
}

pub(super) fn spell(query: &mut Query, spellings: &Spellings) {
    let mut speller = Speller { spellings, scopes: Vec::new() };
    // A speller never breaks off.
    let _ = query.visit(&mut speller);
}

/// What a `from` brings into sight: a name that qualifies columns, and the table behind it, or `None`
/// for what a query within the query makes.
#[derive(Debug, Clone)]
struct Source {
    qualifier: String,
    table: Option<String>,
    /// Whether the qualifier is another name than the table's own.
    aliased: bool,
}

struct Speller<'a> {
    spellings: &'a Spellings,
    /// The innermost last.
    scopes: Vec<Vec<Source>>,
}

impl Speller<'_> {
    fn words_of(&self, source: &Source) -> &Words {
        source
            .table
            .as_ref()
            .and_then(|table| self.spellings.tables.get(table))
            .unwrap_or(&self.spellings.all)
    }

    /// The spelling of a column without a qualifier.
    fn unqualified(&self, word: &str) -> Option<&str> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| spelling(word, scope.iter().map(|source| self.words_of(source))))
            .or_else(|| spelling(word, std::iter::once(&self.spellings.all)))
    }

    fn source(&self, qualifier: &str) -> Option<&Source> {
        let named = |source: &&Source| {
            source.qualifier == qualifier || source.table.as_deref() == Some(qualifier)
        };
        self.scopes.iter().rev().find_map(|scope| scope.iter().find(named))
    }

    fn spell(&self, ident: &mut Ident) {
        if ident.quote_style.is_none() {
            quote(ident, self.unqualified(&ident.value).map(str::to_owned));
        }
    }

    /// Spells the parts of `database.table.column.field`: what names a table is in lower case, as
    /// tables are registered.
    fn spell_parts(&self, parts: &mut [Ident]) {
        let lower: Vec<String> = parts.iter().map(|part| part.value.to_ascii_lowercase()).collect();
        let qualified = match lower.as_slice() {
            [database, table, _, ..] if self.source(&format!("{database}.{table}")).is_some() => 2,
            [_, _, ..] if self.source(&normalised(&parts[0])).is_some() => 1,
            [name, _, ..] if self.source(name).is_some() => 1,
            _ => 0,
        };
        let words = match qualified {
            0 => None,
            1 => self.source(&normalised(&parts[0])).or_else(|| self.source(&lower[0])),
            _ => self.source(&lower[..2].join(".")),
        };
        for (part, lower) in parts.iter_mut().zip(&lower).take(qualified) {
            if self.source(&part.value).is_none() {
                part.value.clone_from(lower);
            }
        }
        for (at, part) in parts.iter_mut().skip(qualified).enumerate() {
            if part.quote_style.is_some() {
                continue;
            }
            let found = match (at, words) {
                (0, None) => self.unqualified(&part.value),
                (0, Some(source)) => spelling(&part.value, std::iter::once(self.words_of(source))),
                _ => spelling(&part.value, std::iter::once(&self.spellings.all)),
            };
            quote(part, found.map(str::to_owned));
        }
    }

    /// Spells the table of `table.*` as the planner knows it: by its alias, else by database and name.
    fn spell_wildcard_of(&self, name: &mut ObjectName) {
        let parts: Vec<Ident> =
            name.0.iter().filter_map(ObjectNamePart::as_ident).cloned().collect();
        let lower: Vec<String> = parts.iter().map(|part| part.value.to_ascii_lowercase()).collect();
        let found = match parts.as_slice() {
            [one] => self.source(&normalised(one)).or_else(|| self.source(&lower[0])),
            [_, _] => self.source(&lower.join(".")),
            _ => None,
        };
        let words: Vec<String> = match found {
            Some(Source { aliased: false, table: Some(table), .. }) => {
                table.splitn(2, '.').map(str::to_owned).collect()
            }
            Some(Source { qualifier, .. }) if parts.len() == 1 => vec![qualifier.clone()],
            _ => return,
        };
        let quoted = |word| ObjectNamePart::Identifier(Ident::with_quote('"', word));
        *name = ObjectName(words.into_iter().map(quoted).collect());
    }

    /// Spells the columns that a wildcard leaves out or replaces.
    fn spell_options(&self, options: &mut WildcardAdditionalOptions) {
        if let Some(except) = &mut options.opt_except {
            self.spell(&mut except.first_element);
            except.additional_elements.iter_mut().for_each(|ident| self.spell(ident));
        }
        if let Some(replace) = &mut options.opt_replace {
            replace.items.iter_mut().for_each(|item| self.spell(&mut item.column_name));
        }
        let excluded = match &mut options.opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => std::slice::from_mut(name),
            Some(ExcludeSelectItem::Multiple(names)) => names.as_mut_slice(),
            None => &mut [],
        };
        for part in excluded.iter_mut().flat_map(|ObjectName(parts)| parts) {
            if let ObjectNamePart::Identifier(ident) = part {
                self.spell(ident);
            }
        }
    }

    fn spell_item(&self, item: &mut SelectItem) {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => self.spell(alias),
            SelectItem::Wildcard(options) => self.spell_options(options),
            SelectItem::QualifiedWildcard(kind, options) => {
                if let SelectItemQualifiedWildcardKind::ObjectName(name) = kind {
                    self.spell_wildcard_of(name);
                }
                self.spell_options(options);
            }
            _ => {}
        }
    }

    fn spell_alias(&self, alias: Option<&mut TableAlias>) {
        for column in alias.into_iter().flat_map(|alias| alias.columns.iter_mut()) {
            self.spell(&mut column.name);
        }
    }

    fn spell_using(&self, table: &mut TableWithJoins) {
        for join in &mut table.joins {
            let Some(JoinConstraint::Using(names)) = constraint(&mut join.join_operator) else {
                continue;
            };
            for part in names.iter_mut().flat_map(|ObjectName(parts)| parts) {
                if let ObjectNamePart::Identifier(ident) = part {
                    self.spell(ident);
                }
            }
        }
    }
}

fn quote(ident: &mut Ident, spelling: Option<String>) {
    if let Some(spelling) = spelling {
        ident.value = spelling;
        ident.quote_style = Some('"');
    }
}

fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint) => Some(constraint),
        _ => None,
    }
}

/// What a `from` brings into sight.
fn sources(from: &[TableWithJoins]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut factors: Vec<&TableFactor> = Vec::new();
    for table in from {
        factors.push(&table.relation);
        factors.extend(table.joins.iter().map(|join| &join.relation));
    }
    while let Some(factor) = factors.pop() {
        match factor {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                factors.push(&table_with_joins.relation);
                factors.extend(table_with_joins.joins.iter().map(|join| &join.relation));
            }
            TableFactor::Table { name, alias, .. } => {
                let parts: Vec<String> =
                    name.0.iter().filter_map(ObjectNamePart::as_ident).map(normalised).collect();
                let Some(last) = parts.last() else { continue };
                let qualifier =
                    alias.as_ref().map_or_else(|| last.clone(), |alias| normalised(&alias.name));
                let table = (parts.len() == 2).then(|| parts.join("."));
                found.push(Source { qualifier, table, aliased: alias.is_some() });
            }
            TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. } => {
                let qualifier = normalised(&alias.name);
                found.push(Source { qualifier, table: None, aliased: true });
            }
            _ => {}
        }
    }
    found
}

impl VisitorMut for Speller<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.scopes.push(Vec::new());
        for table in query.with.iter_mut().flat_map(|with| with.cte_tables.iter_mut()) {
            self.spell_alias(Some(&mut table.alias));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.scopes.push(sources(&select.from));
        for item in &mut select.projection {
            self.spell_item(item);
        }
        for table in &mut select.from {
            self.spell_using(table);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &mut Select) -> ControlFlow<()> {
        // `order by` stands outside of its select and sees the same tables.
        let sources = self.scopes.pop().unwrap_or_default();
        if let Some(around) = self.scopes.last_mut() {
            around.extend(sources);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Derived { alias, .. }
            | TableFactor::Table { alias, .. }
            | TableFactor::UNNEST { alias, .. } => self.spell_alias(alias.as_mut()),
            TableFactor::NestedJoin { table_with_joins, .. } => self.spell_using(table_with_joins),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.spell(ident),
            Expr::CompoundIdentifier(parts) => self.spell_parts(parts),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
