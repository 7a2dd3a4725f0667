//! The rules of [`Metastore`] and [`Changes`].

use futures::TryStreamExt;

use super::{Doubt, Report, Verdict, failed, fails, holds};
use crate::engines::metastore::{Author, Change, Changed, Changes, Metastore, TableDeclaration};
use crate::engines::reading::Reading;
use crate::engines::table::{Database, TableLookup, TableName, TableVersion};
use crate::engines::{EngineError, ErrorKind, Lookup};

/// What the suite needs beside the metastore.
pub struct Fixture {
    /// A table over existing files in the database [`DATABASE`], which must not exist yet.
    pub declaration: TableDeclaration,
}

/// The database that the suite makes.
pub const DATABASE: &str = "conformance";

/// Checks a metastore that has no database [`DATABASE`]. Rules build on each other in their order.
pub async fn run(subject: &dyn Metastore, fixture: &Fixture) -> Report {
    let mut report = Report::default();
    report.add("an unknown database is not found", unknown_database(subject).await);
    let Some(changes) = subject.changes() else {
        for rule in ["databases", "tables", "changes"] {
            report.add(rule, Err(Doubt::Skipped("the client changes nothing".to_owned())));
        }
        return report;
    };
    let suite = Suite { subject, changes, declaration: &fixture.declaration };
    report.add("a database is created once", suite.create_database().await);
    report.add("databases come by name", databases_in_order(subject).await);
    report.add("names are compared without regard to case", suite.case().await);
    report.add("an unknown name gets the nearest as hint", suite.hints().await);
    report.add("a change takes place once for its author", suite.once().await);
    report.add("a fenced author changes nothing", suite.fence().await);
    report.add("a declared table is returned as it was declared", suite.declare().await);
    report.add("a change of another version is a conflict", suite.versions().await);
    report.add("a database with tables is not deleted", suite.full_database().await);
    report.add("a deleted table is gone, its files are not", suite.delete_table().await);
    report.add("a deleted database is gone", suite.delete_database().await);
    report
}

fn author(run: &str) -> Author {
    Author { run_uid: format!("conformance-{run}"), attempt: 1 }
}

async fn databases(subject: &dyn Metastore) -> Result<Vec<String>, EngineError> {
    let all: Vec<Database> = subject.list_databases().try_collect().await?;
    Ok(all.into_iter().map(|database| database.name).collect())
}

async fn unknown_database(subject: &dyn Metastore) -> Verdict {
    fails(subject.get_database(DATABASE).await, ErrorKind::NotFound)?;
    let name = TableName { database: DATABASE.to_owned(), table: "t".to_owned() };
    fails(subject.get_table(&name, &Reading::default()).await, ErrorKind::NotFound)?;
    fails(subject.find_table(&name).await, ErrorKind::NotFound)?;
    fails(subject.list_tables(DATABASE).try_collect::<Vec<_>>().await, ErrorKind::NotFound)?;
    Ok(())
}

async fn databases_in_order(subject: &dyn Metastore) -> Verdict {
    let found = databases(subject).await?;
    let mut sorted = found.clone();
    sorted.sort();
    holds(found == sorted, || format!("they come as {found:?}"))?;
    holds(found.iter().any(|name| name == DATABASE), || format!("{DATABASE} is not in {found:?}"))
}

struct Suite<'a> {
    subject: &'a dyn Metastore,
    changes: &'a dyn Changes,
    declaration: &'a TableDeclaration,
}

impl Suite<'_> {
    async fn apply(&self, change: Change, run: &str) -> Result<Changed, EngineError> {
        self.changes.apply(&change, &author(run)).await
    }

    async fn create_database(&self) -> Verdict {
        let create = |name: &str, if_not_exists| Change::CreateDatabase {
            name: name.to_owned(),
            if_not_exists,
        };
        for other in ["zz-conformance", "aa-conformance"] {
            self.apply(create(other, true), other).await?;
        }
        self.apply(create(DATABASE, false), "create").await?;
        fails(self.apply(create(DATABASE, false), "again").await, ErrorKind::AlreadyExists)?;
        self.apply(create(DATABASE, true), "if-not-exists").await?;
        let upper = DATABASE.to_uppercase();
        fails(self.apply(create(&upper, false), "upper").await, ErrorKind::AlreadyExists)?;
        for bad in ["..", "a/b", "", ".hidden", &"x".repeat(10_000)] {
            fails(self.apply(create(bad, false), "bad").await, ErrorKind::InvalidInput)?;
        }
        Ok(())
    }

    async fn case(&self) -> Verdict {
        let found = self.subject.get_database(&DATABASE.to_uppercase()).await?;
        holds(found.name == DATABASE, || format!("it is named {}", found.name))
    }

    async fn hints(&self) -> Verdict {
        let near = format!("{DATABASE}x");
        let error = fails(self.subject.get_database(&near).await, ErrorKind::NotFound)?;
        let hint = error.hint.unwrap_or_default();
        holds(hint.contains(DATABASE), || format!("the hint is {hint:?}"))
    }

    async fn once(&self) -> Verdict {
        let change = Change::CreateDatabase { name: "once".to_owned(), if_not_exists: false };
        let unmade = self.changes.find(&change, &author("nobody")).await?;
        let is_unmade = !matches!(unmade, Lookup::Found(_));
        holds(is_unmade, || format!("a change that was not made is {unmade:?}"))?;
        let first = self.apply(change.clone(), "once").await?;
        let again = self.apply(change.clone(), "once").await?;
        holds(first == again, || format!("first {first:?}, then {again:?}"))?;
        // A metastore that cannot tell may say so, and nothing else.
        let found = self.changes.find(&change, &author("once")).await?;
        let is_told = match &found {
            Lookup::Found(found) => *found == first,
            Lookup::Nothing => false,
            Lookup::Unknown(_) => true,
        };
        holds(is_told, || format!("made {first:?}, found {found:?}"))?;
        let late = Author { attempt: 2, ..author("once") };
        let adopted = self.changes.apply(&change, &late).await?;
        holds(adopted == first, || format!("made {first:?}, a later attempt {adopted:?}"))
    }

    fn put(&self, expected: Option<TableVersion>) -> Change {
        Change::PutTable { table: Box::new(self.declaration.clone()), expected }
    }

    async fn fence(&self) -> Verdict {
        let create =
            |name: &str| Change::CreateDatabase { name: name.to_owned(), if_not_exists: true };
        for _ in 0..2 {
            let made = self.changes.fence(&create("late"), &author("fenced")).await?;
            if let Lookup::Unknown(why) = made {
                return Err(Doubt::Skipped(why));
            }
            holds(made == Lookup::Nothing, || format!("it never changed anything, but {made:?}"))?;
        }
        let late = Author { attempt: 2, ..author("fenced") };
        fails(self.changes.apply(&create("late"), &late).await, ErrorKind::Conflict)?;
        fails(self.subject.get_database("late").await, ErrorKind::NotFound)?;
        let once = Change::CreateDatabase { name: "once".to_owned(), if_not_exists: false };
        let made = self.changes.find(&once, &author("once")).await?.found();
        let fenced = self.changes.fence(&once, &author("once")).await?.found();
        holds(fenced.is_some() && fenced == made, || format!("made {made:?}, fenced {fenced:?}"))?;
        let again = self.apply(once, "once").await?;
        holds(Some(&again) == made.as_ref(), || format!("made {made:?}, then {again:?}"))
    }

    async fn declare(&self) -> Verdict {
        self.apply(self.put(None), "put").await?;
        let declared = self.declaration;
        let upper = TableName {
            database: declared.name.database.clone(),
            table: declared.name.table.to_uppercase(),
        };
        for name in [&declared.name, &upper] {
            let TableLookup::Table(table) =
                self.subject.get_table(name, &Reading::default()).await?
            else {
                return Err(failed("it is conflicting"));
            };
            let same = table.schema == declared.schema
                && table.format == declared.format
                && table.locations == declared.locations
                && table.partition_keys == declared.partition_keys
                && table.name == declared.name;
            holds(same && table.version.is_some(), || format!("it is {table:?}"))?;
            holds(!table.files.is_empty(), || "it has no files".to_owned())?;
        }
        let listed: Vec<_> = self.subject.list_tables(DATABASE).try_collect().await?;
        let entry = listed.iter().find(|entry| entry.name == declared.name);
        holds(entry.is_some(), || format!("{} is not in {listed:?}", declared.name))?;
        let unknown = TableName { table: "nowhere".to_owned(), ..upper.clone() };
        for (name, expected) in [(&declared.name, entry), (&upper, entry), (&unknown, None)] {
            let found = self.subject.find_table(name).await?;
            holds(found.as_ref() == expected, || format!("{name} is found as {found:?}"))?;
        }
        Ok(())
    }

    async fn version(&self) -> Result<Option<TableVersion>, Doubt> {
        match self.subject.get_table(&self.declaration.name, &Reading::default()).await? {
            TableLookup::Table(table) => Ok(table.version),
            TableLookup::Conflicting(_) => Err(failed("it is conflicting")),
            TableLookup::Unread(_) => Err(failed("it is declared, and was not read")),
        }
    }

    async fn versions(&self) -> Verdict {
        let before = self.version().await?;
        fails(self.apply(self.put(None), "no-version").await, ErrorKind::Conflict)?;
        let other = before.map(|version| TableVersion(version.0 + 7));
        fails(self.apply(self.put(other), "other-version").await, ErrorKind::Conflict)?;
        let changed = self.apply(self.put(before), "same-version").await?;
        let after = self.version().await?;
        holds(after > before && changed.version == after, || {
            format!("it was {before:?}, is {after:?}, and the change says {changed:?}")
        })
    }

    async fn full_database(&self) -> Verdict {
        let delete = Change::DeleteDatabase { name: DATABASE.to_owned(), cascade: false };
        fails(self.apply(delete, "delete-full").await, ErrorKind::Conflict)?;
        self.subject.get_database(DATABASE).await?;
        Ok(())
    }

    async fn delete_table(&self) -> Verdict {
        let name = &self.declaration.name;
        let delete = |expected| Change::DeleteTable {
            name: name.clone(),
            expected,
            delete_external_files: false,
        };
        let stale = Some(TableVersion(9_999));
        fails(self.apply(delete(stale), "delete-stale").await, ErrorKind::Conflict)?;
        let version = self.version().await?;
        let changed = self.apply(delete(version), "delete-table").await?;
        holds(changed.files_deleted == 0, || format!("{changed:?}"))?;
        fails(self.apply(delete(None), "delete-again").await, ErrorKind::NotFound)?;
        self.apply(self.put(None), "put-again").await?;
        self.version().await?;
        self.apply(delete(None), "delete-put-again").await?;
        fails(self.subject.get_table(name, &Reading::default()).await, ErrorKind::NotFound)?;
        Ok(())
    }

    async fn delete_database(&self) -> Verdict {
        let delete = |name: &str| Change::DeleteDatabase { name: name.to_owned(), cascade: false };
        for name in [DATABASE, "once", "aa-conformance", "zz-conformance"] {
            self.apply(delete(name), &format!("delete-{name}")).await?;
            fails(self.subject.get_database(name).await, ErrorKind::NotFound)?;
        }
        let left = databases(self.subject).await?;
        holds(!left.iter().any(|name| name == DATABASE), || format!("{left:?} are left"))
    }
}
