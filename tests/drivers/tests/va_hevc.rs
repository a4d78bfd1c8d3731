//! The VA driver's stand-in in HEVC, under the real libva: a correct program encodes, and
//! what others do is found out.

#[allow(dead_code, reason = "the stand-ins of NVIDIA's driver are other tests'")]
mod support;
#[path = "support/va.rs"]
mod va_program;

use earthshine_ffi::vaapi::bits::{hevc_picture, hevc_sequence, hevc_slice};
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, VaError, zeroed};
use support::{complaints, ledger_of};
use va_program::{Opened, assert_found, display};

/// An open encoder of 8 or 10 bits that has the driver write all headers.
struct Program {
    va: Opened,
    ten_bit: bool,
}

/// What a picture is encoded by.
struct Parameters {
    sequence: Option<VAEncSequenceParameterBufferHEVC>,
    picture: VAEncPictureParameterBufferHEVC,
    slice: VAEncSliceParameterBufferHEVC,
    header: Option<Vec<u8>>,
}

fn nothing() -> VAPictureHEVC {
    let mut picture: VAPictureHEVC = zeroed();
    (picture.picture_id, picture.flags) = (VA_INVALID_ID, VA_PICTURE_HEVC_INVALID);
    picture
}

impl Program {
    fn start(ten_bit: bool) -> Self {
        let profile = if ten_bit { VAProfile::VAProfileHEVCMain10 } else { VAProfile::VAProfileHEVCMain };
        let rate = [(VAConfigAttribType::VAConfigAttribRateControl, VA_RC_CQP)];
        Self { va: Opened::open(&display(), profile, ten_bit, &rate), ten_bit }
    }

    fn picture(&self, order: u8, flags: u32) -> VAPictureHEVC {
        let mut picture: VAPictureHEVC = zeroed();
        picture.picture_id = self.va.targets[usize::from(order % 3)].id();
        (picture.pic_order_cnt, picture.flags) = (order.into(), flags);
        picture
    }

    /// Correct ones of picture `order`, which refers to the one before.
    fn parameters(&self, order: u8) -> Parameters {
        let is_idr = order == 0;
        let mut sequence: VAEncSequenceParameterBufferHEVC = zeroed();
        (sequence.general_profile_idc, sequence.general_level_idc) = (if self.ten_bit { 2 } else { 1 }, 90);
        (sequence.ip_period, sequence.pic_width_in_luma_samples, sequence.pic_height_in_luma_samples) = (1, 64, 48);
        // Blocks from 32 to 8, transforms from 16 to 4.
        sequence.log2_diff_max_min_luma_coding_block_size = 2;
        sequence.log2_diff_max_min_transform_block_size = 2;
        hevc_sequence::CHROMA_FORMAT_IDC.set(&mut sequence.seq_fields, 1);
        let depth = if self.ten_bit { 2 } else { 0 };
        hevc_sequence::BIT_DEPTH_LUMA_MINUS8.set(&mut sequence.seq_fields, depth);
        hevc_sequence::BIT_DEPTH_CHROMA_MINUS8.set(&mut sequence.seq_fields, depth);
        let mut picture: VAEncPictureParameterBufferHEVC = zeroed();
        (picture.decoded_curr_pic, picture.reference_frames) = (self.picture(order, 0), [nothing(); 15]);
        (picture.coded_buf, picture.collocated_ref_pic_index, picture.pic_init_qp) = (self.va.coded.id(), 0xff, 26);
        picture.nal_unit_type = if is_idr { 20 } else { 1 };
        let fields = &mut picture.pic_fields;
        hevc_picture::IDR_PIC_FLAG.set(fields, is_idr.into());
        hevc_picture::CODING_TYPE.set(fields, if is_idr { 1 } else { 2 });
        hevc_picture::REFERENCE_PIC_FLAG.set(fields, 1);
        hevc_picture::TRANSFORM_SKIP_ENABLED_FLAG.set(fields, 1);
        hevc_picture::CU_QP_DELTA_ENABLED_FLAG.set(fields, 1);
        let mut slice: VAEncSliceParameterBufferHEVC = zeroed();
        (slice.num_ctu_in_slice, slice.max_num_merge_cand) = (4, 5);
        slice.slice_type = if is_idr { 2 } else { 1 };
        (slice.ref_pic_list0, slice.ref_pic_list1) = ([nothing(); 15], [nothing(); 15]);
        hevc_slice::LAST_SLICE_OF_PIC_FLAG.set(&mut slice.slice_fields, 1);
        if !is_idr {
            let reference = self.picture(order - 1, VA_PICTURE_HEVC_RPS_ST_CURR_BEFORE);
            (picture.reference_frames[0], slice.ref_pic_list0[0]) = (reference, reference);
        }
        Parameters { sequence: is_idr.then_some(sequence), picture, slice, header: None }
    }

    fn encode(&mut self, parameters: &Parameters) -> Result<Vec<u8>, VaError> {
        let context = &self.va.context;
        let mut buffers = Vec::new();
        if let Some(sequence) = &parameters.sequence {
            buffers.push(Buffer::parameter(context, sequence)?);
            let mut frames: VAEncMiscParameterFrameRate = zeroed();
            frames.framerate = 60;
            buffers.push(Buffer::misc(context, &frames)?);
        }
        buffers.push(Buffer::parameter(context, &parameters.picture)?);
        if let Some(bytes) = &parameters.header {
            let kind = VAEncPackedHeaderType::VAEncPackedHeaderSequence;
            buffers.extend(Buffer::packed(context, kind, bytes, bytes.len() * 8)?);
        }
        buffers.push(Buffer::parameter(context, &parameters.slice)?);
        self.va.encode(&buffers)
    }
}

fn kinds(bytes: &[u8]) -> Vec<u8> {
    bytes.windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| window[3] >> 1).collect()
}

#[test]
fn a_correct_program_encodes_and_leaves_nothing() {
    let ledger = ledger_of("a_correct_program_encodes_and_leaves_nothing", "", || {
        for ten_bit in [false, true] {
            let mut program = Program::start(ten_bit);
            for order in 0..4 {
                program.va.draw(40 + order / 2 * 64);
                let bytes = program.encode(&program.parameters(order)).expect("a picture");
                assert_eq!(kinds(&bytes), if order == 0 { vec![32, 33, 34, 20] } else { vec![1] });
                // What does not change is skipped.
                assert!(order % 2 == 0 || bytes.len() < 20, "{} bytes", bytes.len());
            }
        }
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
}

#[test]
fn mistakes_in_parameters_are_found() {
    type Change = fn(&Program, &mut Parameters);
    let mistakes: [(u8, Change, &str); 16] = [
        (0, |_, all| all.sequence = None, "sequence parameters is false"),
        (0, |_, all| all.slice.num_ctu_in_slice = 2, "blocks in all slices is 2"),
        (0, |_, all| all.slice.slice_type = 1, "slice_type is 1"),
        (0, |_, all| all.picture.nal_unit_type = 19, "nal_unit_type is 19"),
        (0, |_, all| hevc_picture::CODING_TYPE.set(&mut all.picture.pic_fields, 2), "coding_type is 2"),
        (0, |_, all| all.slice.slice_fields = 0, "last_slice_of_pic_flag is false"),
        (0, |_, all| all.slice.max_num_merge_cand = 0, "max_num_merge_cand is 0"),
        (0, |_, all| all.picture.va_reserved[2] = 1, "reserved words are not zero"),
        (0, |_, all| all.header = Some(vec![1, 2, 3]), "does not begin with a start code"),
        (1, |_, all| all.picture.decoded_curr_pic.pic_order_cnt = 0, "which is an IDR picture: false"),
        (1, |program, all| all.picture.decoded_curr_pic.picture_id = program.va.targets[0].id(), "be overwritten"),
        (1, |_, all| all.picture.reference_frames[0] = nothing(), "no picture is referred to"),
        (1, |_, all| all.picture.reference_frames[0].flags = 0, "no picture is referred to"),
        (1, |_, all| all.picture.reference_frames[0].pic_order_cnt = -1, "a reference's surface is"),
        (1, |_, all| all.slice.ref_pic_list0[0].pic_order_cnt = 3, "lists is "),
        (1, |program, all| all.slice.ref_pic_list1[0] = program.picture(0, 0), "lists is "),
    ];
    let ledger = ledger_of("mistakes_in_parameters_are_found", "", || {
        for (order, change, _) in mistakes {
            let mut program = Program::start(order == 0);
            program.va.draw(50);
            if order > 0 {
                program.encode(&program.parameters(0)).expect("a picture");
            }
            let mut parameters = program.parameters(order);
            change(&program, &mut parameters);
            assert!(program.encode(&parameters).is_err());
        }
    });
    let Some(ledger) = ledger else { return };
    assert_found(&ledger, mistakes.iter().map(|(_, _, text)| *text));
}
