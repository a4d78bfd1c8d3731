//! Links OpenH264 with memory that is not touched before it is used
//! (`ffi/src/openh264/memory.rs`), and tells `tests/instructions.rs` what compiled it.

use std::process::Command;

fn main() {
    println!("cargo::rustc-link-arg=-Wl,--wrap=_ZN10WelsCommon12CMemoryAlign11WelsMalloczEjPKc");
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name| std::env::var(name).unwrap_or_default();
    let version = Command::new(variable("RUSTC")).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=EARTHSHINE_RUSTC={}", version.unwrap_or_default());
    println!("cargo::rustc-env=EARTHSHINE_OPT_LEVEL={}", variable("OPT_LEVEL"));
}
