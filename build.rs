//! How the program is linked.

#[expect(clippy::disallowed_methods, reason = "so are build scripts told what they build for")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    // A program with a fixed address has no pointers in it that every start has to correct: that were 1,200 pages,
    // which each process wrote to and so held for itself, and most of what a worker's start cost.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
