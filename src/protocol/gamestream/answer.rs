//! Answers to launch, resume, cancel, pair and unpair.
//!
//! Android throws if `gamesession`, `resume` or `cancel` is missing from its
//! answer, so refusals carry it as 0. All of them go out with HTTP status 200:
//! clients read the document of no other.

use std::net::IpAddr;

use crate::protocol::gamestream::xml::Document;

/// A question that starts or ends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `/launch`.
    Launch,
    /// `/resume`.
    Resume,
    /// `/cancel`.
    Cancel,
}

impl Verb {
    /// Path of the request.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Launch => "/launch",
            Self::Resume => "/resume",
            Self::Cancel => "/cancel",
        }
    }

    /// The element that says whether it was done: 0 if not.
    #[must_use]
    pub const fn element(self) -> &'static str {
        match self {
            Self::Launch => "gamesession",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }
}

/// The app runs; `session_url` is where the RTSP handshake goes on.
#[must_use]
pub fn launched(session_url: &str) -> String {
    started(Verb::Launch, session_url)
}

/// The running app will be shown again.
#[must_use]
pub fn resumed(session_url: &str) -> String {
    started(Verb::Resume, session_url)
}

/// Session and app are gone.
#[must_use]
pub fn cancelled() -> String {
    Document::ok().element(Verb::Cancel.element(), "1").finish()
}

/// It was not done. `status` is what the client shows beside `message`.
#[must_use]
pub fn refused(verb: Verb, status: u32, message: &str) -> String {
    Document::error(status, message).element(verb.element(), "0").finish()
}

/// Any other failure.
#[must_use]
pub fn error(status: u32, message: &str) -> String {
    Document::error(status, message).finish()
}

/// A pairing phase went well; `element` is what it hands over, as hex, if
/// anything.
#[must_use]
pub fn paired(element: Option<(&str, &str)>) -> String {
    let document = Document::ok().element("paired", "1");
    element.into_iter().fold(document, |document, (name, value)| document.element(name, value)).finish()
}

/// A pairing phase failed. The client tells its user, and starts over.
#[must_use]
pub fn not_paired(status: u32, message: &str) -> String {
    let document = if status == 200 { Document::ok() } else { Document::error(status, message) };
    document.element("paired", "0").finish()
}

/// Pending pairing is dropped.
#[must_use]
pub fn unpaired() -> String {
    Document::ok().finish()
}

/// Value of `sessionUrl0`. The client connects to the address it already knows
/// and takes scheme and port from here.
#[must_use]
pub fn session_url(encrypted: bool, local: IpAddr, port: u16) -> String {
    let scheme = if encrypted { "rtspenc" } else { "rtsp" };
    match local {
        IpAddr::V4(address) => format!("{scheme}://{address}:{port}"),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => format!("{scheme}://{address}:{port}"),
            None => format!("{scheme}://[{address}]:{port}"),
        },
    }
}

/// What a client takes from `sessionUrl0`: it connects to the address it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionUrl {
    /// RTSP is sealed.
    pub encrypted: bool,
    /// Where RTSP is.
    pub port: u16,
}

impl SessionUrl {
    /// Reads a value of `sessionUrl0`. Without a port it is the default one, as
    /// clients have it.
    #[must_use]
    pub fn read(url: &str) -> Self {
        let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(DEFAULT_RTSP_PORT);
        Self { encrypted: url.contains("rtspenc://"), port }
    }
}

/// Where RTSP is if nobody says otherwise.
const DEFAULT_RTSP_PORT: u16 = 48010;

fn started(verb: Verb, session_url: &str) -> String {
    Document::ok().element("sessionUrl0", session_url).element(verb.element(), "1").finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_is_answered_with_its_own_element() {
        assert!(
            launched("rtsp://h:1")
                .ends_with("<sessionUrl0>rtsp://h:1</sessionUrl0><gamesession>1</gamesession></root>")
        );
        assert!(resumed("rtsp://h:1").ends_with("<resume>1</resume></root>"));
        assert!(cancelled().ends_with("<cancel>1</cancel></root>"));
        for (verb, element) in [(Verb::Launch, "gamesession"), (Verb::Resume, "resume"), (Verb::Cancel, "cancel")] {
            let xml = refused(verb, 503, "no encoder");
            assert!(xml.contains("status_code=\"503\" status_message=\"no encoder\""));
            assert!(xml.contains(&format!("<{element}>0</{element}>")));
        }
    }

    #[test]
    fn pairing_answers_always_say_whether() {
        assert!(paired(Some(("plaincert", "00"))).ends_with("<paired>1</paired><plaincert>00</plaincert></root>"));
        assert!(paired(None).ends_with("<paired>1</paired></root>"));
        assert!(not_paired(200, "").contains("status_code=\"200\"><paired>0</paired>"));
        assert!(not_paired(400, "out of order").contains("status_code=\"400\""));
        assert!(error(404, "x").contains("status_code=\"404\""));
        assert!(unpaired().contains("status_code=\"200\""));
    }

    #[test]
    fn session_urls_bracket_ipv6() {
        assert_eq!(session_url(true, "10.0.0.1".parse().unwrap(), 48010), "rtspenc://10.0.0.1:48010");
        assert_eq!(session_url(false, "fe80::1".parse().unwrap(), 1), "rtsp://[fe80::1]:1");
        assert_eq!(session_url(false, "::ffff:10.0.0.1".parse().unwrap(), 1), "rtsp://10.0.0.1:1");
        let read = SessionUrl::read(&session_url(true, "fe80::1".parse().unwrap(), 50010));
        assert_eq!(read, SessionUrl { encrypted: true, port: 50010 });
        assert_eq!(SessionUrl::read("rtsp://h"), SessionUrl { encrypted: false, port: 48010 });
    }
}
