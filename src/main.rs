//! The binary: hands arguments and environment to the command line.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use mason::cli;
use mason::config::Environment;

/// Memory that is freed goes back to the system at once, so that a worker's limit holds.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os(), &Environment::of_process())
}
