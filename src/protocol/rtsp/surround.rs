//! Opus layouts and how DESCRIBE advertises them.
//!
//! `surround-params` is a string of digits: channels, streams, coupled streams,
//! then the mapping. For the first line of a channel count (normal quality) the
//! client assumes the order FL FR C BL BR SL SR LFE and moves the last element
//! to place 3; the second line (high quality) it takes as it is
//! (moonlight-common-c `RtspConnection.c`, `parseOpusConfigFromParamString`;
//! test vector `surround.json`). All our encoder mappings are identities, so a
//! normal-quality line has its fourth element at the end.

use crate::stream_plan::AudioLayout;
use crate::units::Bitrate;

/// How good the client wants the sound to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// As few streams as possible.
    Normal,
    /// A stream per channel, or more bits for stereo.
    High,
}

/// The layout for 2, 6 or 8 channels, and the Opus bit rate over all its
/// streams; `None` for another number of channels. The rates are what other
/// hosts use.
#[must_use]
pub fn layout(channels: u32, quality: Quality) -> Option<(AudioLayout, Bitrate)> {
    let (channels, streams, coupled, kbps) = match (channels, quality) {
        (2, Quality::Normal) => (2, 1, 1, 96),
        (2, Quality::High) => (2, 1, 1, 512),
        (6, Quality::Normal) => (6, 4, 2, 256),
        (6, Quality::High) => (6, 6, 0, 1536),
        (8, Quality::Normal) => (8, 5, 3, 450),
        (8, Quality::High) => (8, 8, 0, 2048),
        _ => return None,
    };
    let layout = AudioLayout { channels, streams, coupled, mapping: (0..channels).collect() };
    Some((layout, Bitrate::from_kbps(kbps)))
}

/// The digits that make a client decode `layout` as it is encoded.
#[must_use]
pub fn params(layout: &AudioLayout, quality: Quality) -> String {
    let mut mapping = layout.mapping.clone();
    if quality == Quality::Normal && mapping.len() > 4 {
        mapping[3..].rotate_left(1);
    }
    let head = [layout.channels, layout.streams, layout.coupled];
    head.iter().chain(&mapping).map(u8::to_string).collect()
}

/// The mapping a client derives from the digits of one line; `None` if they are
/// none. The inverse of [`params`], for tests and the benchmark's client.
#[must_use]
pub fn client_mapping(params: &str, quality: Quality) -> Option<Vec<u8>> {
    let digits = params.chars().map(|c| c.to_digit(10).and_then(|digit| u8::try_from(digit).ok()));
    let mut mapping = digits.collect::<Option<Vec<u8>>>()?.get(3..)?.to_vec();
    if quality == Quality::Normal && mapping.len() > 4 {
        mapping[3..].rotate_right(1);
    }
    Some(mapping)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_derive_identity_mappings() {
        for channels in [2, 6, 8] {
            for quality in [Quality::Normal, Quality::High] {
                let (layout, _) = layout(channels, quality).unwrap();
                let line = params(&layout, quality);
                assert_eq!(client_mapping(&line, quality).unwrap(), layout.mapping, "{line}");
                assert_eq!(layout.streams + layout.coupled, layout.channels);
            }
        }
    }

    #[test]
    fn other_channel_counts_have_no_layout() {
        assert_eq!(layout(0, Quality::Normal), None);
        assert_eq!(layout(7, Quality::High), None);
        assert_eq!(client_mapping("64a", Quality::Normal), None);
        assert_eq!(client_mapping("21", Quality::Normal), None);
    }
}
