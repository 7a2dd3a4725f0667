//! `mason doctor`: whether everything Mason needs is there.

use crate::cli::args::{DoctorArgs, Output};
use crate::cli::doctor::{Check, Verdict, checks};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Tone, visible};
use crate::cli::verb_context::VerbContext;

/// Prints every check with what to do.
///
/// # Errors
/// When standard output cannot be written to; a check that fails is no error but the exit code.
pub(crate) async fn doctor(context: &VerbContext, args: &DoctorArgs) -> anyhow::Result<Exit> {
    if args.service_account.is_some() && context.cluster.is_none() {
        let message = "--service-account asks for rights on a cluster, and none is named";
        return Err(Failure::usage(message, "add --context NAME or --cluster").into());
    }
    let checks = checks(context, args.service_account.as_deref()).await;
    match args.output {
        Output::Json => context.printer.json(&serde_json::to_value(&checks)?)?,
        Output::Yaml => context.printer.yaml(&[serde_json::to_value(&checks)?])?,
        Output::Table | Output::Wide | Output::Name => {
            let lines: Vec<String> =
                checks.iter().flat_map(|check| lines_of(context, check)).collect();
            context.printer.out(&lines.join("\n"))?;
        }
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Failed);
    Ok(if failed { Exit::Failed } else { Exit::Success })
}

fn lines_of(context: &VerbContext, check: &Check) -> Vec<String> {
    let (word, tone) = match check.verdict {
        Verdict::Ok => ("ok     ", Tone::Good),
        Verdict::Warning => ("warning", Tone::Warning),
        Verdict::Failed => ("failed ", Tone::Bad),
    };
    let word = context.printer.paint(word, tone);
    let mut lines = vec![format!("{word}  {}: {}", visible(&check.check), visible(&check.message))];
    let hint = check.hint.as_ref().filter(|hint| !hint.is_empty());
    lines.extend(hint.map(|hint| format!("         hint: {}", visible(hint))));
    lines
}
