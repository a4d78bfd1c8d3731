//! Which of a compositor's pixel formats we can read.
//!
//! wl_shm numbers ARGB8888 and XRGB8888 as 0 and 1 and all others by their DRM
//! fourcc. DRM names the bits of a little-endian word from the top, so
//! XRGB8888 lies in memory as blue, green, red, unused.

use wayland_client::WEnum;
use wayland_client::protocol::wl_shm::Format;

use crate::worker::frame::PixelFormat;

/// For error messages.
pub(crate) const SUPPORTED: &str = "XR24, AR24, XB24, AB24 (8 bits a channel)";

/// How the bytes of a format lie in memory; `None` if we cannot read it.
pub(crate) const fn readable(format: WEnum<Format>) -> Option<PixelFormat> {
    match format {
        WEnum::Value(Format::Xrgb8888 | Format::Argb8888) => Some(PixelFormat::Bgrx),
        WEnum::Value(Format::Xbgr8888 | Format::Abgr8888) => Some(PixelFormat::Rgbx),
        _ => None,
    }
}

/// The same of a DRM format code.
pub(crate) fn of_fourcc(code: u32) -> Option<PixelFormat> {
    match &code.to_le_bytes() {
        b"XR24" | b"AR24" => Some(PixelFormat::Bgrx),
        b"XB24" | b"AB24" => Some(PixelFormat::Rgbx),
        _ => None,
    }
}

fn fourcc(format: WEnum<Format>) -> String {
    fourcc_text(match format {
        WEnum::Value(Format::Argb8888) => u32::from_le_bytes(*b"AR24"),
        WEnum::Value(Format::Xrgb8888) => u32::from_le_bytes(*b"XR24"),
        WEnum::Value(other) => other.into(),
        WEnum::Unknown(code) => code,
    })
}

/// A DRM format code as text, e.g. `XR30`.
pub(crate) fn fourcc_text(code: u32) -> String {
    let bytes = code.to_le_bytes();
    if bytes.iter().all(u8::is_ascii_graphic) {
        bytes.map(char::from).iter().collect()
    } else {
        format!("{code:#010x}")
    }
}

/// The first readable one of `offered`, or all their names.
pub(crate) fn choose(offered: &[WEnum<Format>]) -> Result<(WEnum<Format>, PixelFormat), String> {
    offered
        .iter()
        .find_map(|&format| readable(format).map(|pixels| (format, pixels)))
        .ok_or_else(|| offered.iter().map(|&format| fourcc(format)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_readable_format_is_chosen() {
        let offered = [Format::Xrgb2101010, Format::Abgr8888, Format::Xrgb8888].map(WEnum::Value);
        assert_eq!(choose(&offered).unwrap(), (offered[1], PixelFormat::Rgbx));
    }

    #[test]
    fn shared_memory_and_dma_bufs_agree_on_what_a_format_is() {
        for format in [Format::Xrgb8888, Format::Argb8888, Format::Xbgr8888, Format::Abgr8888, Format::Xrgb2101010] {
            let code = u32::from_le_bytes(fourcc(WEnum::Value(format)).into_bytes().try_into().unwrap());
            assert_eq!(readable(WEnum::Value(format)), of_fourcc(code), "{format:?}");
        }
        assert_eq!(of_fourcc(0), None);
    }

    #[test]
    fn ten_bit_formats_are_refused_by_name() {
        let offered =
            [WEnum::Value(Format::Xrgb2101010), WEnum::Unknown(u32::from_le_bytes(*b"XB4H")), WEnum::Unknown(7)];
        assert_eq!(choose(&offered).unwrap_err(), "XR30, XB4H, 0x00000007");
        assert_eq!(fourcc(WEnum::Value(Format::Argb8888)), "AR24");
    }
}
