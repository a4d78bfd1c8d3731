//! What the header has as macros and static variables: GUIDs and versions.

use super::sys::*;

/// Interface version that structures are of.
pub const API_VERSION: u32 = 12 | (1 << 24);

pub const CODEC_H264: GUID = guid(0x6bc82762, 0x4e63, 0x4ca4, [0xaa, 0x85, 0x1e, 0x50, 0xf3, 0x21, 0xf6, 0xbf]);
pub const CODEC_HEVC: GUID = guid(0x790cdc88, 0x4522, 0x4d7b, [0x94, 0x25, 0xbd, 0xa9, 0x97, 0x5f, 0x76, 0x03]);
pub const CODEC_AV1: GUID = guid(0x0a352289, 0x0aa7, 0x4759, [0x86, 0x2d, 0x5d, 0x15, 0xcd, 0x16, 0xd2, 0x54]);
pub const H264_PROFILE_HIGH: GUID = guid(0xe7cbc309, 0x4f7a, 0x4b89, [0xaf, 0x2a, 0xd5, 0x37, 0xc9, 0x2b, 0xe3, 0x10]);
pub const H264_PROFILE_HIGH_444: GUID =
    guid(0x7ac663cb, 0xa598, 0x4960, [0xb8, 0x44, 0x33, 0x9b, 0x26, 0x1a, 0x7d, 0x52]);
pub const HEVC_PROFILE_MAIN: GUID = guid(0xb514c39a, 0xb55b, 0x40fa, [0x87, 0x8f, 0xf1, 0x25, 0x3b, 0x4d, 0xfd, 0xec]);
pub const HEVC_PROFILE_MAIN10: GUID =
    guid(0xfa4d2b6c, 0x3a5b, 0x411a, [0x80, 0x18, 0x0a, 0x3f, 0x5e, 0x3c, 0x9b, 0xe5]);
pub const HEVC_PROFILE_FREXT: GUID = guid(0x51ec32b5, 0x1b4c, 0x453c, [0x9c, 0xbd, 0xb6, 0x16, 0xbd, 0x62, 0x13, 0x41]);
pub const AV1_PROFILE_MAIN: GUID = guid(0x5f2a39f5, 0xf14e, 0x4f95, [0x9a, 0x9e, 0xb7, 0x6d, 0x56, 0x8f, 0xcf, 0x97]);
pub const PRESET_P1: GUID = guid(0xfc0a8d3e, 0x45f8, 0x4cf8, [0x80, 0xc7, 0x29, 0x88, 0x71, 0x59, 0x0e, 0xbf]);
pub const PRESET_P2: GUID = guid(0xf581cfb8, 0x88d6, 0x4381, [0x93, 0xf0, 0xdf, 0x13, 0xf9, 0xc2, 0x7d, 0xab]);
pub const PRESET_P3: GUID = guid(0x36850110, 0x3a07, 0x441f, [0x94, 0xd5, 0x36, 0x70, 0x63, 0x1f, 0x91, 0xf6]);
pub const PRESET_P4: GUID = guid(0x90a7b826, 0xdf06, 0x4862, [0xb9, 0xd2, 0xcd, 0x6d, 0x73, 0xa0, 0x86, 0x81]);
pub const PRESET_P5: GUID = guid(0x21c6e6b4, 0x297a, 0x4cba, [0x99, 0x8f, 0xb6, 0xcb, 0xde, 0x72, 0xad, 0xe3]);
pub const PRESET_P6: GUID = guid(0x8e75c279, 0x6299, 0x4ab6, [0x83, 0x02, 0x0b, 0x21, 0x5a, 0x33, 0x5c, 0xf5]);
pub const PRESET_P7: GUID = guid(0x84848c12, 0x6f71, 0x4c13, [0x93, 0x1b, 0x53, 0xe2, 0x83, 0xf5, 0x79, 0x74]);

const fn guid(first: u32, second: u16, third: u16, rest: [u8; 8]) -> GUID {
    GUID { Data1: first, Data2: second, Data3: third, Data4: rest }
}

/// Version word of a structure, as it carries it.
pub trait Versioned {
    /// What its `version` has to be.
    const VERSION: u32;
}

macro_rules! versioned {
    ($($name:ident: $version:expr;)*) => {
        $(impl Versioned for $name {
            const VERSION: u32 = $version;
        })*
    };
}

versioned! {
    NV_ENC_CAPS_PARAM: structure(1);
    NV_ENC_CREATE_BITSTREAM_BUFFER: structure(1);
    NV_ENC_CONFIG: with_driver_bit(structure(8));
    NV_ENC_INITIALIZE_PARAMS: with_driver_bit(structure(6));
    NV_ENC_RECONFIGURE_PARAMS: with_driver_bit(structure(1));
    NV_ENC_PRESET_CONFIG: with_driver_bit(structure(4));
    NV_ENC_PIC_PARAMS: with_driver_bit(structure(6));
    NV_ENC_LOCK_BITSTREAM: with_driver_bit(structure(1));
    NV_ENC_MAP_INPUT_RESOURCE: structure(4);
    NV_ENC_REGISTER_RESOURCE: structure(4);
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS: structure(1);
    NV_ENCODE_API_FUNCTION_LIST: structure(2);
}

const fn structure(version: u32) -> u32 {
    API_VERSION | (version << 16) | (0x7 << 28)
}

const fn with_driver_bit(version: u32) -> u32 {
    version | (1 << 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that a C compiler gives for the header.
    #[test]
    fn structures_are_as_large_as_the_headers() {
        assert_eq!(size_of::<NV_ENC_CAPS_PARAM>(), 256);
        assert_eq!(size_of::<NV_ENC_CREATE_BITSTREAM_BUFFER>(), 776);
        assert_eq!(size_of::<NV_ENC_RC_PARAMS>(), 128);
        assert_eq!(size_of::<NV_ENC_CONFIG_H264>(), 1792);
        assert_eq!(size_of::<NV_ENC_CONFIG_HEVC>(), 1560);
        assert_eq!(size_of::<NV_ENC_CONFIG_AV1>(), 1552);
        assert_eq!(size_of::<NV_ENC_CODEC_CONFIG>(), 1792);
        assert_eq!(size_of::<NV_ENC_CONFIG>(), 3584);
        assert_eq!(size_of::<NV_ENC_INITIALIZE_PARAMS>(), 1808);
        assert_eq!(size_of::<NV_ENC_RECONFIGURE_PARAMS>(), 1824);
        assert_eq!(size_of::<NV_ENC_PRESET_CONFIG>(), 5128);
        assert_eq!(size_of::<NV_ENC_CODEC_PIC_PARAMS>(), 1552);
        assert_eq!(size_of::<NV_ENC_PIC_PARAMS>(), 3360);
        assert_eq!(size_of::<NV_ENC_LOCK_BITSTREAM>(), 1552);
        assert_eq!(size_of::<NV_ENC_MAP_INPUT_RESOURCE>(), 1544);
        assert_eq!(size_of::<NV_ENC_REGISTER_RESOURCE>(), 1536);
        assert_eq!(size_of::<NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS>(), 1552);
        assert_eq!(size_of::<NV_ENCODE_API_FUNCTION_LIST>(), 2552);
    }
}
