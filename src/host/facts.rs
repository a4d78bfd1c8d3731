//! What the host tells about its machine, read once at start.
//!
//! Walking interfaces inside a request once stalled a host of this field;
//! here no handler asks the system anything.

use std::collections::HashMap;
use std::net::IpAddr;

use tracing::warn;

/// Name and hardware addresses of the machine.
#[derive(Debug, Clone, Default)]
pub struct HostFacts {
    /// Name that clients show.
    pub name: String,
    /// Hardware address of the interface with this address.
    macs: HashMap<IpAddr, MacAddress>,
    /// For addresses that came later: some interface's.
    any_mac: Option<MacAddress>,
}

/// A hardware address.
pub type MacAddress = [u8; 6];

impl HostFacts {
    /// Asks the system. `configured_name` wins over the machine's own name
    /// unless it is empty.
    ///
    /// Blocks shortly; for start-up only.
    #[must_use]
    pub fn read(configured_name: &str) -> Self {
        let name = if configured_name.is_empty() { machine_name() } else { configured_name.to_owned() };
        let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
            warn!(%error, "interfaces unknown, clients cannot wake this machine");
            Vec::new()
        });
        let macs: HashMap<IpAddr, MacAddress> = interfaces
            .iter()
            .filter(|interface| !interface.is_loopback())
            .filter_map(|interface| Some((interface.ip(), mac_of(&interface.name)?)))
            .collect();
        // In the order the system lists them, so that the choice is stable.
        let any_mac = interfaces.iter().find_map(|interface| macs.get(&interface.ip()).copied());
        Self { name, macs, any_mac }
    }

    /// Hardware address of the interface with address `local`, for
    /// Wake-on-LAN.
    #[must_use]
    pub fn mac(&self, local: IpAddr) -> Option<MacAddress> {
        if local.is_loopback() {
            return None;
        }
        self.macs.get(&local).copied().or(self.any_mac)
    }
}

fn machine_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "earthshine".into() } else { name }
}

fn mac_of(interface: &str) -> Option<MacAddress> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{interface}/address")).ok()?;
    parse_mac(text.trim()).filter(|mac| *mac != [0; 6])
}

fn parse_mac(text: &str) -> Option<MacAddress> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_name_wins() {
        assert_eq!(HostFacts::read("den").name, "den");
        assert!(!HostFacts::read("").name.is_empty());
    }

    #[test]
    fn loopback_has_no_hardware_address() {
        let facts = HostFacts::read("");
        assert_eq!(facts.mac([127, 0, 0, 1].into()), None);
    }

    #[test]
    fn hardware_addresses_are_parsed_strictly() {
        assert_eq!(parse_mac("de:ad:be:ef:00:01"), Some([0xde, 0xad, 0xbe, 0xef, 0, 1]));
        assert_eq!(parse_mac("de:ad:be:ef:00"), None);
        assert_eq!(parse_mac("de:ad:be:ef:00:01:02"), None);
        assert_eq!(parse_mac(""), None);
    }
}
