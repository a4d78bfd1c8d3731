//! The VA driver's stand-in, under the real libva: a correct program encodes, and what
//! others do is found out.

#[allow(dead_code, reason = "the stand-ins of NVIDIA's driver are other tests'")]
mod support;
#[path = "support/va.rs"]
mod va_program;

use std::rc::Rc;

use earthshine_ffi::vaapi::bits::{h264_picture, h264_sequence};
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, Display, DmaBuf, DmaBufObject, DmaBufPlane, Surface, VaError, zeroed};
use support::{complaints, ledger_of};
use va_program::{Opened, SIZE, assert_found, display};

/// An open encoder that has the driver write all headers.
struct Program {
    display: Rc<Display>,
    va: Opened,
}

/// What a picture is encoded by.
struct Parameters {
    sequence: Option<VAEncSequenceParameterBufferH264>,
    rate: Option<VAEncMiscParameterRateControl>,
    picture: VAEncPictureParameterBufferH264,
    slice: VAEncSliceParameterBufferH264,
    header: Option<Vec<u8>>,
}

fn nothing() -> VAPictureH264 {
    let mut picture: VAPictureH264 = zeroed();
    (picture.picture_id, picture.flags) = (VA_INVALID_ID, VA_PICTURE_H264_INVALID);
    picture
}

impl Program {
    fn start() -> Self {
        let rate = [(VAConfigAttribType::VAConfigAttribRateControl, VA_RC_CBR)];
        let display = display();
        Self { va: Opened::open(&display, VAProfile::VAProfileH264ConstrainedBaseline, false, &rate), display }
    }

    fn picture(&self, order: u16, target: usize) -> VAPictureH264 {
        let mut picture: VAPictureH264 = zeroed();
        (picture.picture_id, picture.frame_idx) = (self.va.targets[target].id(), order.into());
        (picture.TopFieldOrderCnt, picture.BottomFieldOrderCnt) = (i32::from(order) * 2, i32::from(order) * 2);
        picture
    }

    /// Correct ones of picture `order`, which refers to the one before.
    fn parameters(&self, order: u16) -> Parameters {
        let is_idr = order == 0;
        let (target, before) = (usize::from(order % 2), usize::from((order + 1) % 2));
        let mut sequence: VAEncSequenceParameterBufferH264 = zeroed();
        (sequence.level_idc, sequence.ip_period, sequence.bits_per_second) = (30, 1, 1_000_000);
        (sequence.max_num_ref_frames, sequence.picture_width_in_mbs, sequence.picture_height_in_mbs) = (1, 4, 3);
        h264_sequence::CHROMA_FORMAT_IDC.set(&mut sequence.seq_fields, 1);
        h264_sequence::FRAME_MBS_ONLY_FLAG.set(&mut sequence.seq_fields, 1);
        h264_sequence::DIRECT_8X8_INFERENCE_FLAG.set(&mut sequence.seq_fields, 1);
        let mut rate: VAEncMiscParameterRateControl = zeroed();
        (rate.bits_per_second, rate.target_percentage) = (1_000_000, 100);
        let mut picture: VAEncPictureParameterBufferH264 = zeroed();
        (picture.CurrPic, picture.ReferenceFrames) = (self.picture(order, target), [nothing(); 16]);
        (picture.coded_buf, picture.frame_num, picture.pic_init_qp) = (self.va.coded.id(), order, 26);
        h264_picture::IDR_PIC_FLAG.set(&mut picture.pic_fields, is_idr.into());
        h264_picture::REFERENCE_PIC_FLAG.set(&mut picture.pic_fields, 1);
        h264_picture::DEBLOCKING_FILTER_CONTROL_PRESENT_FLAG.set(&mut picture.pic_fields, 1);
        let mut slice: VAEncSliceParameterBufferH264 = zeroed();
        (slice.num_macroblocks, slice.macroblock_info) = (12, VA_INVALID_ID);
        (slice.slice_type, slice.pic_order_cnt_lsb) = (if is_idr { 2 } else { 0 }, order * 2);
        (slice.idr_pic_id, slice.RefPicList0, slice.RefPicList1) = (0, [nothing(); 32], [nothing(); 32]);
        if !is_idr {
            let reference = self.picture(order - 1, before);
            (picture.ReferenceFrames[0], slice.RefPicList0[0]) = (reference, reference);
        }
        Parameters { sequence: is_idr.then_some(sequence), rate: is_idr.then_some(rate), picture, slice, header: None }
    }

    fn buffers(&self, parameters: &Parameters) -> Result<Vec<Buffer>, VaError> {
        let context = &self.va.context;
        let mut buffers = Vec::new();
        if let Some(sequence) = &parameters.sequence {
            buffers.push(Buffer::parameter(context, sequence)?);
            let mut frames: VAEncMiscParameterFrameRate = zeroed();
            frames.framerate = 60;
            buffers.push(Buffer::misc(context, &frames)?);
        }
        if let Some(rate) = &parameters.rate {
            let mut buffering: VAEncMiscParameterHRD = zeroed();
            buffering.buffer_size = 100_000;
            buffers.push(Buffer::misc(context, rate)?);
            buffers.push(Buffer::misc(context, &buffering)?);
        }
        buffers.push(Buffer::parameter(context, &parameters.picture)?);
        if let Some(bytes) = &parameters.header {
            let kind = VAEncPackedHeaderType::VAEncPackedHeaderSequence;
            buffers.extend(Buffer::packed(context, kind, bytes, bytes.len() * 8)?);
        }
        buffers.push(Buffer::parameter(context, &parameters.slice)?);
        Ok(buffers)
    }

    fn submit(&self, parameters: &Parameters) -> Result<(), VaError> {
        self.va.context.encode(&self.va.input, &self.buffers(parameters)?)
    }

    fn encode(&mut self, parameters: &Parameters) -> Result<Vec<u8>, VaError> {
        let buffers = self.buffers(parameters)?;
        self.va.encode(&buffers)
    }
}

fn kinds(bytes: &[u8]) -> Vec<u8> {
    bytes.windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| window[3] & 0x1f).collect()
}

#[test]
fn a_correct_program_encodes_and_leaves_nothing() {
    let ledger = ledger_of("a_correct_program_encodes_and_leaves_nothing", "cap profiles 1", || {
        let mut program = Program::start();
        assert!(program.display.vendor().contains("stand-in"));
        for order in 0..3 {
            program.va.draw(40);
            let bytes = program.encode(&program.parameters(order)).expect("a picture");
            assert_eq!(kinds(&bytes), if order == 0 { vec![7, 8, 5] } else { vec![1] });
            // What does not change is skipped.
            assert_eq!(order == 0, bytes.len() > 64 * 48 * 3 / 2, "{} bytes", bytes.len());
        }
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    let firsts: Vec<_> = ledger.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(firsts, ["display", "open", "settings", "stream", "idr", "close"]);
}

#[test]
fn mistakes_in_parameters_are_found() {
    type Change = fn(&Program, &mut Parameters);
    let mistakes: [(u16, Change, &str); 14] = [
        (0, |_, all| all.sequence = None, "sequence parameters is false"),
        (0, |_, all| all.rate = None, "no rate, or no buffer, before the first picture"),
        (0, |_, all| all.slice.num_macroblocks = 8, "blocks in all slices is 8"),
        (0, |_, all| all.slice.slice_type = 0, "slice_type is 0"),
        (0, |_, all| all.picture.CurrPic.picture_id = 7, "surface 0x7 is none"),
        (0, |program, all| all.picture.CurrPic.picture_id = program.va.input.id(), "somebody else's surface"),
        (0, |program, all| all.picture.coded_buf = program.va.input.id(), "is unknown, or destroyed"),
        (0, |_, all| all.header = Some(vec![1, 2, 3]), "does not begin with a start code"),
        (0, |_, all| all.picture.va_reserved[2] = 1, "reserved words are not zero"),
        (1, |_, all| all.picture.frame_num = 2, "frame_num is 2, and has to be 1"),
        (1, |_, all| all.slice.pic_order_cnt_lsb = 4, "pic_order_cnt_lsb is 4"),
        (1, |_, all| all.picture.ReferenceFrames[0] = nothing(), "a decoder keeps [("),
        (1, |_, all| all.slice.RefPicList0[0].frame_idx = 9, "is no reference"),
        (1, |program, all| all.picture.CurrPic.picture_id = program.va.targets[0].id(), "would be overwritten"),
    ];
    let ledger = ledger_of("mistakes_in_parameters_are_found", "cap profiles 1", || {
        for (order, change, _) in mistakes {
            let mut program = Program::start();
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

#[test]
fn mistakes_in_order_are_found() {
    let ledger = ledger_of("mistakes_in_order_are_found", "cap profiles 1", || {
        let mut program = Program::start();
        assert!(program.va.coded.read(&mut Vec::new()).is_err());
        assert!(program.submit(&program.parameters(0)).is_err(), "nothing was drawn");
        program.va.draw(60);
        program.submit(&program.parameters(0)).expect("a picture");
        assert!(program.va.coded.read(&mut Vec::new()).is_err(), "not waited for");
        assert!(program.va.input.derive().is_err(), "still being encoded");
        assert!(program.submit(&program.parameters(1)).is_err(), "still being encoded");
        program.va.input.sync().expect("it is done");
        assert!(program.submit(&program.parameters(1)).is_err(), "not fetched");
        program.va.coded.read(&mut Vec::new()).expect("a picture");
        let image = program.va.targets[0].derive();
        assert!(image.expect("an image").map().is_err(), "a reference");
        let forgotten = Surface::create(&program.display, VA_RT_FORMAT_YUV420, VA_FOURCC_NV12, SIZE);
        std::mem::forget(forgotten.expect("a surface"));
    });
    let Some(ledger) = ledger else { return };
    // The surface that was forgotten keeps the display, so nobody ends that.
    assert_found(
        &ledger,
        [
            "no picture was encoded into the buffer",
            "nobody drew anything into the surface",
            "was not waited for",
            "was not waited for",
            "was not waited for",
            "holds a picture that was not fetched",
            "is a reference",
        ],
    );
}

#[test]
fn a_picture_of_somebody_elses_memory_is_encoded() {
    let ledger = ledger_of("a_picture_of_somebody_elses_memory_is_encoded", "cap profiles 1", || {
        use std::os::fd::AsFd;
        let mut program = Program::start();
        let file = tempfile::tempfile().expect("a file");
        std::os::unix::fs::FileExt::write_all_at(&file, &[70; 80 * 80], 0).expect("pixels");
        let object = |modifier| DmaBufObject { descriptor: file.as_fd(), size: 80 * 80, modifier };
        let plane = |offset| DmaBufPlane { object: 0, offset, pitch: 80 };
        let picture = |modifier| DmaBuf {
            fourcc: VA_FOURCC_NV12,
            drm_format: VA_FOURCC_NV12,
            width: SIZE.0,
            height: SIZE.1,
            objects: vec![object(modifier)],
            planes: vec![plane(16), plane(80 * 50)],
        };
        program.va.input = Surface::import(&program.display, VA_RT_FORMAT_YUV420, &picture(0)).expect("a surface");
        let bytes = program.encode(&program.parameters(0)).expect("a picture");
        let pixels = bytes.iter().filter(|byte| **byte == 70).count();
        assert!(pixels >= 64 * 48 * 3 / 2, "{pixels} pixels of it");
        assert!(Surface::import(&program.display, VA_RT_FORMAT_YUV420, &picture(1)).is_err(), "unknown tiling");
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}
