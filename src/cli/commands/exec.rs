//! `mason exec`: what runs in the pods of container operators, before their commands.

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::args::ExecArgs;
use crate::pods::exec::{self, Exec};

/// Does what the arguments ask for before anything else of the process exists: it is as small as it can
/// be, because it runs beside work that is not Mason's.
pub(crate) fn exec(args: &ExecArgs) -> ExitCode {
    let done = match &args.install {
        Some(to) => exec::install(to).map(|()| ExitCode::SUCCESS),
        None => exec::run(&Exec {
            token: args.token.clone(),
            run: args.run.clone(),
            parameters: args.parameters.clone(),
            result: args.result.clone(),
            termination_message: args.termination_message.clone(),
            storage: args.storage.clone(),
            upload: args.upload.clone(),
            credentials: args.credentials.clone(),
            command: args.command.clone(),
        }),
    };
    done.unwrap_or_else(|error| {
        drop(writeln!(std::io::stderr(), "error: {error}"));
        ExitCode::FAILURE
    })
}
