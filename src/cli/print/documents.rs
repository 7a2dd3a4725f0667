//! Resources as documents, for machines.

use super::printer::Printer;
use crate::api::resource::Resource;
use crate::cli::args::Output;
use crate::cli::words::kinds;

/// Prints a resource in a form for machines; returns whether one was asked for.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn document(
    printer: &Printer,
    output: Output,
    resource: &Resource,
) -> std::io::Result<bool> {
    match output {
        Output::Json => printer.json(&resource.to_document())?,
        Output::Yaml => printer.yaml(&[resource.to_document()])?,
        Output::Name => {
            let key = resource.key();
            printer.out(&kinds::qualified(key.kind, &key.name))?;
        }
        Output::Table | Output::Wide => return Ok(false),
    }
    Ok(true)
}
