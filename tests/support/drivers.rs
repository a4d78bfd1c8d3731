//! Stand-ins for a vendor's driver (`tests/drivers`), under the vendor's names,
//! for a host that does not know the difference.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::api;
use super::deadline::{SOON, settle, wait_for};
use super::host::{ENCODER, Host};
use super::scratch::{Scratch, examples};

/// NVIDIA's driver, and one that libva loads, played; and Vulkan Video, if it is installed.
#[derive(Debug)]
pub(crate) struct Drivers {
    control: PathBuf,
    libraries: PathBuf,
    /// Of the driver that libva loads.
    nodes: Vec<PathBuf>,
    /// What Vulkan loads.
    layer: Option<&'static str>,
}

impl Drivers {
    /// Makes them ready for a host in `scratch`.
    pub(crate) fn install(scratch: &Scratch) -> Self {
        let (control, libraries) = (scratch.join("drivers"), scratch.join("libraries"));
        for directory in [&control, &libraries] {
            fs::create_dir_all(directory).expect("a directory");
        }
        for (built, name) in [
            ("libcuda.so", "libcuda.so.1"),
            ("libnvidia_encode.so", "libnvidia-encode.so.1"),
            ("libnvidia_ml.so", "libnvidia-ml.so.1"),
            ("libva_drm.so", "libva-drm.so.2"),
            ("libva_driver.so", "earthshine_drv_video.so"),
        ] {
            let built = examples().join(built);
            assert!(built.exists(), "no {}; cargo build -p earthshine-drivers --examples", built.display());
            symlink(built, libraries.join(name)).expect("a link");
        }
        // Any file that opens: whose driver is asked is settled above.
        Self { control, libraries, nodes: vec!["/dev/null".into()], layer: None }
    }

    /// The same with render nodes of these names, each another GPU.
    pub(crate) fn with_nodes(scratch: &Scratch, names: &[&str]) -> Self {
        let drivers = Self::install(scratch);
        let nodes = names.iter().map(|name| drivers.control.join(name)).collect::<Vec<_>>();
        nodes.iter().for_each(|node| fs::write(node, "").expect("a node"));
        Self { nodes, ..drivers }
    }

    /// Path of one of them.
    pub(crate) fn node(&self, name: &str) -> String {
        self.control.join(name).display().to_string()
    }

    /// The same, with a Vulkan that hands out memory as DMA-BUFs, on VA's render node.
    pub(crate) fn install_with_dma_bufs(scratch: &Scratch) -> Self {
        let extension = |name: &str| json!({ "name": name, "spec_version": "1", "entrypoints": [] });
        let extensions = [
            "VK_EXT_external_memory_dma_buf",
            "VK_EXT_physical_device_drm",
            "VK_EXT_image_drm_format_modifier",
            "VK_EXT_queue_family_foreign",
        ]
        .map(extension);
        let drivers = Self::install(scratch).with_layer("dma_buf", &json!(extensions));
        // Where in a file Mesa's memory on the CPU begins.
        drivers.order(IMPORTS);
        drivers
    }

    /// The same with an engine of Vulkan Video, over whatever device Vulkan has.
    pub(crate) fn install_vulkan(scratch: &Scratch) -> Self {
        Self::install(scratch).with_layer("video", &json!([]))
    }

    /// What the encoder needs that [`ENCODER`] names.
    pub(crate) fn of_test_encoder(scratch: &Scratch) -> Self {
        let is_vulkan = std::env::var(ENCODER).is_ok_and(|family| family == "vulkan");
        if is_vulkan { Self::install_vulkan(scratch) } else { Self::install(scratch) }
    }

    /// Has a layer before the real Vulkan, with more extensions of devices.
    fn with_layer(mut self, name: &'static str, extensions: &Value) -> Self {
        let library = examples().join(format!("libvulkan_{name}.so"));
        assert!(library.exists(), "no {}; cargo build -p earthshine-drivers --examples", library.display());
        let manifest = json!({ "file_format_version": "1.2.0", "layer": {
            "name": layer_name(name), "type": "GLOBAL", "library_path": library, "api_version": "1.3.239",
            "implementation_version": "1", "description": "a stand-in", "device_extensions": extensions,
        }});
        fs::write(self.libraries.join("layer.json"), manifest.to_string()).expect("a manifest");
        self.layer = Some(name);
        self
    }

    /// A host that finds them, tries these encoders and has asked them what they make.
    pub(crate) fn host(&self, scratch: Scratch, encoders: &str, tables: &str) -> Host {
        self.host_that_converts(scratch, encoders, "auto", tables)
    }

    /// The same, with `video.conversion`.
    pub(crate) fn host_that_converts(&self, scratch: Scratch, encoders: &str, conversion: &str, tables: &str) -> Host {
        self.host_with_video(scratch, &format!("encoders = [{encoders}]\nconversion = \"{conversion}\""), tables)
    }

    /// The same, with this for `[video]`.
    pub(crate) fn host_with_video(&self, scratch: Scratch, video: &str, tables: &str) -> Host {
        let config = format!(
            "[host]\ndiscovery = false\n\n[video]\n{video}\n\n[desktop]\nidle_limit = 60\n\n\
             [health]\ncanary_interval = 3600\n\n[admission]\ncpu_percent = 0\n\n{tables}"
        );
        let host = Host::with_environment(scratch, &config, "127.0.0.1", &self.environment());
        let is_known = || !api::get(host.api(), "/api/v1/encoders")["age_seconds"].is_null();
        wait_for("what the encoders make", SOON, || is_known().then_some(()));
        host
    }

    /// Variables of a program that finds them.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("LD_LIBRARY_PATH", self.libraries.display().to_string()),
            ("EARTHSHINE_DRIVERS", self.control.display().to_string()),
            ("LIBVA_DRIVERS_PATH", self.libraries.display().to_string()),
            ("LIBVA_DRIVER_NAME", "earthshine".to_owned()),
            ("EARTHSHINE_RENDER_NODES", self.nodes()),
        ];
        if let Some(layer) = self.layer {
            variables.push(("VK_ADD_LAYER_PATH", self.libraries.display().to_string()));
            variables.push(("VK_INSTANCE_LAYERS", layer_name(layer)));
        }
        variables
    }

    fn nodes(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(|node| node.display().to_string()).collect();
        nodes.join(":")
    }

    /// Has them fail, hang or run out, as lines of `tests/drivers/faults.rs` say.
    pub(crate) fn order(&self, faults: &str) {
        let new = self.control.join("faults.new");
        fs::write(&new, faults).expect("orders");
        fs::rename(new, self.control.join("faults")).expect("orders");
    }

    /// What was reported of one kind, without the process's number.
    pub(crate) fn reports(&self, kind: &str) -> Vec<String> {
        let ledger = fs::read_to_string(self.control.join("ledger")).unwrap_or_default();
        let lines = ledger.lines().filter_map(|line| line.split_once(' ')?.1.strip_prefix(kind));
        lines.map(|text| text.trim().to_owned()).collect()
    }

    /// Calls of drivers that were made, each once.
    pub(crate) fn calls(&self) -> BTreeSet<String> {
        let calls = fs::read_to_string(self.control.join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// # Panics
    /// If a rule of the interface was broken, something was left in it, or a session
    /// is not given back in time by a worker that ends in order.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.reports("violation"), [""; 0]);
        settle("open encode sessions", SOON, || {
            let (open, closed) = (self.reports("open ").len(), self.reports("close ").len());
            if open == closed { Ok(()) } else { Err(format!("{open} opened, {closed} closed")) }
        });
        assert_eq!(self.reports("leak"), [""; 0]);
    }
}

/// Orders that have VA's stand-in take in what Vulkan on the CPU hands out.
pub(crate) const IMPORTS: &str = "cap import_offset 4096\n";

fn layer_name(name: &str) -> String {
    format!("VK_LAYER_EARTHSHINE_{name}")
}
