//! `mason get -w`: the table, and then a row for each change, until interrupted.

use super::list::{headings, print_document};
use super::resource_watch::{Changes, News, Scope};
use crate::cli::args::{GetArgs, Output};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Columns, visible_on_one_line};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::kinds;
use crate::store::{Kind, Resource};

/// How far apart columns are, as kubectl has them.
const GAP: usize = 3;

/// Prints resources, and then each that changes.
///
/// # Errors
/// When several kinds are named, or they cannot be watched.
pub(super) async fn watch(
    context: &VerbContext,
    args: &GetArgs,
    kinds: &[Kind],
    names: Vec<String>,
) -> anyhow::Result<Exit> {
    let [kind] = kinds else {
        let hint = "name one: config, operator or run";
        return Err(Failure::usage("only one kind can be watched at one time", hint).into());
    };
    let namespace = (!args.all_namespaces).then(|| context.settings.namespace().to_owned());
    let mut changes = Changes::of(context, Scope { kind: *kind, namespace, names });
    let mut rows = Rows::new(context, args, *kind);
    let mut lost = false;
    loop {
        let news = changes.next().await?;
        lost = match &news {
            News::Lost(_) if lost => continue,
            News::Lost(_) => true,
            _ => false,
        };
        match news {
            News::All(all) => rows.print(&all.iter().collect::<Vec<_>>())?,
            News::Changed(resource) | News::Gone(resource) => rows.print(&[&resource])?,
            News::Unreadable(error) => context.printer.error(&error.into()),
            News::Lost(error) => {
                context.printer.error(&error.into());
                context.printer.note("trying again; what is missed meanwhile comes then");
            }
        }
    }
}

struct Rows<'a> {
    context: &'a VerbContext,
    args: &'a GetArgs,
    columns: Columns,
    widths: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn new(context: &'a VerbContext, args: &'a GetArgs, kind: Kind) -> Self {
        let columns = Columns::of(kind, args.output == Output::Wide);
        Self { context, args, columns, widths: Vec::new() }
    }

    /// Prints resources in the form that was asked for; the headings before the first row.
    fn print(&mut self, resources: &[&Resource]) -> anyhow::Result<()> {
        match self.args.output {
            Output::Json | Output::Yaml => {
                for resource in resources {
                    self.document(resource)?;
                }
            }
            Output::Name => {
                for resource in resources {
                    let key = resource.key();
                    self.context.printer.out(&kinds::qualified(key.kind, &key.name))?;
                }
            }
            Output::Table | Output::Wide => self.table(resources)?,
        }
        Ok(())
    }

    fn document(&self, resource: &Resource) -> anyhow::Result<()> {
        if self.args.output == Output::Yaml {
            self.context.printer.out("---")?;
        }
        print_document(self.context, self.args.output, &resource.to_document())
    }

    fn table(&mut self, resources: &[&Resource]) -> anyhow::Result<()> {
        let mut rows: Vec<Vec<String>> = resources.iter().map(|one| self.row(one)).collect();
        if self.widths.is_empty() && !rows.is_empty() {
            rows.insert(0, headings(self.args, &self.columns));
        }
        for row in &rows {
            self.widths.resize(row.len(), 0);
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in rows {
            self.context.printer.out(&line_of(&row, &self.widths))?;
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "ages are those of the moment a row is printed")]
    fn row(&self, resource: &Resource) -> Vec<String> {
        let key = resource.key();
        let mut row =
            if self.args.all_namespaces { vec![key.namespace, key.name] } else { vec![key.name] };
        row.extend(self.columns.cells(&resource.to_document(), jiff::Timestamp::now()));
        row.iter().map(|cell| visible_on_one_line(cell)).collect()
    }
}

/// Returns cells on one line, each as wide as its column.
fn line_of(row: &[String], widths: &[usize]) -> String {
    let cell = |(cell, width): (&String, &usize)| format!("{cell:<width$}", width = width + GAP);
    let line: String = row.iter().zip(widths).map(cell).collect();
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn rows_stand_below_one_another() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        assert_eq!(line_of(&row(&["NAME", "PHASE"]), &[5, 7]), "NAME    PHASE");
        assert_eq!(line_of(&row(&["x", ""]), &[5, 7]), "x");
    }
}
