//! Documents that lie are worse than none: links lead somewhere, flags are
//! described, and every dependency is accounted for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn links_between_documents_lead_somewhere() {
    for document in documents() {
        let text = read(&document);
        let directory = document.parent().unwrap_or(Path::new("."));
        for link in links(&text) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(directory.join(target).exists(), "{}: {link} leads nowhere", document.display());
        }
    }
}

#[test]
fn every_flag_of_serve_is_described() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_earthshine")).args(["serve", "--help"]).output().expect("run earthshine");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let flags: BTreeSet<&str> = help
        .split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .filter(|word| word.starts_with("--") && word.len() > 2 && *word != "--help")
        .collect();
    for flag in ["--config", "--state-dir", "--runtime-dir", "--bind", "--port", "--api-socket", "--metrics"] {
        assert!(flags.contains(flag), "serve has lost {flag}, which operators' scripts rely on:\n{help}");
    }
    let all: String = documents().iter().map(|document| read(document)).collect();
    for flag in flags {
        assert!(all.contains(flag), "no document describes {flag}");
    }
}

#[test]
fn every_dependency_is_accounted_for() {
    let list = read(Path::new("third_party/README.md"));
    for manifest in ["Cargo.toml", "ffi/Cargo.toml"] {
        let table: toml::Table = read(Path::new(manifest)).parse().expect("a manifest");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let names = table.get(section).and_then(toml::Value::as_table).into_iter().flat_map(|names| names.keys());
            for name in names.filter(|name| *name != "earthshine-ffi") {
                assert!(list.contains(&format!("`{name}`")), "third_party/README.md does not name {name} ({manifest})");
            }
        }
    }
    let requirements = read(Path::new("tests/client/requirements.txt"));
    for line in requirements.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split("==").next().unwrap_or_default();
        assert!(list.contains(&format!("`{name}`")), "third_party/README.md does not name {name} (the client driver)");
    }
}

#[test]
fn nothing_is_accounted_for_that_is_not_depended_on_or_not_used() {
    let manifests: String =
        ["Cargo.toml", "ffi/Cargo.toml", "tests/fuzz/Cargo.toml"].map(|path| read(Path::new(path))).concat();
    let sources: String = ["src", "ffi", "tests", "benches"].map(|directory| sources(Path::new(directory))).concat();
    let list = read(Path::new("third_party/README.md"));
    let crates = list.split("## Python packages").next().expect("crates come first");
    let names: Vec<&str> =
        crates.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(name, _)| name)).collect();
    assert!(names.len() > 40, "the list was not understood: {names:?}");
    for name in names {
        assert!(manifests.contains(&format!("\n{name} = ")), "no manifest names {name}, which is listed");
        let path = name.replace('-', "_");
        let uses = [format!("{path}::"), format!("use {path};"), format!("{path}!")];
        assert!(uses.iter().any(|used| sources.contains(used.as_str())), "no source uses {name}");
    }
}

#[test]
fn files_that_documents_name_are_there() {
    for document in documents() {
        let text = read(&document);
        for name in text.split('`').skip(1).step_by(2) {
            let is_path = name.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            let ours = ["src/", "ffi/", "tests/", "benches/", "docs/", "packaging/", "third_party/"];
            if is_path && ours.iter().any(|directory| name.starts_with(directory)) {
                let there = Path::new(name).exists() || Path::new(name).with_extension("rs").exists();
                assert!(there, "{}: there is no {name}", document.display());
            }
        }
    }
}

#[test]
fn every_system_package_is_accounted_for() {
    let list = read(Path::new("third_party/README.md"));
    let script = read(Path::new("packaging/install-packages.sh"));
    let packages: Vec<&str> =
        script.lines().filter_map(|line| line.strip_prefix("want ")?.split_whitespace().next()).collect();
    assert!(packages.len() > 10, "the script's list was not understood: {packages:?}");
    for package in packages {
        assert!(list.contains(&format!("`{package}`")), "third_party/README.md does not name the package {package}");
    }
}

fn documents() -> Vec<PathBuf> {
    let mut found =
        vec![PathBuf::from("README.md"), PathBuf::from("CONTRIBUTING.md"), PathBuf::from("third_party/README.md")];
    for entry in fs::read_dir("docs").into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "md") {
            found.push(entry.path());
        }
    }
    found
}

/// All Rust below a directory.
fn sources(directory: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(directory).expect("a directory of sources").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            all.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&read(&path));
        }
    }
    all
}

/// Targets of `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target)).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
