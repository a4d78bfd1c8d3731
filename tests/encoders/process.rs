//! A process whose GPU is the stand-in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

/// Runs `work` in a process whose GPU is the stand-in, ordered as `faults` say. To the
/// test's own process, which `test` names, the answer is what the stand-in reported; in
/// the other one there is none.
pub(crate) fn with_driver(test: &str, faults: &str, work: impl FnOnce()) -> Option<Vec<String>> {
    with_environment(test, faults, &[], work)
}

pub(crate) fn with_environment(
    test: &str,
    faults: &str,
    environment: &[(&str, &str)],
    work: impl FnOnce(),
) -> Option<Vec<String>> {
    if std::env::var_os(CONTROL).is_some() {
        work();
        return None;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    fs::write(path.join("faults"), faults).expect("orders");
    let executable = std::env::current_exe().expect("a path of this test");
    let examples = executable.parent().and_then(Path::parent).expect("a target directory").join("examples");
    for (built, name) in [("libva_driver.so", "earthshine_drv_video.so"), ("libva_drm.so", "libva-drm.so.2")] {
        let built = examples.join(built);
        assert!(built.exists(), "no {}; cargo build -p earthshine-drivers --examples", built.display());
        symlink(built, path.join(name)).expect("a link");
    }
    for layer in [DMA_BUF_LAYER, VIDEO_LAYER] {
        fs::write(path.join(format!("{layer}.json")), manifest(layer, &examples)).expect("a manifest");
    }
    // Below whatever else is named: Khronos' validation of a newer Vulkan, say.
    let above = std::env::var("VK_INSTANCE_LAYERS").map(|above| format!("{above}:")).unwrap_or_default();
    let environment = environment.iter().map(|(name, value)| match *name {
        "VK_INSTANCE_LAYERS" => (*name, format!("{above}{value}")),
        _ => (*name, (*value).to_owned()),
    });
    let output = Command::new(executable)
        .args([test, "--exact", "--nocapture"])
        .env(CONTROL, path)
        .env("LD_LIBRARY_PATH", path)
        .env("LIBVA_DRIVERS_PATH", path)
        .env("LIBVA_DRIVER_NAME", "earthshine")
        .env("EARTHSHINE_RENDER_NODES", "/dev/null")
        .env("VK_ADD_LAYER_PATH", path)
        .envs(environment)
        .output()
        .expect("the test runs again");
    let said = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let ledger = fs::read_to_string(path.join("ledger")).unwrap_or_default();
    assert!(output.status.success() && said.0.contains("1 passed"), "{}\n{}\n{ledger}", said.0, said.1);
    Some(ledger.lines().map(|line| line.split_once(' ').expect("a process comes first").1.to_owned()).collect())
}

/// What the loader of Vulkan finds a layer by.
fn manifest(layer: &str, examples: &Path) -> String {
    let library = examples.join(format!("lib{}.so", layer.replace("VK_LAYER_EARTHSHINE", "vulkan")));
    assert!(library.exists(), "no {}; cargo build -p earthshine-drivers --examples", library.display());
    let extension = |name: &str| json!({ "name": name, "spec_version": "1", "entrypoints": [] });
    let extensions = match layer {
        DMA_BUF_LAYER => vec![
            "VK_EXT_external_memory_dma_buf",
            "VK_EXT_physical_device_drm",
            "VK_EXT_image_drm_format_modifier",
            "VK_EXT_queue_family_foreign",
        ],
        _ => Vec::new(),
    };
    json!({ "file_format_version": "1.2.0", "layer": {
        "name": layer, "type": "GLOBAL", "library_path": library, "api_version": "1.3.239",
        "implementation_version": "1", "description": "a stand-in",
        "device_extensions": extensions.into_iter().map(extension).collect::<Vec<_>>(),
    }})
    .to_string()
}

/// Where the stand-in reads orders, in the process that has it.
pub(crate) fn control() -> PathBuf {
    std::env::var_os(CONTROL).expect("the stand-in's directory").into()
}

/// Has the stand-in fail from now on, as lines of `tests/drivers/faults.rs` say.
pub(crate) fn order(faults: &str) {
    fs::write(control().join("faults"), faults).expect("orders");
}

/// What went wrong, in this process up to now.
pub(crate) fn complaints_here() -> Vec<String> {
    let ledger = fs::read_to_string(control().join("ledger")).unwrap_or_default();
    let lines = ledger.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned()));
    lines.filter(|line| is_complaint(line)).collect()
}

pub(crate) fn is_complaint(line: &str) -> bool {
    line.starts_with("violation ") || line.starts_with("leak ")
}

pub(crate) fn assert_clean(ledger: &[String]) {
    let complaints: Vec<_> = ledger.iter().filter(|line| is_complaint(line)).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let count = |start: &str| ledger.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("open "), count("close "));
}

/// In `VK_INSTANCE_LAYERS` it makes Vulkan's memory DMA-BUFs.
pub(crate) const DMA_BUF_LAYER: &str = "VK_LAYER_EARTHSHINE_dma_buf";
/// There it makes the CPU an engine that encodes.
pub(crate) const VIDEO_LAYER: &str = "VK_LAYER_EARTHSHINE_video";

const CONTROL: &str = "EARTHSHINE_DRIVERS";
