//! Links OpenH264 with memory that is not touched before it is used
//! (`src/openh264/memory.rs`), and compiles the shaders (`../shaders`) to SPIR-V.

use std::path::{Path, PathBuf};
use std::{env, fs};

use naga::back::spv;
use naga::front::wgsl;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};

fn main() {
    println!("cargo::rustc-link-arg=-Wl,--wrap=_ZN10WelsCommon12CMemoryAlign11WelsMalloczEjPKc");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SHADERS}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo names a directory"));
    for (name, samples, chroma) in [
        ("rgb_to_nv12", "samples_8", "chroma_420"),
        ("rgb_to_p010", "samples_10", "chroma_420"),
        ("rgb_to_yuv444", "samples_8", "chroma_444"),
        ("rgb_to_yuv444_10", "samples_10", "chroma_444"),
    ] {
        let words = compile(name, &["color", "scale", samples, chroma]);
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
        fs::write(out.join(name).with_extension("spv"), bytes).expect("the directory takes files");
    }
}

/// WGSL has no includes: the parts of a shader are put one after the other.
fn compile(name: &str, parts: &[&str]) -> Vec<u32> {
    let source: String = parts.iter().map(|part| read(part)).collect();
    let module = wgsl::parse_str(&source).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&source)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::IMMEDIATES);
    let info = validator.validate(&module).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&source)));
    let options = spv::Options {
        lang_version: (1, 3),
        flags: spv::WriterFlags::empty(),
        // Whatever a shader is told, it writes into its buffer and nowhere else.
        // Of the picture it reads positions that it has clamped by itself, and it
        // divides by sizes, of which none is zero.
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Unchecked,
            buffer: BoundsCheckPolicy::Restrict,
            image_load: BoundsCheckPolicy::Unchecked,
            binding_array: BoundsCheckPolicy::Unchecked,
        },
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..spv::Options::default()
    };
    spv::write_vec(&module, &info, &options, None).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read(part: &str) -> String {
    let path = Path::new(SHADERS).join(part).with_extension("wgsl");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const SHADERS: &str = "../shaders";
