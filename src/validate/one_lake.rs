//! Whether the clients that were picked for a run are of one lake: its tables and its files are those of one client,
//! and the jobs of another client reach them.

use super::problem::{Problem, Problems};
use crate::api::v1alpha1::{ClientKind, EngineChoices};

const PATH: &str = "spec.configRef";

/// Adds what keeps the picked clients from working on the same files.
pub(super) fn check_one_lake(config: &str, choices: &EngineChoices, problems: &mut Problems) {
    let EngineChoices { metastore, storage, execution } = choices;
    if let (Some(metastore), Some(storage)) = (metastore, storage)
        && metastore.client != storage.client
    {
        let message = format!(
            "config `{config}` would take tables from `{}` and files from `{}`, and a run works on those of one client",
            metastore.client, storage.client
        );
        let hint = "name the same client first in `engines.metastore` and `engines.storage`";
        problems.push(Problem::new(PATH, message).hint(hint));
        return;
    }
    let (Some(keeper), Some(execution)) = (storage.as_ref().or(metastore.as_ref()), execution)
    else {
        return;
    };
    if keeper.client != execution.client && keeper.kind == ClientKind::Local {
        let message = format!(
            "the jobs of `{}` do not reach the folder of `{}` in config `{config}`",
            execution.client, keeper.client
        );
        let hint = format!("name `{}` in `engines.execution` too", keeper.client);
        problems.push(Problem::new(PATH, message).hint(hint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::EngineChoice;

    fn told(metastore: (&str, ClientKind), storage: (&str, ClientKind), execution: &str) -> String {
        let choice =
            |(client, kind): (&str, _)| Some(EngineChoice { client: client.to_owned(), kind });
        let choices = EngineChoices {
            metastore: choice(metastore),
            storage: choice(storage),
            execution: choice((execution, ClientKind::Local)),
        };
        let mut problems = Problems::default();
        check_one_lake("lake", &choices, &mut problems);
        problems.to_string()
    }

    #[test]
    fn tables_and_files_are_those_of_one_client_whose_files_the_jobs_reach() {
        let (here, there, bucket) =
            (("here", ClientKind::Local), ("there", ClientKind::Local), ("s3", ClientKind::S3));
        assert_eq!(told(here, here, "here"), "");
        assert_eq!(told(bucket, bucket, "here"), "");
        let apart = told(here, bucket, "here");
        assert!(apart.contains("tables from `here` and files from `s3`"), "{apart}");
        let out_of_reach = told(there, there, "here");
        assert!(
            out_of_reach.contains("`here` do not reach the folder of `there`"),
            "{out_of_reach}"
        );
    }
}
