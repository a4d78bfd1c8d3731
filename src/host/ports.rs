//! The ports of a host: one base, and the protocol's offsets from it.
//!
//! Clients learn only the HTTP and HTTPS ports (mDNS, serverinfo) and the RTSP
//! port (`sessionUrl0`); RTSP SETUP tells them the others. The offsets are
//! those of every GameStream host, so that one base moves them all.

use serde::Serialize;

/// Every port that a host listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ports {
    /// HTTP, TCP: the base.
    pub http: u16,
    /// HTTPS, TCP.
    pub https: u16,
    /// RTSP, TCP.
    pub rtsp: u16,
    /// Video, UDP.
    pub video: u16,
    /// Control, UDP.
    pub control: u16,
    /// Audio, UDP.
    pub audio: u16,
}

impl Ports {
    /// The ports around the HTTP port `base`; `None` if one of them would not
    /// be in 1..=65535.
    #[must_use]
    pub fn from_base(base: u16) -> Option<Self> {
        let https = base.checked_sub(5).filter(|port| *port > 0)?;
        let [video, control, audio, rtsp] = [9, 10, 11, 21].map(|offset| base.checked_add(offset));
        Some(Self { http: base, https, rtsp: rtsp?, video: video?, control: control?, audio: audio? })
    }

    /// The base that clients expect.
    pub const DEFAULT_BASE: u16 = 47989;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_base_gives_the_well_known_ports() {
        let ports = Ports::from_base(Ports::DEFAULT_BASE).unwrap();
        assert_eq!(ports, Ports { http: 47989, https: 47984, rtsp: 48010, video: 47998, control: 47999, audio: 48000 });
    }

    #[test]
    fn bases_without_room_for_the_others_are_refused() {
        assert_eq!(Ports::from_base(0), None);
        assert_eq!(Ports::from_base(5), None);
        assert_eq!(Ports::from_base(65_515), None);
        assert!(Ports::from_base(6).is_some());
        assert!(Ports::from_base(65_514).is_some());
    }
}
