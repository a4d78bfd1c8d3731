//! What the tests of this part share.

use earthshine_ffi::vaapi::Capabilities;
use earthshine_ffi::vaapi::sys::*;

/// Of a driver that can what most can.
pub(super) fn capabilities() -> Capabilities {
    Capabilities {
        formats: VA_RT_FORMAT_YUV420,
        rate_control: VA_RC_CBR | VA_RC_CQP,
        packed_headers: VA_ENC_PACKED_HEADER_SEQUENCE | VA_ENC_PACKED_HEADER_SLICE,
        references: 4,
        slices: 32,
        slice_structure: VA_ENC_SLICE_STRUCTURE_ARBITRARY_ROWS,
        quality_levels: 7,
        most_width: 4096,
        most_height: 4096,
        needs_both_lists: false,
        hevc_features: None,
        hevc_block_sizes: None,
        av1_features: None,
        av1_sizes: None,
    }
}
