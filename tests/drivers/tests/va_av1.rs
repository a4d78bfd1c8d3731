//! The VA driver's stand-in in AV1, under the real libva: a correct program encodes, and
//! what others do is found out.

#[allow(dead_code, reason = "the stand-ins of NVIDIA's driver are other tests'")]
mod support;
#[path = "support/va.rs"]
mod va_program;

use earthshine_ffi::vaapi::bits::{av1_mode_control, av1_picture, av1_reference_control, av1_sequence};
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, VaError, zeroed};
use support::{complaints, ledger_of};
use va_program::{Opened, SIZE, assert_found, display};

/// An open encoder that takes headers from the program.
struct Program {
    va: Opened,
    ten_bit: bool,
}

/// What a picture is encoded by.
struct Parameters {
    sequence: Option<VAEncSequenceParameterBufferAV1>,
    picture: VAEncPictureParameterBufferAV1,
    tiles: VAEncTileGroupBufferAV1,
    sequence_header: Option<Header>,
    header: Option<Header>,
}

/// A header, by what its bits are called: values and widths.
#[derive(Clone)]
struct Header {
    kind: u8,
    fields: Vec<(&'static str, u32, u32)>,
}

impl Header {
    fn of_sequence(ten_bit: bool) -> Self {
        let fields = vec![
            ("profile, still, reduced, timing, delay", 0, 7),
            ("operating points", 0, 17),
            ("seq_level_idx", 0, 5),
            ("frame_width_bits_minus_1", 5, 4),
            ("frame_height_bits_minus_1", 5, 4),
            ("max_frame_width_minus_1", SIZE.0 - 1, 6),
            ("max_frame_height_minus_1", SIZE.1 - 1, 6),
            ("frame_id_numbers_present_flag", 0, 1),
            ("use_128x128_superblock", 0, 1),
            ("intra tools", 0, 2),
            ("inter tools", 0, 4),
            ("enable_order_hint", 1, 1),
            ("what needs it", 0, 2),
            ("screen content", 0, 2),
            ("order_hint_bits_minus_1", 6, 3),
            ("superres, cdef, restoration", 0b010, 3),
            ("high_bitdepth", ten_bit.into(), 1),
            ("mono_chrome", 0, 1),
            ("color_description_present_flag", 1, 1),
            ("code points", 0x01_01_01, 24),
            ("color_range", 0, 1),
            ("chroma", 0, 3),
            ("film grain", 0, 1),
        ];
        Self { kind: 1, fields }
    }

    fn of_frame(order: u8) -> Self {
        let is_key = order == 0;
        let mut fields = vec![("show_existing_frame", 0, 1), ("frame_type", u32::from(!is_key), 2)];
        fields.push(("show_frame", 1, 1));
        if !is_key {
            fields.push(("error_resilient_mode", 0, 1));
        }
        fields.extend([("disable_cdf_update", 0, 1), ("frame_size_override_flag", 0, 1)]);
        fields.push(("order_hint", order.into(), 7));
        if !is_key {
            fields.extend([("primary_ref_frame", 0, 3), ("refresh_frame_flags", 1 << (order % 3), 8)]);
            fields.push(("frame_refs_short_signaling", 0, 1));
            fields.extend([("ref_frame_idx", u32::from((order - 1) % 3), 3); 7]);
        }
        fields.push(("render_and_frame_size_different", 0, 1));
        if !is_key {
            fields.push(("motion", 0, 5));
        }
        fields.extend([("disable_frame_end_update_cdf", 0, 1), ("uniform_tile_spacing_flag", 1, 1)]);
        fields.extend([("base_q_idx", 60, 8), ("other quantizers", 0, 4)]);
        fields.extend([("segmentation_enabled", 0, 1), ("delta_q_present", 0, 1)]);
        fields.extend([("loop_filter_level", 9, 6); 4]);
        fields.extend([("sharpness and deltas", 0, 4), ("cdef", 0, 16), ("tx_mode_select", 1, 1)]);
        if !is_key {
            fields.push(("reference_select", 0, 1));
        }
        fields.push(("reduced_tx_set", 0, 1));
        if !is_key {
            fields.push(("global motion", 0, 7));
        }
        Self { kind: 3, fields }
    }

    fn set(&mut self, name: &str, value: u32) {
        let fields = self.fields.iter_mut().filter(|(known, _, _)| *known == name);
        assert!(fields.map(|(_, old, _)| *old = value).count() > 0, "no {name}");
    }

    /// Bits up to the first of that name, from the unit's beginning.
    fn offset(&self, name: &str) -> u32 {
        40 + self.fields.iter().take_while(|(known, _, _)| *known != name).map(|(_, _, width)| width).sum::<u32>()
    }

    /// A unit that says its size in four bytes.
    fn unit(&self) -> Vec<u8> {
        let bits = self.fields.iter().flat_map(|&(_, value, width)| (0..width).rev().map(move |bit| value >> bit & 1));
        let mut bits: Vec<u32> = bits.chain([1]).collect();
        bits.resize(bits.len().next_multiple_of(8), 0);
        let payload = bits.chunks(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit.to_le_bytes()[0]));
        let size = u8::try_from(bits.len() / 8).expect("less than 128 bytes");
        [self.kind << 3 | 2, size | 0x80, 0x80, 0x80, 0].into_iter().chain(payload).collect()
    }
}

impl Program {
    fn start(ten_bit: bool) -> Self {
        let packed = VA_ENC_PACKED_HEADER_SEQUENCE | VA_ENC_PACKED_HEADER_PICTURE;
        let attributes = [
            (VAConfigAttribType::VAConfigAttribRateControl, VA_RC_CBR),
            (VAConfigAttribType::VAConfigAttribEncPackedHeaders, packed),
        ];
        Self { va: Opened::open(&display(), VAProfile::VAProfileAV1Profile0, ten_bit, &attributes), ten_bit }
    }

    /// Correct ones of picture `order`, which refers to the one before.
    fn parameters(&self, order: u8) -> Parameters {
        let is_key = order == 0;
        let mut sequence: VAEncSequenceParameterBufferAV1 = zeroed();
        (sequence.ip_period, sequence.bits_per_second, sequence.order_hint_bits_minus_1) = (1, 1_000_000, 6);
        for (bits, value) in [
            (av1_sequence::ENABLE_ORDER_HINT, 1),
            (av1_sequence::ENABLE_CDEF, 1),
            (av1_sequence::BIT_DEPTH_MINUS8, if self.ten_bit { 2 } else { 0 }),
            (av1_sequence::SUBSAMPLING_X, 1),
            (av1_sequence::SUBSAMPLING_Y, 1),
        ] {
            bits.set(&mut sequence.seq_fields, value);
        }
        let header = Header::of_frame(order);
        let mut picture: VAEncPictureParameterBufferAV1 = zeroed();
        (picture.frame_width_minus_1, picture.frame_height_minus_1) = (63, 47);
        picture.reconstructed_frame = self.va.targets[usize::from(order % 3)].id();
        (picture.coded_buf, picture.order_hint) = (self.va.coded.id(), order);
        picture.reference_frames = [VA_INVALID_ID; 8];
        (picture.primary_ref_frame, picture.refresh_frame_flags) = (7, 0xff);
        av1_picture::ERROR_RESILIENT_MODE.set(&mut picture.picture_flags, is_key.into());
        if !is_key {
            let before = (order - 1) % 3;
            picture.reference_frames[usize::from(before)] = self.va.targets[usize::from(before)].id();
            (picture.ref_frame_idx, picture.primary_ref_frame) = ([before; 7], 0);
            picture.refresh_frame_flags = 1 << (order % 3);
            av1_picture::FRAME_TYPE.set(&mut picture.picture_flags, 1);
            av1_reference_control::SEARCH_IDX0.set(&mut picture.ref_frame_ctrl_l0, 1);
        }
        (picture.base_qindex, picture.min_base_qindex, picture.max_base_qindex) = (60, 1, 255);
        (picture.filter_level, picture.filter_level_u, picture.filter_level_v) = ([9; 2], 9, 9);
        av1_mode_control::TX_MODE.set(&mut picture.mode_control_flags, 2);
        (picture.tile_cols, picture.tile_rows) = (1, 1);
        picture.bit_offset_qindex = header.offset("base_q_idx");
        picture.bit_offset_loopfilter_params = header.offset("loop_filter_level");
        picture.bit_offset_cdef_params = header.offset("cdef");
        (picture.size_in_bits_cdef_params, picture.byte_offset_frame_hdr_obu_size) = (16, 1);
        picture.size_in_bits_frame_hdr_obu = u32::try_from(header.unit().len() * 8).expect("few");
        Parameters {
            sequence: is_key.then_some(sequence),
            picture,
            tiles: zeroed(),
            sequence_header: is_key.then(|| Header::of_sequence(self.ten_bit)),
            header: Some(header),
        }
    }

    fn encode(&mut self, parameters: &Parameters) -> Result<Vec<u8>, VaError> {
        let context = &self.va.context;
        let mut buffers = Vec::new();
        if let Some(sequence) = &parameters.sequence {
            buffers.push(Buffer::parameter(context, sequence)?);
            let mut rate: VAEncMiscParameterRateControl = zeroed();
            (rate.bits_per_second, rate.target_percentage) = (1_000_000, 100);
            buffers.push(Buffer::misc(context, &rate)?);
            let mut buffering: VAEncMiscParameterHRD = zeroed();
            (buffering.buffer_size, buffering.initial_buffer_fullness) = (20_000, 10_000);
            buffers.push(Buffer::misc(context, &buffering)?);
            let mut frames: VAEncMiscParameterFrameRate = zeroed();
            frames.framerate = 60;
            buffers.push(Buffer::misc(context, &frames)?);
        }
        buffers.push(Buffer::parameter(context, &parameters.picture)?);
        for (kind, header) in [
            (VAEncPackedHeaderType::VAEncPackedHeaderSequence, &parameters.sequence_header),
            (VAEncPackedHeaderType::VAEncPackedHeaderPicture, &parameters.header),
        ] {
            if let Some(unit) = header.as_ref().map(Header::unit) {
                buffers.extend(Buffer::packed(context, kind, &unit, unit.len() * 8)?);
            }
        }
        buffers.push(Buffer::parameter(context, &parameters.tiles)?);
        self.va.encode(&buffers)
    }
}

/// Units by their kind, with their payloads.
fn units(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut units = Vec::new();
    while let [header, a, b, c, d, rest @ ..] = bytes {
        let size = [a, b, c, d].iter().rev().fold(0, |size, byte| size << 7 | usize::from(*byte & 0x7f));
        units.push((header >> 3, &rest[..size]));
        bytes = &rest[size..];
    }
    units
}

#[test]
fn a_correct_program_encodes_and_leaves_nothing() {
    let ledger = ledger_of("a_correct_program_encodes_and_leaves_nothing", "", || {
        for ten_bit in [false, true] {
            let mut program = Program::start(ten_bit);
            for order in 0..8 {
                program.va.draw(40 + order / 2 * 20);
                let parameters = program.parameters(order);
                let bytes = program.encode(&parameters).expect("a picture");
                let units = units(&bytes);
                let kinds: Vec<_> = units.iter().map(|(kind, _)| *kind).collect();
                assert_eq!(kinds, if order == 0 { vec![1, 3, 4] } else { vec![3, 4] });
                // The driver's filter has no levels of chroma, and neither sharpness nor deltas.
                let bits = parameters.header.expect("a header").offset("the end") - 40 - 12 + 1;
                assert_eq!(units[units.len() - 2].1.len(), bits.div_ceil(8) as usize);
                // What does not change is skipped.
                let tile = units[units.len() - 1].1;
                assert!(order % 2 == 0 || tile.len() < 20, "{} bytes", tile.len());
            }
        }
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
}

#[test]
fn mistakes_in_parameters_and_headers_are_found() {
    fn header(all: &mut Parameters) -> &mut Header {
        all.header.as_mut().expect("a header")
    }
    type Change = fn(&Program, &mut Parameters);
    let mistakes: [(u8, Change, &str); 24] = [
        (0, |_, all| all.sequence = None, "sequence parameters is false"),
        (0, |_, all| all.sequence_header = None, "packed sequence header is false"),
        (0, |_, all| all.header = None, "packed frame header is false"),
        (0, |_, all| all.tiles.tg_end = 1, "tiles of the group is (0, 1)"),
        (0, |_, all| all.picture.va_reserved[2] = 1, "reserved words are not zero"),
        (0, |_, all| all.picture.order_hint = 1, "packed frame header is "),
        (0, |_, all| all.picture.tile_cols = 2, "tiles, as many as this looks into is"),
        (0, |_, all| all.picture.min_base_qindex = 2, "quantizers of 2..=255"),
        (0, |_, all| all.picture.bit_offset_qindex += 1, "offsets is "),
        (0, |_, all| all.picture.bit_offset_segmentation = 90, "offsets is "),
        (0, |_, all| all.picture.size_in_bits_frame_hdr_obu -= 8, "offsets is "),
        (0, |_, all| header(all).set("disable_cdf_update", 1), "disable_cdf_update, and another size is 2"),
        (0, |_, all| header(all).set("segmentation_enabled", 1), "segmentation, and quantizers that differ is 2"),
        (0, |_, all| header(all).set("base_q_idx", 61), "packed frame header is "),
        (0, |_, all| header(all).set("cdef", 1), "cdef_params() is 1"),
        (0, |_, all| header(all).fields.push(("more", 1, 1)), "does not end with zeros"),
        (
            0,
            |_, all| all.sequence_header.as_mut().expect("one").set("max_frame_width_minus_1", 62),
            "packed sequence header is ",
        ),
        (
            0,
            |_, all| all.sequence_header.as_mut().expect("one").set("use_128x128_superblock", 1),
            "packed sequence header is ",
        ),
        (1, |_, all| header(all).set("ref_frame_idx", 2), "packed frame header is "),
        (1, |_, all| header(all).set("refresh_frame_flags", 4), "packed frame header is "),
        (1, |_, all| all.picture.reference_frames[0] = VA_INVALID_ID, "the reference's surface is "),
        (1, |_, all| all.picture.ref_frame_ctrl_l0 = 0, "references by name is 0"),
        (1, |program, all| all.picture.reconstructed_frame = program.va.targets[0].id(), "be overwritten"),
        (1, |_, all| av1_picture::FRAME_TYPE.set(&mut all.picture.picture_flags, 2), "frame_type 2"),
    ];
    let ledger = ledger_of("mistakes_in_parameters_and_headers_are_found", "", || {
        for (order, change, said) in mistakes {
            let mut program = Program::start(order == 0);
            program.va.draw(50);
            if order > 0 {
                program.encode(&program.parameters(0)).expect("a picture");
            }
            let mut parameters = program.parameters(order);
            change(&program, &mut parameters);
            assert!(program.encode(&parameters).is_err(), "{said}");
        }
    });
    let Some(ledger) = ledger else { return };
    assert_found(&ledger, mistakes.iter().map(|(_, _, text)| *text));
}
