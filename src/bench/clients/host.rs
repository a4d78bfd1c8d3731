//! The host that clients are played against, as it introduces itself.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, bail};
use tracing::info;

use crate::bench::clients::https::{self, HostAddress, Requests, SHORT_PATIENCE};
use crate::bench::clients::identity::Identity;
use crate::bench::clients::pairing::{self, PinTyper};
use crate::bench::clients::report::HostReport;
use crate::bench::clients::tls;
use crate::protocol::gamestream::xml_reader::Answer;

/// A host that has answered.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) address: HostAddress,
    name: String,
    unique_id: String,
}

impl Host {
    /// Asks for serverinfo over HTTP.
    pub(super) async fn meet(name: &str, port: u16) -> anyhow::Result<Self> {
        let ip = resolve(name, port).await?;
        let text = https::plain(ip, port, "/serverinfo", SHORT_PATIENCE).await.with_context(|| {
            format!("no host answers at {name} port {port}: is `earthshine serve` running there, with --port {port}?")
        })?;
        let info = Answer::read(&text).with_context(|| format!("what answers at {name} port {port} is no host"))?;
        let https = info.number("HttpsPort").ok().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
        let address = HostAddress { ip, http: port, https: https.unwrap_or(DEFAULT_HTTPS_PORT) };
        let name = info.element("hostname").unwrap_or_default();
        Ok(Self { address, name, unique_id: info.required("uniqueid")? })
    }

    /// How this client asks; without pairing, it takes whoever answers.
    pub(super) fn requests(&self, identity: &Identity) -> anyhow::Result<Requests> {
        let pinned = identity.host(&self.unique_id);
        let tls = tls::connector(identity, pinned.as_ref())?;
        Ok(Requests { address: self.address, client: identity.unique_id().to_owned(), tls })
    }

    /// Pairs if the host does not know the client.
    pub(super) async fn make_friends(
        &self,
        identity: &mut Identity,
        number: usize,
        typer: &PinTyper,
    ) -> anyhow::Result<()> {
        if identity.host(&self.unique_id).is_some() {
            let known = self.requests(identity)?.https("/serverinfo", SHORT_PATIENCE).await;
            let known = known.ok().and_then(|info| Answer::read(&info.text).ok()?.element("PairStatus"));
            if known.as_deref() == Some("1") {
                return Ok(());
            }
            info!(client = number, "the host has forgotten this client; it pairs anew");
        }
        pairing::pair(identity, number, self.address, &self.unique_id, typer).await?;
        info!(client = number, "paired");
        Ok(())
    }

    pub(super) fn report(&self) -> HostReport {
        HostReport {
            address: SocketAddr::new(self.address.ip, self.address.http).to_string(),
            name: self.name.clone(),
            unique_id: self.unique_id.clone(),
        }
    }
}

async fn resolve(host: &str, port: u16) -> anyhow::Result<IpAddr> {
    let mut found = tokio::net::lookup_host((host, port)).await.with_context(|| format!("--host {host}"))?;
    match found.next() {
        Some(address) => Ok(address.ip()),
        None => bail!("--host {host} has no address"),
    }
}

/// Where HTTPS is if the host does not say.
const DEFAULT_HTTPS_PORT: u16 = 47984;
