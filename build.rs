//! How the released program is linked.

#[expect(clippy::disallowed_methods, reason = "so are build scripts told what they build for")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    // Six megabytes of relocations become some kilobytes, which every start reads. Needs glibc 2.36,
    // which whoever links has when the linker knows the option.
    if is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
