//! The query of `/launch` and `/resume` (protocol notes: moonlight-qt
//! `nvhttp.cpp` `startApp`, moonlight-common-c `LiGetLaunchUrlQueryParameters`).

use std::fmt::Write as _;

use crate::ids::AppId;
use crate::protocol::gamestream::query::Query;
use crate::protocol::secret::SessionKey;
use crate::units::Size;

/// What a client asks for. The picture is a hint: ANNOUNCE decides.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchRequest {
    /// Which app (`appid`).
    pub app: AppId,
    /// `rikey`.
    pub key: SessionKey,
    /// `rikeyid` as an unsigned number.
    pub rikeyid: u32,
    /// `mode` width and height; `None` for 0x0 or if absent.
    pub size: Option<Size>,
    /// `mode` frames per second; `None` for 0 or if absent.
    pub frame_rate_hz: Option<u32>,
    /// `surroundAudioInfo` channels: 2, 6 or 8.
    pub channels: u8,
    /// `corever` ≥ 1: the client can do encrypted RTSP.
    pub encrypted_rtsp: bool,
    /// `hdrMode` 1: the client offers a 10-bit format.
    pub hdr: bool,
}

/// Why a launch makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchRequestError {
    /// A parameter without which nothing can be started.
    #[error("parameter {name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A parameter that is not what it should be.
    #[error("parameter {name} is {value:?}, expected {expected}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// The value, shortened; never a key.
        value: String,
        /// What would have been taken.
        expected: &'static str,
    },
    /// `rikey` is not 32 hex digits. Its value stays unsaid.
    #[error("parameter rikey is not 32 hex digits")]
    BadKey,
}

impl LaunchRequest {
    /// Reads decoded query parameters.
    ///
    /// # Errors
    /// [`LaunchRequestError`].
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, LaunchRequestError> {
        let query = Query::new(pairs);
        let (size, frame_rate_hz) = query.get("mode").map_or(Ok((None, None)), parse_mode)?;
        Ok(Self {
            app: parse_app(required(query, "appid")?)?,
            key: parse_key(required(query, "rikey")?)?,
            rikeyid: parse_rikeyid(required(query, "rikeyid")?)?,
            size,
            frame_rate_hz,
            channels: parse_channels(query)?,
            encrypted_rtsp: number_or_zero(query, "corever")? >= 1,
            hdr: number_or_zero(query, "hdrMode")? == 1,
        })
    }

    /// The query as clients send it, for the load generator. It contains the key.
    #[must_use]
    pub fn to_query(&self) -> String {
        let size = self.size.unwrap_or(Size::new(0, 0));
        let layout = match self.channels {
            6 => 0x3F << 16 | 6,
            8 => 0x63F << 16 | 8,
            _ => 0x3 << 16 | 2,
        };
        let mut query = format!(
            "appid={}&mode={}x{}x{}&additionalStates=1&sops=0&rikey={}&rikeyid={}",
            self.app,
            size.width,
            size.height,
            self.frame_rate_hz.unwrap_or(0),
            hex::encode(self.key.bytes()),
            self.rikeyid.cast_signed(),
        );
        if self.hdr {
            query.push_str("&hdrMode=1&clientHdrCapVersion=0&clientHdrCapSupportedFlagsInUint32=0");
            query.push_str("&clientHdrCapMetaDataId=NV_STATIC_METADATA_TYPE_1");
            query.push_str("&clientHdrCapDisplayData=0x0x0x0x0x0x0x0x0x0x0");
        }
        // Writing to a String cannot fail.
        let _ = write!(query, "&localAudioPlayMode=0&surroundAudioInfo={layout}");
        query.push_str("&remoteControllersBitmap=0&gcmap=0&gcpersist=0");
        if self.encrypted_rtsp {
            query.push_str("&corever=1");
        }
        query
    }
}

fn required<'a>(query: Query<'a>, name: &'static str) -> Result<&'a str, LaunchRequestError> {
    query.get(name).ok_or(LaunchRequestError::Missing { name })
}

fn parse_app(value: &str) -> Result<AppId, LaunchRequestError> {
    let id = value.parse::<i32>().ok().and_then(|id| u32::try_from(id).ok()).filter(|id| *id > 0);
    id.map(AppId).ok_or_else(|| invalid("appid", value, "a positive 32-bit number"))
}

fn parse_key(value: &str) -> Result<SessionKey, LaunchRequestError> {
    let mut key = [0; 16];
    hex::decode_to_slice(value, &mut key).map_err(|_| LaunchRequestError::BadKey)?;
    Ok(SessionKey::new(key))
}

/// Clients print it as a signed number.
fn parse_rikeyid(value: &str) -> Result<u32, LaunchRequestError> {
    let signed = value.parse::<i32>().map(i32::cast_unsigned);
    signed.or_else(|_| value.parse()).map_err(|_| invalid("rikeyid", value, "a 32-bit number"))
}

/// `width x height x fps`. Forks write fractions of frames, or thousandths.
fn parse_mode(value: &str) -> Result<(Option<Size>, Option<u32>), LaunchRequestError> {
    let bad = || invalid("mode", value, "WIDTHxHEIGHTxFPS");
    let mut parts = value.split('x');
    let (Some(width), Some(height), Some(fps), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(bad());
    };
    let width = width.parse().map_err(|_| bad())?;
    let height = height.parse().map_err(|_| bad())?;
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(invalid("mode", value, "WIDTHxHEIGHTxFPS with at most 8192 pixels a side"));
    }
    let size = (width > 0 && height > 0).then_some(Size::new(width, height));
    let (whole, fraction) = fps.split_once('.').unwrap_or((fps, "0"));
    let whole: u32 = whole.parse().map_err(|_| bad())?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let round_up = u32::from(fraction.as_bytes().first().is_some_and(|digit| *digit >= b'5'));
    let hz = if whole >= 1000 { whole.saturating_add(500) / 1000 } else { whole + round_up };
    Ok((size, (hz > 0).then_some(hz.min(MAX_RATE))))
}

/// Largest picture that a desktop is made for, in pixels a side.
pub const MAX_SIDE: u32 = 8192;
/// Most frames per second that a desktop is made for.
pub const MAX_RATE: u32 = 240;

/// The low word is the number of channels. It is a hint, so an unknown layout
/// is stereo until ANNOUNCE says more.
fn parse_channels(query: Query<'_>) -> Result<u8, LaunchRequestError> {
    Ok(match number_or_zero(query, "surroundAudioInfo")? & 0xffff {
        6 => 6,
        8 => 8,
        _ => 2,
    })
}

fn number_or_zero(query: Query<'_>, name: &'static str) -> Result<u32, LaunchRequestError> {
    let value = query.get(name).unwrap_or("0");
    value.parse().map_err(|_| invalid(name, value, "a number"))
}

fn invalid(name: &'static str, value: &str, expected: &'static str) -> LaunchRequestError {
    LaunchRequestError::Invalid { name, value: value.chars().take(40).collect(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "101112131415161718191A1b1c1d1e1f";

    fn pairs(extra: &[(&str, &str)]) -> Vec<(String, String)> {
        let least = [("appid", "881448767"), ("rikey", KEY), ("rikeyid", "-559038737")];
        let all = extra.iter().chain(&least);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn parse(extra: &[(&str, &str)]) -> Result<LaunchRequest, LaunchRequestError> {
        LaunchRequest::parse(&pairs(extra))
    }

    #[test]
    fn the_least_query_gets_the_defaults() {
        let request = parse(&[]).unwrap();
        assert_eq!(request.app, AppId(881_448_767));
        assert_eq!(request.rikeyid, 0xdead_beef);
        assert_eq!(request.key.bytes()[..2], [0x10, 0x11]);
        assert_eq!((request.size, request.frame_rate_hz, request.channels), (None, None, 2));
        assert!(!request.encrypted_rtsp && !request.hdr);
    }

    #[test]
    fn a_full_query_is_read_and_unknown_parameters_ignored() {
        let request = parse(&[
            ("MODE", "1920x1080x60"),
            ("surroundAudioInfo", "104792072"),
            ("corever", "1"),
            ("hdrmode", "1"),
            ("virtualDisplay", "yes"),
        ])
        .unwrap();
        assert_eq!(request.size, Some(Size::new(1920, 1080)));
        assert_eq!((request.frame_rate_hz, request.channels), (Some(60), 8));
        assert!(request.encrypted_rtsp && request.hdr);
    }

    #[test]
    fn what_a_client_writes_is_read() {
        for (channels, hdr, encrypted_rtsp) in [(2, false, true), (6, true, false), (8, false, true)] {
            let request = LaunchRequest {
                app: AppId(7),
                key: SessionKey::new([0xAB; 16]),
                rikeyid: 0xDEAD_BEEF,
                size: Some(Size::new(320, 180)),
                frame_rate_hz: Some(30),
                channels,
                encrypted_rtsp,
                hdr,
            };
            let query = request.to_query();
            assert!(query.contains("&rikeyid=-559038737&"), "{query}");
            let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            assert_eq!(LaunchRequest::parse(&pairs), Ok(request));
        }
    }

    #[test]
    fn modes_of_forks_are_understood() {
        let rate = |mode: &str| parse(&[("mode", mode)]).unwrap().frame_rate_hz;
        assert_eq!(rate("0x0x0"), None);
        assert_eq!(rate("1280x720x59.94"), Some(60));
        assert_eq!(rate("1280x720x59940"), Some(60));
        assert_eq!(rate("8192x8192x500"), Some(MAX_RATE));
        for bad in
            ["", "1280x720", "1280x720x60x1", "ax720x60", "1280x720x-1", "1280x720x6.z", "1x1x99999999999", "8193x1x60"]
        {
            assert!(matches!(parse(&[("mode", bad)]), Err(LaunchRequestError::Invalid { name: "mode", .. })), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_but_no_key_is_told() {
        for name in ["appid", "rikey", "rikeyid"] {
            let rest: Vec<_> = pairs(&[]).into_iter().filter(|(have, _)| have != name).collect();
            assert_eq!(LaunchRequest::parse(&rest), Err(LaunchRequestError::Missing { name }));
        }
        assert_eq!(parse(&[("rikey", "secret")]), Err(LaunchRequestError::BadKey));
        for bad in ["0", "-1", "2147483648", "x"] {
            assert!(
                matches!(parse(&[("appid", bad)]), Err(LaunchRequestError::Invalid { name: "appid", .. })),
                "{bad}"
            );
        }
        assert!(parse(&[("rikeyid", "4294967296")]).is_err());
        assert!(!format!("{:?}", parse(&[])).contains("17, 18"));
    }
}
