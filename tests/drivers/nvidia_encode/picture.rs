//! Pictures: encoded one by one, and forgotten when a client lost them.

use std::ffi::c_void;

use earthshine_drivers::ledger;
use earthshine_ffi::nvenc::constants::API_VERSION;
use earthshine_ffi::nvenc::sys::*;

use crate::bitstream::Coded;
use crate::capabilities::Capabilities;
use crate::codec::Codec;
use crate::codec_part::CodecPart;
use crate::cuda;
use crate::encoder::Running;
use crate::nal;
use crate::session::{Session, with};
use crate::surface::Surface;
use crate::words::{Result, record, require, require_blank, require_version, require_word};

fn encode(session: &mut Session, parameters: &NV_ENC_PIC_PARAMS) -> Result {
    require_version::<NV_ENC_PIC_PARAMS>(parameters.version)?;
    require_blank!(parameters, reserved1, reserved2, reservedBitFields, reserved3, reserved4);
    let flags = parameters.encodePicFlags;
    require(flags & !KNOWN_FLAGS == 0, INVALID, || format!("unknown flags {flags:#x}"))?;
    session.require_running()?;
    if flags & NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_EOS.0 != 0 {
        return check_end(parameters);
    }
    let (input, output) = (parameters.inputBuffer.addr(), parameters.outputBitstream.addr());
    let surface = session.surfaces.find_mapped(input)?;
    session.bitstreams.require_empty(output)?;
    let context = session.context;
    let running = session.require_running()?;
    check_picture(running, &surface, parameters)?;
    let part = CodecPart::read(parameters, &running.settings)?;
    part.check(running, forces_idr(parameters))?;
    if let Some(stream) = running.input_stream {
        cuda::synchronize(stream)?;
    }
    let pixels = cuda::read(surface.address, surface.size(), context)?;
    let (bytes, coded) = run(running, &surface, &pixels, parameters)?;
    let bytes = part.put_into(&bytes);
    session.bitstreams.fill(output, &bytes, pixels, coded)
}

/// The programming guide: the end of the stream has no input.
fn check_end(parameters: &NV_ENC_PIC_PARAMS) -> Result {
    require(parameters.inputBuffer.is_null(), INVALID, || "the end of the stream comes with a picture".to_owned())
}

fn check_picture(running: &Running, surface: &Surface, parameters: &NV_ENC_PIC_PARAMS) -> Result {
    let (settings, size) = (&running.settings, (parameters.inputWidth, parameters.inputHeight));
    require(size == (settings.width, settings.height), INVALID, || {
        format!("a picture of {}x{} for an encoder of {}x{}", size.0, size.1, settings.width, settings.height)
    })?;
    require(surface.width >= size.0 && surface.height >= size.1, INVALID, || {
        format!("the input is {}x{} and its picture larger", surface.width, surface.height)
    })?;
    let is_same = parameters.inputPitch == 0 || parameters.inputPitch == surface.pitch;
    require(is_same, INVALID, || format!("pitch {}, registered with {}", parameters.inputPitch, surface.pitch))?;
    require(parameters.bufferFmt == surface.format, INVALID, || {
        format!("format {:#x}, registered with {:#x}", parameters.bufferFmt.0, surface.format.0)
    })?;
    let is_frame = parameters.pictureStruct == NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME;
    require(is_frame && parameters.completionEvent.is_null(), INVALID, || {
        "only whole frames, without events".to_owned()
    })?;
    let ascends = running.last_timestamp().is_none_or(|last| parameters.inputTimeStamp > last);
    require(ascends, INVALID, || format!("timestamp {} does not ascend", parameters.inputTimeStamp))?;
    Ok(())
}

const fn forces_idr(parameters: &NV_ENC_PIC_PARAMS) -> bool {
    parameters.encodePicFlags & NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_FORCEIDR.0 != 0
}

fn run(
    running: &mut Running,
    surface: &Surface,
    pixels: &[u8],
    parameters: &NV_ENC_PIC_PARAMS,
) -> Result<(Vec<u8>, Coded)> {
    let flags = parameters.encodePicFlags;
    let forced = forces_idr(parameters);
    let number = running.frames;
    let frame = running.encode(surface, pixels, forced, parameters.inputTimeStamp)?;
    if forced {
        ledger::event(&format!("idr {number}"));
    }
    // OpenH264 writes parameter sets before every IDR frame; NVENC before the first,
    // and then only where it is told to. What the program makes is left as it is.
    let asked = flags & NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_OUTPUT_SPSPPS.0 != 0;
    let has_headers =
        running.settings.codec != Codec::H264 || number == 0 || running.settings.part.repeat_headers || asked;
    let bytes = if has_headers { frame.bytes } else { nal::only(&frame.bytes, false) };
    let coded = Coded {
        input: parameters.inputBuffer.addr(),
        index: parameters.frameIdx,
        timestamp: parameters.inputTimeStamp,
        duration: parameters.inputDuration,
        is_idr: frame.is_idr,
        quantizer: frame.quantizer,
    };
    Ok((bytes, coded))
}

/// A GPU goes on from an older frame that is not forgotten. OpenH264 cannot here: it
/// knows one reference, so the next frame is an IDR frame, and the ledger says why.
fn invalidate(session: &mut Session, timestamp: u64) -> Result {
    let running = session.require_running()?;
    let can = Capabilities::read(running.settings.codec).has(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_REF_PIC_INVALIDATION);
    require(can, NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM, || "frames cannot be invalidated here".to_owned())?;
    require(running.has_encoded(timestamp), INVALID, || format!("no frame of timestamp {timestamp} was encoded"))?;
    running.owes_idr = true;
    ledger::event(&format!("invalidate {timestamp}"));
    Ok(())
}

fn put_parameter_sets(session: &mut Session, payload: &NV_ENC_SEQUENCE_PARAM_PAYLOAD) -> Result {
    require_word(payload.version, PAYLOAD_VERSION, "NV_ENC_SEQUENCE_PARAM_PAYLOAD")?;
    require_blank!(payload, reserved, reserved2);
    let sets = session.require_running()?.parameter_sets()?;
    require(sets.len() <= payload.inBufferSize as usize, INVALID, || {
        format!("{} bytes of parameter sets do not fit in {}", sets.len(), payload.inBufferSize)
    })?;
    // SAFETY: the header: a buffer of `inBufferSize` bytes, and a word.
    let (target, size) = unsafe { (record(payload.spsppsBuffer.cast::<u8>())?, record(payload.outSPSPPSPayloadSize)?) };
    // SAFETY: as above.
    unsafe { std::ptr::from_mut(target).copy_from_nonoverlapping(sets.as_ptr(), sets.len()) };
    *size = u32::try_from(sets.len()).unwrap_or(0);
    Ok(())
}

pub(crate) unsafe extern "C" fn encode_picture(
    encoder: *mut c_void,
    parameters: *mut NV_ENC_PIC_PARAMS,
) -> NVENCSTATUS {
    with("nvEncEncodePicture", encoder, |session| {
        // SAFETY: the caller's contract.
        encode(session, unsafe { record(parameters) }?)
    })
}

pub(crate) unsafe extern "C" fn invalidate_ref_frames(encoder: *mut c_void, timestamp: u64) -> NVENCSTATUS {
    with("nvEncInvalidateRefFrames", encoder, |session| invalidate(session, timestamp))
}

pub(crate) unsafe extern "C" fn get_sequence_params(
    encoder: *mut c_void,
    payload: *mut NV_ENC_SEQUENCE_PARAM_PAYLOAD,
) -> NVENCSTATUS {
    with("nvEncGetSequenceParams", encoder, |session| {
        // SAFETY: the caller's contract.
        put_parameter_sets(session, unsafe { record(payload) }?)
    })
}

/// The arguments point to streams, which is easily got wrong: they are not streams.
pub(crate) unsafe extern "C" fn set_io_cuda_streams(
    encoder: *mut c_void,
    input: NV_ENC_CUSTREAM_PTR,
    output: NV_ENC_CUSTREAM_PTR,
) -> NVENCSTATUS {
    with("nvEncSetIOCudaStreams", encoder, |session| {
        // SAFETY: the caller's contract.
        let (input, output) = unsafe { (*record(input.cast::<usize>())?, *record(output.cast::<usize>())?) };
        let running = session.require_running()?;
        cuda::synchronize(input)?;
        cuda::synchronize(output)?;
        running.input_stream = Some(input);
        Ok(())
    })
}

const INVALID: NVENCSTATUS = NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM;
/// `NV_ENC_SEQUENCE_PARAM_PAYLOAD_VER`.
const PAYLOAD_VERSION: u32 = API_VERSION | (1 << 16) | (7 << 28);
/// `NV_ENC_PIC_FLAGS` that there are.
const KNOWN_FLAGS: u32 = 0x3f;
