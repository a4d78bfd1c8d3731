//! `/serverinfo`: what the host says about itself.
//!
//! Element by element from moonlight-qt `nvcomputer.cpp` and moonlight-android
//! `NvHTTP.java`; what happens if one is missing differs by client, so all are
//! always there.

use std::net::{IpAddr, Ipv4Addr};

use crate::codec::{VideoCodec, VideoProfile};
use crate::ids::AppId;
use crate::protocol::gamestream::xml::Document;

/// What one client is told.
#[derive(Debug, Clone)]
pub struct ServerInfo<'a> {
    /// Name to show.
    pub hostname: &'a str,
    /// Identity of the host, the same for ever.
    pub unique_id: &'a str,
    /// HTTPS port.
    pub https_port: u16,
    /// HTTP port.
    pub http_port: u16,
    /// For wake-on-LAN. Only for paired clients; `None` becomes all zeros, the
    /// one value clients take for "unknown".
    pub mac: Option<[u8; 6]>,
    /// Our address of the connection the question came over.
    pub local: IpAddr,
    /// What encoders can produce.
    pub profiles: &'a [VideoProfile],
    /// Asked over HTTPS with a certificate that has paired.
    pub paired: bool,
    /// The app that runs for this client.
    pub running: Option<AppId>,
}

impl ServerInfo<'_> {
    /// The document.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let codecs = self.profiles.iter().fold(0, |mask, profile| mask | profile.server_codec_mode());
        let hevc = self.profiles.iter().any(|profile| profile.codec == VideoCodec::Hevc);
        let running = self.running.map_or(0, |app| app.0);
        let state = if running == 0 { "SUNSHINE_SERVER_FREE" } else { "SUNSHINE_SERVER_BUSY" };
        Document::ok()
            .element("hostname", if self.hostname.is_empty() { "Earthshine" } else { self.hostname })
            .element("appversion", APP_VERSION)
            .element("GfeVersion", GFE_VERSION)
            .element("uniqueid", self.unique_id)
            .element("HttpsPort", &self.https_port.to_string())
            .element("ExternalPort", &self.http_port.to_string())
            .element("mac", &mac_text(self.mac.unwrap_or_default()))
            .element("LocalIP", &local_ip(self.local).to_string())
            .element("MaxLumaPixelsHEVC", if hevc { MAX_LUMA_PIXELS } else { "0" })
            .element("ServerCodecModeSupport", &codecs.to_string())
            .element("PairStatus", if self.paired { "1" } else { "0" })
            .element("currentgame", &running.to_string())
            .element("state", state)
            .finish()
    }
}

/// Clients store this as the host's LAN address. They ignore loopback, and
/// would overwrite a good IPv4 address with an IPv6 one.
fn local_ip(local: IpAddr) -> Ipv4Addr {
    match local {
        IpAddr::V4(address) => address,
        IpAddr::V6(address) => address.to_ipv4_mapped().unwrap_or(Ipv4Addr::LOCALHOST),
    }
}

fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// The protocol version every gate in the client asks for. The negative last
/// number means "not NVIDIA's": extended input, encryption flags, statistics.
pub const APP_VERSION: &str = "7.1.431.-1";
/// Must not begin with "2.", or Android limits 4K to 1080p.
pub const GFE_VERSION: &str = "3.23.0.74";
/// Any number but 0 means HEVC; this is the one other hosts send.
const MAX_LUMA_PIXELS: &str = "1869449984";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Chroma;

    fn info<'a>() -> ServerInfo<'a> {
        ServerInfo {
            hostname: "a<b",
            unique_id: "id",
            https_port: 47984,
            http_port: 47989,
            mac: None,
            local: IpAddr::V4(Ipv4Addr::new(192, 168, 1, 5)),
            profiles: &[VideoProfile::H264],
            paired: false,
            running: None,
        }
    }

    #[test]
    fn an_idle_host_says_free() {
        let xml = info().to_xml();
        for expected in [
            "<root status_code=\"200\">",
            "<hostname>a&lt;b</hostname>",
            "<appversion>7.1.431.-1</appversion>",
            "<mac>00:00:00:00:00:00</mac>",
            "<LocalIP>192.168.1.5</LocalIP>",
            "<MaxLumaPixelsHEVC>0</MaxLumaPixelsHEVC>",
            "<ServerCodecModeSupport>1</ServerCodecModeSupport>",
            "<PairStatus>0</PairStatus><currentgame>0</currentgame><state>SUNSHINE_SERVER_FREE</state>",
        ] {
            assert!(xml.contains(expected), "{expected} in {xml}");
        }
    }

    #[test]
    fn a_busy_host_names_the_app_to_the_client_that_runs_it() {
        let hevc = VideoProfile { codec: VideoCodec::Hevc, chroma: Chroma::Yuv420, ten_bit: true };
        let profiles = [VideoProfile::H264, hevc];
        let xml = ServerInfo {
            mac: Some([0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x0f]),
            profiles: &profiles,
            paired: true,
            running: Some(AppId(7)),
            ..info()
        }
        .to_xml();
        for expected in [
            "<mac>aa:bb:cc:dd:ee:0f</mac>",
            "<MaxLumaPixelsHEVC>1869449984</MaxLumaPixelsHEVC>",
            "<ServerCodecModeSupport>513</ServerCodecModeSupport>",
            "<PairStatus>1</PairStatus><currentgame>7</currentgame><state>SUNSHINE_SERVER_BUSY</state>",
        ] {
            assert!(xml.contains(expected), "{expected} in {xml}");
        }
    }

    #[test]
    fn ipv6_is_told_as_loopback_unless_it_is_ipv4_in_disguise() {
        assert_eq!(local_ip("2001:db8::1".parse().unwrap()), Ipv4Addr::LOCALHOST);
        assert_eq!(local_ip("::ffff:10.0.0.1".parse().unwrap()), Ipv4Addr::new(10, 0, 0, 1));
    }
}
