//! A real Trino, the engine that Athena is made of, reads what Mason registers in the catalogue, and answers what
//! Mason hands to Athena. Its programs are large, so these tests run by `make test-trino` alone.

mod compare;
mod engine;
mod registered;
mod statements;
mod written;
