//! The GPUs of this machine, put together from all who know a part: the kernel knows
//! nodes and places on the bus, drivers tell of load (`earthshine gpus`) and of what is
//! encoded (`earthshine encoders`).

use std::fs;

use crate::gpu::{GpuAddress, GpuName};
use crate::ipc::abilities::FamilyReport;
use crate::ipc::gpu_report::{Gpu, GpuVendor};
use crate::render_nodes::RenderNode;
use crate::stream_plan::EncoderFamily;

/// A GPU, with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownGpu {
    pub(crate) address: GpuAddress,
    pub(crate) vendor: Option<GpuVendor>,
    /// What it says of itself, if that is new.
    pub(crate) figures: Option<Gpu>,
    /// What it encodes, as far as its drivers have said.
    pub(crate) reports: Vec<FamilyReport>,
}

/// A name that no GPU here has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no GPU {name} on this host; {there_are}")]
pub struct NoSuchGpu {
    /// As it was asked for.
    pub name: String,
    /// Those that there are, in words.
    pub there_are: String,
}

impl KnownGpu {
    fn new(address: GpuAddress, vendor: Option<GpuVendor>) -> Self {
        Self { address, vendor, figures: None, reports: Vec::new() }
    }

    /// The first family of a list that may encode on it: by its maker, by the node that
    /// the family opens, and by what its drivers have said.
    pub(crate) fn first_family(&self, families: &[EncoderFamily]) -> Option<usize> {
        let may = |family: &EncoderFamily| {
            works_on(*family, self.vendor) && self.is_reached_by(*family) && !self.has_said_no(*family)
        };
        families.iter().position(may)
    }

    const fn is_reached_by(&self, family: EncoderFamily) -> bool {
        match family {
            EncoderFamily::Vaapi | EncoderFamily::Vulkan => self.address.render_node.is_some(),
            EncoderFamily::Nvenc | EncoderFamily::Software => true,
        }
    }

    /// It makes nothing; an error is one until the drivers are asked again.
    fn has_said_no(&self, family: EncoderFamily) -> bool {
        let report = self.reports.iter().find(|report| report.family == family);
        report.is_some_and(|report| report.abilities.able.is_empty())
    }

    /// As people tell it from others.
    pub(crate) fn describe(&self) -> String {
        let GpuAddress { bus_id, render_node } = &self.address;
        let node = render_node.as_ref().filter(|_| bus_id.is_some()).map(|node| node.display().to_string());
        let name = self.figures.as_ref().map(|figures| figures.name.clone()).filter(|name| !name.is_empty());
        let more: Vec<_> = node.into_iter().chain(name).collect();
        if more.is_empty() { self.address.to_string() } else { format!("{} ({})", self.address, more.join(", ")) }
    }
}

/// All GPUs, in the order of the bus; then those that are on none.
pub(crate) fn known(nodes: &[RenderNode], figures: &[Gpu], reports: &[FamilyReport]) -> Vec<KnownGpu> {
    let mut gpus: Vec<KnownGpu> = Vec::new();
    for node in nodes {
        entry(&mut gpus, &node.address).vendor = node.vendor.and_then(vendor);
    }
    for gpu in figures.iter().filter(|gpu| crate::gpu::bus_id(&gpu.bus_id).is_some()) {
        let known = entry(&mut gpus, &GpuAddress::at(gpu.bus_id.clone()));
        (known.vendor, known.figures) = (Some(gpu.vendor), Some(gpu.clone()));
    }
    for report in reports {
        let Some(address) = &report.abilities.gpu else { continue };
        let known = entry(&mut gpus, address);
        if report.family == EncoderFamily::Nvenc {
            known.vendor = Some(GpuVendor::Nvidia);
        }
        known.reports.push(report.clone());
    }
    gpus.sort_by(|one, other| {
        let key = |gpu: &KnownGpu| (gpu.address.bus_id.is_none(), gpu.address.clone());
        key(one).cmp(&key(other))
    });
    gpus
}

/// The GPU that a name means.
///
/// # Errors
/// [`NoSuchGpu`], with those that there are.
pub(crate) fn find<'a>(gpus: &'a [KnownGpu], name: &GpuName) -> Result<&'a KnownGpu, NoSuchGpu> {
    let is_named = |gpu: &&KnownGpu| match (name, &gpu.address.render_node) {
        (GpuName::Auto, _) => true,
        (GpuName::BusId(bus_id), _) => gpu.address.bus_id.as_ref() == Some(bus_id),
        (GpuName::RenderNode(wanted), Some(node)) => {
            // Names by place are links to those by number.
            let real = |path| fs::canonicalize(path).ok();
            wanted == node || real(wanted).is_some_and(|wanted| real(node) == Some(wanted))
        }
        (GpuName::RenderNode(_), None) => false,
    };
    gpus.iter().find(is_named).ok_or_else(|| {
        let all: Vec<_> = gpus.iter().map(KnownGpu::describe).collect();
        let there_are = match all.as_slice() {
            [] => "none is known here (earthshine doctor says why)".to_owned(),
            [one] => format!("there is {one}"),
            _ => format!("there are {}", all.join(", ")),
        };
        NoSuchGpu { name: name.to_string(), there_are }
    })
}

/// Whether a family works on GPUs of a maker; on those of an unknown one, all that work
/// on more than one maker's.
pub(super) const fn works_on(family: EncoderFamily, vendor: Option<GpuVendor>) -> bool {
    match family {
        EncoderFamily::Nvenc => matches!(vendor, Some(GpuVendor::Nvidia)),
        EncoderFamily::Vaapi => !matches!(vendor, Some(GpuVendor::Nvidia)),
        EncoderFamily::Vulkan => true,
        EncoderFamily::Software => false,
    }
}

/// The one with this address, which learns what the address knows of it.
fn entry<'a>(gpus: &'a mut Vec<KnownGpu>, address: &GpuAddress) -> &'a mut KnownGpu {
    let place = gpus.iter().position(|gpu| gpu.address.is(address)).unwrap_or_else(|| {
        gpus.push(KnownGpu::new(GpuAddress::default(), None));
        gpus.len() - 1
    });
    let known = &mut gpus[place].address;
    known.bus_id = known.bus_id.take().or_else(|| address.bus_id.clone());
    known.render_node = known.render_node.take().or_else(|| address.render_node.clone());
    &mut gpus[place]
}

const fn vendor(number: u32) -> Option<GpuVendor> {
    match number {
        0x10de => Some(GpuVendor::Nvidia),
        0x1002 => Some(GpuVendor::Amd),
        0x8086 => Some(GpuVendor::Intel),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::abilities::Abilities;

    fn node(path: &str, place: Option<&str>, vendor: Option<u32>) -> RenderNode {
        let address = GpuAddress { bus_id: place.map(str::to_owned), render_node: Some(path.into()) };
        RenderNode { address, vendor }
    }

    fn report(family: EncoderFamily, gpu: GpuAddress) -> FamilyReport {
        FamilyReport { family, abilities: Abilities { gpu: Some(gpu), ..Abilities::default() }, error: String::new() }
    }

    #[test]
    fn parts_of_one_gpu_come_together() {
        let nodes = [
            node("/dev/dri/renderD129", Some("0000:41:00.0"), Some(0x10de)),
            node("/dev/dri/renderD128", Some("0000:03:00.0"), Some(0x1002)),
            node("/dev/dri/renderD130", None, None),
        ];
        let figures = [
            Gpu { name: "Big".to_owned(), ..Gpu::unknown(GpuVendor::Nvidia, "0000:41:00.0".to_owned()) },
            Gpu::unknown(GpuVendor::Nvidia, "nvidia 3".to_owned()),
        ];
        let reports = [
            report(EncoderFamily::Nvenc, GpuAddress::at("0000:41:00.0")),
            report(EncoderFamily::Nvenc, GpuAddress::at("0000:42:00.0")),
            report(EncoderFamily::Vaapi, GpuAddress::of_node("/dev/dri/renderD128")),
        ];
        let gpus = known(&nodes, &figures, &reports);
        let told: Vec<_> = gpus.iter().map(|gpu| (gpu.describe(), gpu.vendor, gpu.reports.len())).collect();
        let expected = [
            ("0000:03:00.0 (/dev/dri/renderD128)".to_owned(), Some(GpuVendor::Amd), 1),
            ("0000:41:00.0 (/dev/dri/renderD129, Big)".to_owned(), Some(GpuVendor::Nvidia), 1),
            ("0000:42:00.0".to_owned(), Some(GpuVendor::Nvidia), 1),
            ("/dev/dri/renderD130".to_owned(), None, 0),
        ];
        assert_eq!(told, expected);
        let named = |name: &str| find(&gpus, &name.parse().unwrap()).map(|gpu| gpu.address.to_string());
        assert_eq!(named("41:00.0").as_deref(), Ok("0000:41:00.0"));
        assert_eq!(named("/dev/dri/renderD128").as_deref(), Ok("0000:03:00.0"));
        let missing = named("/dev/dri/renderD131").unwrap_err().to_string();
        assert!(
            missing.starts_with("there is no GPU /dev/dri/renderD131 on this host; there are 0000:03"),
            "{missing}"
        );
        assert!(find(&[], &GpuName::Auto).unwrap_err().to_string().contains("none is known"));
    }

    #[test]
    fn a_link_to_a_node_names_its_gpu() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("renderD128"), directory.path().join("pci-0000:41:00.0-render"));
        fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let gpus = known(&[node(real.to_str().unwrap(), None, None)], &[], &[]);
        assert!(find(&gpus, &GpuName::RenderNode(link)).is_ok());
    }

    #[test]
    fn a_gpu_encodes_with_what_its_maker_has_unless_its_driver_says_no() {
        use EncoderFamily::{Nvenc, Software, Vaapi, Vulkan};
        let all = [Nvenc, Vaapi, Vulkan, Software];
        let address = GpuAddress { render_node: Some("/dev/dri/renderD128".into()), ..GpuAddress::at("b") };
        let gpu = |vendor| KnownGpu::new(address.clone(), vendor);
        assert_eq!(gpu(Some(GpuVendor::Nvidia)).first_family(&all), Some(0));
        assert_eq!(gpu(Some(GpuVendor::Amd)).first_family(&all), Some(1));
        assert_eq!(gpu(None).first_family(&all), Some(1));
        assert_eq!(gpu(Some(GpuVendor::Nvidia)).first_family(&[Vaapi, Software]), None);
        let mut refuses = gpu(Some(GpuVendor::Nvidia));
        refuses.reports.push(report(Nvenc, address.clone()));
        assert_eq!(refuses.first_family(&all), Some(2));
        refuses.reports[0].error = "no device".to_owned();
        assert_eq!(refuses.first_family(&all), Some(2));
        refuses.address.render_node = None;
        assert_eq!(refuses.first_family(&all), None, "nothing that Vulkan could open");
    }
}
