//! Telling the local network that a host is here: mDNS `_nvstream._tcp`.
//!
//! Clients read the addresses and the port of the service and ask `serverinfo`
//! for the rest; no TXT key is read (protocol notes: mDNS). Discovery is a
//! convenience: a network that refuses multicast costs a warning, nothing else.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use mdns_sd::{ServiceDaemon, ServiceInfo};
use tokio::time::timeout;
use tracing::{info, warn};

/// An announced service.
pub struct Discovery {
    daemon: ServiceDaemon,
    full_name: String,
}

impl Discovery {
    /// Announces the HTTP port. Call it only when that port listens; a client
    /// asks at once. `None`, with a warning, if it cannot be done.
    ///
    /// `bind` is the address that the host listens on; an unspecified one
    /// means all addresses of the machine, also later ones.
    #[must_use]
    pub fn announce(host_name: &str, bind: IpAddr, http_port: u16) -> Option<Self> {
        match Self::try_announce(host_name, bind, http_port) {
            Ok(discovery) => {
                info!(service = discovery.full_name, "announced");
                Some(discovery)
            }
            Err(error) => {
                warn!(%error, "not announced on the local network, clients must enter the address");
                None
            }
        }
    }

    /// Says goodbye, so that clients forget the service at once.
    pub async fn withdraw(self) {
        // Both answers are courtesies; the process ends with or without them.
        if let Ok(unregistered) = self.daemon.unregister(&self.full_name) {
            let _ = timeout(GOODBYE_DEADLINE, unregistered.recv_async()).await;
        }
        if let Ok(stopped) = self.daemon.shutdown() {
            let _ = timeout(GOODBYE_DEADLINE, stopped.recv_async()).await;
        }
    }

    fn try_announce(host_name: &str, bind: IpAddr, http_port: u16) -> Result<Self, mdns_sd::Error> {
        let label = label(host_name);
        let dns_name = format!("{label}.local.");
        let no_properties: &[(&str, &str)] = &[];
        let service = if bind.is_unspecified() {
            ServiceInfo::new(SERVICE, &label, &dns_name, (), http_port, no_properties)?.enable_addr_auto()
        } else {
            ServiceInfo::new(SERVICE, &label, &dns_name, bind, http_port, no_properties)?
        };
        let full_name = service.get_fullname().to_owned();
        let daemon = ServiceDaemon::new()?;
        daemon.register(service)?;
        Ok(Self { daemon, full_name })
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").field("full_name", &self.full_name).finish_non_exhaustive()
    }
}

/// A DNS label from a host name: at most 63 letters, digits and hyphens.
fn label(host_name: &str) -> String {
    let first = host_name.split('.').next().unwrap_or_default();
    let label: String =
        first.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(MAX_LABEL).collect();
    let label = label.trim_matches('-');
    if label.is_empty() { "earthshine".into() } else { label.into() }
}

const SERVICE: &str = "_nvstream._tcp.local.";

/// RFC 1035 section 2.3.4.
const MAX_LABEL: usize = 63;

const GOODBYE_DEADLINE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_legal_whatever_the_host_is_called() {
        assert_eq!(label("gpu-7.example.org"), "gpu-7");
        assert_eq!(label("Ann's Rechner"), "Ann-s-Rechner");
        assert_eq!(label("..."), "earthshine");
        assert_eq!(label("\u{1f600}"), "earthshine");
        assert_eq!(label(&"x".repeat(200)).len(), 63);
    }

    #[tokio::test]
    async fn announced_service_is_found_under_its_port() {
        let Some(discovery) = Discovery::announce("earthshine-test", [0, 0, 0, 0].into(), 50_989) else {
            eprintln!("SKIPPED: needs a network interface that allows multicast");
            return;
        };
        let browser = ServiceDaemon::new().unwrap();
        let events = browser.browse(SERVICE).unwrap();
        let found = timeout(Duration::from_secs(10), async {
            loop {
                if let Ok(mdns_sd::ServiceEvent::ServiceResolved(service)) = events.recv_async().await
                    && service.get_fullname().starts_with("earthshine-test")
                {
                    return service.get_port();
                }
            }
        })
        .await;
        browser.shutdown().unwrap();
        discovery.withdraw().await;
        match found {
            Ok(port) => assert_eq!(port, 50_989),
            Err(_) => eprintln!("SKIPPED: needs an interface other than loopback that carries multicast"),
        }
    }
}
