//! What requests say of sessions and desktops, checked: whose, which app, its
//! mode, speakers, keys and address.

use std::net::IpAddr;

use crate::config::apps::AppConfig;
use crate::host::api::body::WireText;
use crate::host::apps::LaunchAppError;
use crate::host::context::Context;
use crate::host::sessions::operated::SessionKeys;
use crate::ids::ClientId;
pub(super) use crate::protocol::gamestream::launch_request::{MAX_RATE, MAX_SIDE};
use crate::protocol::secret::SessionKey;
use crate::units::{FrameRate, Size};

/// Keys as Wolf's callers write them: `rikey` in hex and `rikeyid` in decimal.
/// `None` if there is no key.
///
/// # Errors
/// What is wrong, for the caller.
pub(super) fn keys(aes_key: &str, aes_iv: &str) -> Result<Option<SessionKeys>, String> {
    if aes_key.is_empty() {
        return Ok(None);
    }
    let mut key = [0; 16];
    // The key itself stays unsaid.
    hex::decode_to_slice(aes_key, &mut key).map_err(|_| "aes_key is not 32 hex digits".to_owned())?;
    let signed = || aes_iv.parse::<i32>().map(i32::cast_unsigned).ok();
    let rikeyid = if aes_iv.is_empty() { Some(0) } else { aes_iv.parse().ok().or_else(signed) };
    let rikeyid = rikeyid.ok_or_else(|| format!("aes_iv is {aes_iv:?}, expected a 32-bit number"))?;
    Ok(Some(SessionKeys { key: SessionKey::new(key), rikeyid }))
}

/// A client by its number in the API; empty for none.
///
/// # Errors
/// [`INVALID_CLIENT`].
pub(super) fn client(context: &Context, id: Option<WireText>) -> Result<Option<ClientId>, String> {
    let Some(WireText(id)) = id.filter(|id| !id.0.is_empty()) else { return Ok(None) };
    let found = id.parse().ok().and_then(|id| context.clients.find_short(id));
    found.map(|client| Some(client.id)).ok_or_else(|| INVALID_CLIENT.to_owned())
}

/// An app of the list or of a profile, by its id.
///
/// # Errors
/// That there is none, or that it does not run here.
pub(super) fn app(context: &Context, id: &str) -> Result<AppConfig, String> {
    if let Some(app) = context.apps.find(id) {
        return app.launchable().map_err(|error| error.to_string());
    }
    let record = context.people.app(id).ok_or_else(|| "Invalid app_id".to_owned())?;
    record.program().map_err(|reason| LaunchAppError::NotHere { title: record.title.clone(), reason }.to_string())
}

/// A mode, or none if it is nothing by nothing.
///
/// # Errors
/// What is out of range.
pub(super) fn mode(width: u32, height: u32, refresh_rate: u32) -> Result<Option<(Size, FrameRate)>, String> {
    if width == 0 || height == 0 {
        return Ok(None);
    }
    if !(MIN_SIDE..=MAX_SIDE).contains(&width) || !(MIN_SIDE..=MAX_SIDE).contains(&height) {
        return Err(format!("video: {width}x{height} is not within {MIN_SIDE}..{MAX_SIDE} pixels a side"));
    }
    let refresh_rate = if refresh_rate == 0 { USUAL_RATE } else { refresh_rate };
    if refresh_rate > MAX_RATE {
        return Err(format!("video: refresh rate {refresh_rate} is above {MAX_RATE}"));
    }
    Ok(Some((Size::new(width, height), FrameRate::from_hz(refresh_rate))))
}

/// Two, six or eight speakers; two if nobody said.
///
/// # Errors
/// What is none of them.
pub(super) fn channels(count: u32) -> Result<u8, String> {
    match count {
        0 | 2 => Ok(2),
        6 => Ok(6),
        8 => Ok(8),
        other => Err(format!("audio: channel count {other} is none of 2, 6, 8")),
    }
}

/// A client's address; `None` if it is empty or says nothing.
///
/// # Errors
/// That it is none.
pub(super) fn peer(client_ip: &str) -> Result<Option<IpAddr>, String> {
    if client_ip.is_empty() {
        return Ok(None);
    }
    let peer: IpAddr = client_ip.parse().map_err(|_| format!("client_ip is {client_ip:?}, expected an IP address"))?;
    Ok(Some(peer.to_canonical()).filter(|peer| !peer.is_unspecified()))
}

const INVALID_CLIENT: &str = "Invalid client_id";
/// Pixels a side of a desktop at least.
pub(super) const MIN_SIDE: u32 = 64;
const USUAL_RATE: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hex_and_a_signed_or_unsigned_number() {
        let key = "000102030405060708090a0b0c0d0e0f";
        let id = |aes_iv| keys(key, aes_iv).map(|keys| keys.map(|keys| keys.rikeyid));
        assert_eq!(
            [id("0123456789"), id("-1"), id("4294967295")],
            [Ok(Some(123_456_789)), Ok(Some(u32::MAX)), Ok(Some(u32::MAX))]
        );
        assert_eq!((id(""), keys("", "x")), (Ok(Some(0)), Ok(None)));
        assert!(id("4294967296").is_err() && keys("00", "0").is_err());
    }

    #[test]
    fn modes_and_addresses_have_a_range() {
        assert_eq!(mode(0, 0, 0), Ok(None));
        assert_eq!(mode(1920, 1080, 0), Ok(Some((Size::new(1920, 1080), FrameRate::from_hz(60)))));
        assert!(mode(63, 1080, 60).is_err() && mode(1920, 9000, 60).is_err() && mode(1920, 1080, 241).is_err());
        assert_eq!((channels(0), channels(8)), (Ok(2), Ok(8)));
        assert!(channels(3).is_err());
        assert_eq!((peer(""), peer("0.0.0.0")), (Ok(None), Ok(None)));
        assert_eq!(peer("::ffff:10.0.0.1"), Ok(Some([10, 0, 0, 1].into())));
        assert!(peer("localhost").is_err());
    }
}
