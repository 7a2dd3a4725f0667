//! How things are named in text: kinds and resources, runs without a name, lists of names, words of a shell.

mod first_of;
pub(crate) mod kinds;
pub(crate) mod run_names;
mod shell;

pub(crate) use first_of::first_of;
pub(crate) use shell::shell_word;
