//! Which GPU: as operators name one, and where it is.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where a GPU is. Two parts of this program may know different halves of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GpuAddress {
    /// Place on the PCI bus as the kernel writes it, like `0000:41:00.0`.
    pub bus_id: Option<String>,
    /// Its render node.
    pub render_node: Option<PathBuf>,
}

impl GpuAddress {
    /// A GPU that is known by its place on the bus alone.
    #[must_use]
    pub fn at(bus_id: impl Into<String>) -> Self {
        Self { bus_id: Some(bus_id.into()), render_node: None }
    }

    /// A GPU that is known by its render node alone.
    #[must_use]
    pub fn of_node(node: impl Into<PathBuf>) -> Self {
        Self { bus_id: None, render_node: Some(node.into()) }
    }

    /// Whether both are of one GPU, as far as both halves are known.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let same = |one: Option<&str>, other: Option<&str>| Some(one? == other?);
        let node = |address: &Self| address.render_node.as_ref().and_then(|node| node.to_str().map(str::to_owned));
        same(self.bus_id.as_deref(), other.bus_id.as_deref())
            .or_else(|| same(node(self).as_deref(), node(other).as_deref()))
            .unwrap_or(false)
    }
}

impl fmt::Display for GpuAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.bus_id, &self.render_node) {
            (Some(bus_id), _) => out.write_str(bus_id),
            (None, Some(node)) => node.display().fmt(out),
            (None, None) => out.write_str("a GPU"),
        }
    }
}

/// A GPU as operators and callers of the API name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GpuName {
    /// Whichever has most room.
    #[default]
    Auto,
    /// By its place on the PCI bus, as the kernel writes it.
    BusId(String),
    /// By the absolute path of its render node, or of a link to that.
    RenderNode(PathBuf),
}

/// A text that names no GPU.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no GPU: expected \"auto\", a render node as in \"/dev/dri/renderD129\" or a place on the PCI bus as \
     in \"0000:41:00.0\""
)]
pub struct GpuNameError(String);

impl GpuName {
    /// The half of an address that it is.
    #[must_use]
    pub fn address(&self) -> Option<GpuAddress> {
        match self {
            Self::Auto => None,
            Self::BusId(bus_id) => Some(GpuAddress::at(bus_id.clone())),
            Self::RenderNode(node) => Some(GpuAddress::of_node(node.clone())),
        }
    }

    /// Whether one GPU is named.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        !matches!(self, Self::Auto)
    }
}

impl std::str::FromStr for GpuName {
    type Err = GpuNameError;

    fn from_str(text: &str) -> Result<Self, GpuNameError> {
        if text.is_empty() || text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        if text.starts_with('/') && text.len() <= LONGEST_PATH && !text.contains(char::is_control) {
            return Ok(Self::RenderNode(Path::new(text).to_owned()));
        }
        let unknown = || GpuNameError(text.chars().take(64).collect());
        bus_id(text).map(Self::BusId).ok_or_else(unknown)
    }
}

impl TryFrom<String> for GpuName {
    type Error = GpuNameError;

    fn try_from(text: String) -> Result<Self, GpuNameError> {
        text.parse()
    }
}

impl From<GpuName> for String {
    fn from(name: GpuName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for GpuName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::BusId(bus_id) => out.write_str(bus_id),
            Self::RenderNode(node) => node.display().fmt(out),
        }
    }
}

/// A place on the PCI bus as the kernel writes it: four digits of the domain or more,
/// two of bus and device, one of the function, in small letters. NVIDIA's libraries
/// write eight digits or capitals, `lspci` leaves the domain 0 out. `None` if it is no
/// such place.
#[must_use]
pub fn bus_id(text: &str) -> Option<String> {
    let hex = |text: &str, most: usize| {
        let digits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
    };
    let (place, function) = text.rsplit_once('.')?;
    let mut parts = place.rsplitn(3, ':');
    let (device, bus) = (hex(parts.next()?, 2)?, hex(parts.next()?, 2)?);
    let domain = parts.next().map_or(Some(0), |domain| hex(domain, 8))?;
    let function = hex(function, 1).filter(|function| *function < 8)?;
    Some(format!("{domain:04x}:{bus:02x}:{device:02x}.{function}"))
}

const LONGEST_PATH: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gpu_is_named_by_node_by_bus_or_not_at_all() {
        let name = |text: &str| text.parse::<GpuName>();
        for auto in ["", "auto", "Auto"] {
            assert_eq!(name(auto), Ok(GpuName::Auto));
        }
        assert_eq!(name("/dev/dri/renderD129"), Ok(GpuName::RenderNode("/dev/dri/renderD129".into())));
        let bus = GpuName::BusId("0000:41:00.0".to_owned());
        for text in ["0000:41:00.0", "41:00.0", "00000000:41:00.0"] {
            assert_eq!(name(text), Ok(bus.clone()), "{text}");
        }
        for bad in
            ["gpu0", "1", "renderD128", "0000:41:00", "0000:41:00.9", "0:0:0:0.0", "g1:00.0", "software", "/a\0b"]
        {
            let error = name(bad).unwrap_err().to_string();
            assert!(error.contains("names no GPU") && error.contains("renderD129"), "{error}");
        }
        assert_eq!(serde_json::to_string(&bus).unwrap(), "\"0000:41:00.0\"");
        assert_eq!(serde_json::from_str::<GpuName>("\"0A:00.0\"").unwrap().to_string(), "0000:0a:00.0");
    }

    #[test]
    fn places_are_written_as_the_kernel_does() {
        assert_eq!(bus_id("00000000:0A:00.0").as_deref(), Some("0000:0a:00.0"));
        assert_eq!(bus_id("00010000:0A:1f.7").as_deref(), Some("10000:0a:1f.7"));
        assert_eq!(bus_id("fd000000.gpu"), None, "a GPU that is on no PCI bus");
        assert_eq!(bus_id(""), None);
    }

    #[test]
    fn halves_of_one_address_are_one_gpu() {
        let whole = GpuAddress { bus_id: Some("0000:41:00.0".to_owned()), render_node: Some("/dev/dri/a".into()) };
        assert!(whole.is(&GpuAddress::at("0000:41:00.0")) && whole.is(&GpuAddress::of_node("/dev/dri/a")));
        assert!(!whole.is(&GpuAddress::at("0000:42:00.0")) && !whole.is(&GpuAddress::default()));
        // A node that changed its owner: the place counts.
        assert!(!whole.is(&GpuAddress { bus_id: Some("0000:42:00.0".to_owned()), ..whole.clone() }));
        assert!(!GpuAddress::at("0000:41:00.0").is(&GpuAddress::of_node("/dev/dri/a")));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "\\PC{0,30}", domain in 0_u32.., bus: u8, device in 0_u8..32, f in 0_u8..8) {
            let written = format!("{domain:X}:{bus:x}:{device:02X}.{f}");
            let name: GpuName = written.parse().unwrap();
            prop_assert_eq!(name.to_string().parse::<GpuName>().unwrap(), name);
            // Whatever it is, it is read or refused.
            if let Ok(name) = text.parse::<GpuName>() {
                prop_assert_eq!(name.to_string().parse::<GpuName>().unwrap(), name);
            }
        }
    }
}
