//! Whether the clients that were picked for a run are of one lake: its tables and its files are those of one client, or
//! the tables those of a catalogue and the files those of `s3`; and the jobs of another client reach them.

use super::problem::{Problem, Problems};
use crate::api::v1alpha1::{ClientKind, EngineChoice, EngineChoices, MasonConfig};
use crate::engines::{ByRole, Role};

/// Adds what keeps the clients that were picked for a run from working on the same files. What holds of every run of the
/// config is a problem of the config.
pub(super) fn check_picked(config: &MasonConfig, choices: &EngineChoices, problems: &mut Problems) {
    if apart(&first(config)).is_some() {
        return;
    }
    if let Some(Problem { message, hint, .. }) = apart(choices) {
        let name = config.metadata.name.as_deref().unwrap_or_default();
        let problem = Problem::new("spec.configRef", format!("config `{name}`: {message}"));
        problems.push(problem.hint_if(hint));
    }
}

/// Adds what keeps the clients of a config that come first in their roles from working on the same files.
pub(super) fn check_first(config: &MasonConfig, problems: &mut Problems) {
    problems.extend(apart(&first(config)));
}

fn first(config: &MasonConfig) -> EngineChoices {
    let engines = ByRole::from(&config.spec.engines);
    let first = |role: Role| {
        let name = engines.get(role).first()?;
        let client = config.spec.clients.iter().find(|client| client.name == *name)?;
        Some(EngineChoice { client: name.clone(), kind: client.kind()? })
    };
    EngineChoices {
        metastore: first(Role::Metastore),
        storage: first(Role::Storage),
        execution: first(Role::Execution),
    }
}

fn apart(choices: &EngineChoices) -> Option<Problem> {
    let EngineChoices { metastore, storage, execution } = choices;
    let is_glue = |choice: &&EngineChoice| choice.kind == ClientKind::Glue;
    if let Some(athena) = execution.as_ref().filter(|choice| choice.kind == ClientKind::Athena)
        && metastore.as_ref().is_none_or(|metastore| !is_glue(&metastore))
    {
        let message = format!(
            "`{}` queries the tables of a client `glue`, and none comes first",
            athena.client
        );
        let hint = "name one first in `metastore`";
        return Some(Problem::new("spec.engines.metastore", message).hint(hint));
    }
    if let Some(metastore) = metastore.as_ref().filter(is_glue) {
        return without_files(metastore, storage.as_ref());
    }
    if let (Some(metastore), Some(storage)) = (metastore, storage)
        && metastore.client != storage.client
    {
        let message = format!(
            "tables would be those of `{}` and files those of `{}`, and a run works on those of one client",
            metastore.client, storage.client
        );
        let hint = "name the same client first in `metastore` and `storage`";
        return Some(Problem::new("spec.engines", message).hint(hint));
    }
    let (keeper, execution) = (storage.as_ref().or(metastore.as_ref())?, execution.as_ref()?);
    if keeper.client == execution.client || keeper.kind != ClientKind::Local {
        return None;
    }
    let message = format!(
        "the jobs of `{}` do not reach the folder of `{}`",
        execution.client, keeper.client
    );
    let hint = format!("name `{}` first in `execution` too", keeper.client);
    Some(Problem::new("spec.engines", message).hint(hint))
}

/// Returns what keeps a catalogue from the files of its tables.
fn without_files(catalogue: &EngineChoice, storage: Option<&EngineChoice>) -> Option<Problem> {
    if storage.is_some_and(|storage| storage.kind == ClientKind::S3) {
        return None;
    }
    let message = format!(
        "the tables of `{}` are made of objects of S3, and no client `s3` comes first in `storage`",
        catalogue.client
    );
    let hint = "add a client with `s3: {root: s3://bucket/}` and name it in `storage`";
    Some(Problem::new("spec.engines.storage", message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(metastore: (&str, ClientKind), storage: (&str, ClientKind), execution: &str) -> String {
        let choice =
            |(client, kind): (&str, _)| Some(EngineChoice { client: client.to_owned(), kind });
        let choices = EngineChoices {
            metastore: choice(metastore),
            storage: choice(storage),
            execution: choice((execution, ClientKind::Local)),
        };
        apart(&choices).map_or_else(String::new, |problem| problem.to_string())
    }

    #[test]
    fn tables_and_files_are_those_of_one_client_whose_files_the_jobs_reach() {
        let (here, there, bucket) =
            (("here", ClientKind::Local), ("there", ClientKind::Local), ("s3", ClientKind::S3));
        assert_eq!(told(here, here, "here"), "");
        assert_eq!(told(bucket, bucket, "here"), "");
        let catalogue = ("catalogue", ClientKind::Glue);
        assert_eq!(told(catalogue, bucket, "here"), "");
        let queried = |metastore: (&str, ClientKind)| {
            let choice =
                |(client, kind): (&str, _)| Some(EngineChoice { client: client.to_owned(), kind });
            let choices = EngineChoices {
                metastore: choice(metastore),
                storage: choice(bucket),
                execution: choice(("athena", ClientKind::Athena)),
            };
            apart(&choices).map_or_else(String::new, |problem| problem.to_string())
        };
        assert_eq!(queried(catalogue), "");
        assert!(queried(bucket).contains("`athena` queries the tables of a client `glue`"));
        assert!(told(catalogue, here, "here").contains("no client `s3` comes first in `storage`"));
        let apart = told(here, bucket, "here");
        assert!(
            apart.contains("tables would be those of `here` and files those of `s3`"),
            "{apart}"
        );
        let out_of_reach = told(there, there, "here");
        assert!(
            out_of_reach.contains("`here` do not reach the folder of `there`"),
            "{out_of_reach}"
        );
    }
}
