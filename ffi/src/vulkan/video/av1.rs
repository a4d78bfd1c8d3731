//! AV1, in the standard's structures (AV1 Bitstream & Decoding Process Specification, 5.5
//! and 5.9).
//!
//! 4:2:0, no reordering, every frame shown and kept, one frame referred to. The driver
//! writes frames' headers; temporal delimiters are ours.

use ash::vk;
use ash::vk::native::*;

use super::Colour;
use super::av1_sys::{self as sys, *};
use super::encoder::Settings;
use super::profile::Depth;
use super::syntax::{Ask, Coding, Create, Picture, Syntax};

/// What an engine can in AV1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Frames that one may refer to.
    pub(super) references: u32,
    most_level: StdVideoAV1Level,
    depth: Depth,
    large_blocks: bool,
    /// Which of the seven names the reference has.
    name: u8,
    /// Symbols go on from the reference.
    continues: bool,
    /// What tiles may be like is ours to say.
    spaces_tiles: bool,
}

impl Capabilities {
    pub(super) fn of(depth: Depth, told: &VideoEncodeAV1CapabilitiesKHR) -> Self {
        let can = |flag| told.std_syntax_flags & flag != 0;
        let names = told.single_reference_name_mask & 0x7F;
        Self {
            references: if names == 0 { 0 } else { told.max_single_reference_count },
            most_level: told.max_level,
            depth,
            large_blocks: told.superblock_sizes & sys::SUPERBLOCK_SIZE_64 == 0,
            name: u8::try_from(names.trailing_zeros().min(6)).unwrap_or(0),
            continues: can(sys::STD_PRIMARY_REF_FRAME),
            spaces_tiles: can(sys::STD_UNIFORM_TILE_SPACING_FLAG_SET),
        }
    }
}

/// A stream, as calls are told.
#[derive(Debug)]
pub(super) struct Stream {
    can: Capabilities,
    size: (u32, u32),
    quantizer: u32,
}

impl Stream {
    pub(super) fn new(can: Capabilities, size: (u32, u32), quantizer: i32) -> Self {
        Self { can, size, quantizer: quantizer.unsigned_abs() }
    }

    fn sequence(&self) -> StdVideoAV1SequenceHeader {
        let (width, height) = (self.size.0 - 1, self.size.1 - 1);
        let bits = |side: u32| u8::try_from(side.max(1).ilog2()).unwrap_or(15);
        let mut header = StdVideoAV1SequenceHeader {
            flags: StdVideoAV1SequenceHeaderFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
            seq_profile: StdVideoAV1Profile_STD_VIDEO_AV1_PROFILE_MAIN,
            frame_width_bits_minus_1: bits(width),
            frame_height_bits_minus_1: bits(height),
            max_frame_width_minus_1: word(width),
            max_frame_height_minus_1: word(height),
            delta_frame_id_length_minus_2: 0,
            additional_frame_id_length_minus_1: 0,
            order_hint_bits_minus_1: ORDER_BITS - 1,
            seq_force_integer_mv: SELECT,
            seq_force_screen_content_tools: 0,
            reserved1: [0; 5],
            pColorConfig: std::ptr::null(),
            pTimingInfo: std::ptr::null(),
        };
        header.flags.set_use_128x128_superblock(self.can.large_blocks.into());
        header.flags.set_enable_order_hint(1);
        header.flags.set_enable_cdef(1);
        header
    }

    /// What the samples are as colours.
    fn colours(&self, settings: &Settings) -> StdVideoAV1ColorConfig {
        let Colour { primaries, transfer, matrix, full_range } = settings.colour;
        let mut colours = StdVideoAV1ColorConfig {
            flags: StdVideoAV1ColorConfigFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
            BitDepth: self.can.depth.bits(),
            subsampling_x: 1,
            subsampling_y: 1,
            reserved1: 0,
            color_primaries: primaries.into(),
            transfer_characteristics: transfer.into(),
            matrix_coefficients: matrix.into(),
            chroma_sample_position: StdVideoAV1ChromaSamplePosition_STD_VIDEO_AV1_CHROMA_SAMPLE_POSITION_UNKNOWN,
        };
        colours.flags.set_color_range(full_range.into());
        colours.flags.set_color_description_present_flag(1);
        colours
    }

    fn frame(&self, coding: &Coding) -> StdVideoEncodeAV1PictureInfo {
        // SAFETY: numbers and pointers, for which zero is a value.
        let mut frame: StdVideoEncodeAV1PictureInfo = unsafe { std::mem::zeroed() };
        frame.flags = picture::SHOW_FRAME;
        (frame.frame_type, frame.order_hint) = (kind(coding.order), hint(coding.order));
        (frame.render_width_minus_1, frame.render_height_minus_1) = (word(self.size.0 - 1), word(self.size.1 - 1));
        frame.coded_denom = 0;
        frame.TxMode = StdVideoAV1TxMode_STD_VIDEO_AV1_TX_MODE_SELECT;
        for kept in &coding.kept {
            frame.ref_order_hint[usize::from(place(kept.order))] = hint(kept.order);
        }
        match coding.reference {
            Some(reference) => {
                frame.refresh_frame_flags = 1 << place(coding.order);
                frame.ref_frame_idx = [place(reference.order).cast_signed(); 7];
                frame.primary_ref_frame = if self.can.continues { self.can.name } else { NONE };
            }
            None => {
                frame.flags |= picture::ERROR_RESILIENT_MODE;
                (frame.refresh_frame_flags, frame.primary_ref_frame) = (u8::MAX, NONE);
            }
        }
        frame
    }
}

impl Syntax for Stream {
    fn with_sets(&self, settings: &Settings, create: &mut Create<'_>) -> vk::Result {
        let colours = self.colours(settings);
        let header = StdVideoAV1SequenceHeader { pColorConfig: &colours, ..self.sequence() };
        let point = StdVideoEncodeAV1OperatingPointInfo {
            flags: 0,
            operating_point_idc: 0,
            seq_level_idx: level(settings.level, self.can.most_level),
            seq_tier: 0,
            decoder_buffer_delay: 0,
            encoder_buffer_delay: 0,
            initial_display_delay_minus_1: 0,
        };
        create(&mut VideoEncodeAV1SessionParametersCreateInfoKHR {
            p_std_sequence_header: &header,
            std_operating_point_count: 1,
            p_std_operating_points: &point,
            ..Default::default()
        })
    }

    fn with_question(&self, ask: &mut Ask<'_>) -> vk::Result {
        // There is nothing to choose from.
        ask(None)
    }

    fn with_picture(&self, coding: &Coding, write: &mut dyn FnMut(Picture<'_>)) {
        let tiles = tiles();
        let mut frame = self.frame(coding);
        if self.can.spaces_tiles {
            frame.pTileInfo = &tiles;
        }
        let mut slots = [-1; 7];
        if let Some(reference) = coding.reference {
            slots[usize::from(self.can.name)] = reference.slot.into();
        }
        let (mode, group) = match coding.reference {
            Some(_) => (sys::PREDICTION_MODE_SINGLE_REFERENCE, sys::RATE_CONTROL_GROUP_PREDICTIVE),
            None => (sys::PREDICTION_MODE_INTRA_ONLY, sys::RATE_CONTROL_GROUP_INTRA),
        };
        let (setup, reference) = (slot(coding.order), slot(coding.reference.map_or(0, |reference| reference.order)));
        write(Picture {
            picture: &mut VideoEncodeAV1PictureInfoKHR {
                prediction_mode: mode,
                rate_control_group: group,
                constant_q_index: self.quantizer,
                p_std_picture_info: &frame,
                reference_name_slot_indices: slots,
                ..Default::default()
            },
            setup: &mut VideoEncodeAV1DpbSlotInfoKHR { p_std_reference_info: &setup, ..Default::default() },
            reference: &mut VideoEncodeAV1DpbSlotInfoKHR { p_std_reference_info: &reference, ..Default::default() },
        });
    }

    fn beginning(&self) -> &'static [u8] {
        &TEMPORAL_DELIMITER
    }
}

/// A frame that is kept, or will be, in a slot.
fn slot(order: u32) -> StdVideoEncodeAV1ReferenceInfo {
    StdVideoEncodeAV1ReferenceInfo {
        flags: 0,
        RefFrameId: 0,
        frame_type: kind(order),
        OrderHint: hint(order),
        reserved1: [0; 3],
        pExtensionHeader: std::ptr::null(),
    }
}

/// One, which is the whole frame.
fn tiles() -> StdVideoAV1TileInfo {
    let mut tiles = StdVideoAV1TileInfo {
        flags: StdVideoAV1TileInfoFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
        TileCols: 1,
        TileRows: 1,
        context_update_tile_id: 0,
        tile_size_bytes_minus_1: 3,
        reserved1: [0; 7],
        pMiColStarts: std::ptr::null(),
        pMiRowStarts: std::ptr::null(),
        pWidthInSbsMinus1: std::ptr::null(),
        pHeightInSbsMinus1: std::ptr::null(),
    };
    tiles.flags.set_uniform_tile_spacing_flag(1);
    tiles
}

const fn kind(order: u32) -> StdVideoAV1FrameType {
    match order {
        0 => StdVideoAV1FrameType_STD_VIDEO_AV1_FRAME_TYPE_KEY,
        _ => StdVideoAV1FrameType_STD_VIDEO_AV1_FRAME_TYPE_INTER,
    }
}

/// `order_hint` of a frame: its eight bits.
const fn hint(order: u32) -> u8 {
    order.to_le_bytes()[0]
}

/// The place of a frame among those that a decoder keeps: fewer are kept than there are.
const fn place(order: u32) -> u8 {
    order.to_le_bytes()[0] % 8
}

fn word(value: u32) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// `seq_level_idx`: the engine's highest at most, whatever that may lack.
fn level(wanted: u8, most: StdVideoAV1Level) -> u8 {
    wanted.min(u8::try_from(most).unwrap_or(u8::MAX))
}

/// `OrderHintBits`: far more frames than are kept.
const ORDER_BITS: u8 = 8;

/// `seq_force_integer_mv`, where each frame says it.
const SELECT: u8 = 2;

/// `primary_ref_frame` of what begins with fresh symbols.
const NONE: u8 = 7;

/// A unit without anything in it, with which a picture begins.
const TEMPORAL_DELIMITER: [u8; 2] = [2 << 3 | 2, 0];
