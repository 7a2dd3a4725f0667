//! What must be true of the project as a whole: one-way imports, logic in files with a
//! name, and shown commands that work.

#![expect(clippy::disallowed_methods, reason = "commands are found through `PATH`")]

mod imports;
mod layout;
#[path = "../shown/mod.rs"]
mod shown;
mod shown_commands;
