//! Links OpenH264 with memory that is not touched before it is used
//! (`ffi/src/openh264/memory.rs`).

fn main() {
    println!("cargo::rustc-link-arg=-Wl,--wrap=_ZN10WelsCommon12CMemoryAlign11WelsMalloczEjPKc");
    println!("cargo::rerun-if-changed=build.rs");
}
