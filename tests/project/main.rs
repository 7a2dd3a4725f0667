//! What must be true of the project as a whole: one-way imports, and shown commands that work.

#![expect(clippy::disallowed_methods, reason = "commands are found through `PATH`")]

mod imports;
#[path = "../shown/mod.rs"]
mod shown;
mod shown_commands;
