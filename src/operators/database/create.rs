//! `database/create`: a new, empty database.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::engines::capability::Capability;
use crate::engines::metastore::Change;
use crate::engines::table_use::{Access, NamedBy, TableUse};
use crate::engines::{EngineError, Engines, ErrorKind};
use crate::operators::answers::changed_schema;
use crate::operators::parameters::required;
use crate::operators::{Answer, Effect, Operator, Prepared, Request, Unprepared, WorkPlan};

const NAME: &str = "database/create";

/// Creates a database.
pub(in crate::operators) struct Create;

#[async_trait]
impl Operator for Create {
    fn name(&self) -> &'static str {
        "database.create"
    }

    fn needs(&self) -> &'static [Capability] {
        &[Capability::ReadTables, Capability::ChangeDatabases]
    }

    fn uses(&self) -> &'static [TableUse] {
        &[TableUse { access: Access::Write, named: NamedBy::Database("database_name") }]
    }

    fn result_schema(&self) -> Value {
        changed_schema(&json!({"database": {"type": "string"}}))
    }

    async fn prepare(&self, engines: &Engines, request: &Request) -> Result<Prepared, Unprepared> {
        let name = required(NAME, request, "database_name")?.to_owned();
        let if_not_exists = request.parameters.is_true("if_not_exists");
        match engines.metastore()?.get_database(&name).await {
            Ok(found) if if_not_exists => return Ok(Prepared::Answer(exists_already(&found.name))),
            Ok(found) => {
                let message = format!("there is a database `{}` already", found.name);
                let error = EngineError::new(ErrorKind::AlreadyExists, NAME, "create it", message);
                return Err(error.with_hint("give if_not_exists=true if that is fine").into());
            }
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let plan = WorkPlan {
            what: format!("create database {name}"),
            target: Some(name.clone()),
            ..WorkPlan::default()
        };
        let change = Change::CreateDatabase { name, if_not_exists };
        Ok(Prepared::Effect { effect: Effect::Metastore { change }, plan })
    }
}

fn exists_already(name: &str) -> Answer {
    let mut answer = Answer::object(json!({"database": name}));
    answer.info.push(format!("there is a database `{name}` already; nothing was changed"));
    answer
}
