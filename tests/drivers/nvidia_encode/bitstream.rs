//! Output: buffers that pictures are encoded into, and fetched from while locked.

use std::collections::HashMap;
use std::ffi::c_void;

use earthshine_ffi::nvenc::sys::*;

use crate::cuda;
use crate::nal;
use crate::session::{Session, give_back, with};
use crate::words::{Result, record, require, require_blank, require_version, violation};

/// Output buffers of a session.
#[derive(Default)]
pub(crate) struct Bitstreams {
    buffers: HashMap<usize, Buffer>,
}

#[derive(Default)]
struct Buffer {
    state: State,
    /// What the input held when the picture was encoded.
    pixels: Vec<u8>,
    /// Stays where it is from one picture to the next, as in the driver: who reads
    /// on after the unlock reads rubbish.
    bytes: Vec<u8>,
}

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Coded(Coded),
    Locked,
}

/// A picture in its buffer.
#[derive(Clone, Copy)]
pub(crate) struct Coded {
    /// Mapped input that it is encoded from.
    pub(crate) input: usize,
    pub(crate) index: u32,
    pub(crate) timestamp: u64,
    pub(crate) duration: u64,
    pub(crate) is_idr: bool,
    pub(crate) quantizer: u8,
}

impl Bitstreams {
    pub(crate) fn count(&self) -> usize {
        self.buffers.len()
    }

    pub(crate) fn is_encoding(&self, input: usize) -> bool {
        self.buffers.values().any(|buffer| matches!(&buffer.state, State::Coded(coded) if coded.input == input))
    }

    /// A buffer that a picture may be encoded into.
    pub(crate) fn require_empty(&mut self, handle: usize) -> Result {
        match self.find(handle)?.state {
            State::Empty => Ok(()),
            State::Coded(_) => Err(violation(INVALID_CALL, "the buffer holds a picture that was not fetched")),
            State::Locked => Err(violation(NVENCSTATUS::NV_ENC_ERR_LOCK_BUSY, "the buffer is locked")),
        }
    }

    pub(crate) fn fill(&mut self, handle: usize, bytes: &[u8], pixels: Vec<u8>, coded: Coded) -> Result {
        let buffer = self.find(handle)?;
        buffer.bytes.clear();
        buffer.bytes.extend_from_slice(bytes);
        buffer.pixels = pixels;
        buffer.state = State::Coded(coded);
        Ok(())
    }

    fn find(&mut self, handle: usize) -> Result<&mut Buffer> {
        let unknown = || violation(NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, "the bitstream buffer is unknown");
        self.buffers.get_mut(&handle).ok_or_else(unknown)
    }
}

fn create(session: &mut Session, parameters: &NV_ENC_CREATE_BITSTREAM_BUFFER) -> Result<usize> {
    require_version::<NV_ENC_CREATE_BITSTREAM_BUFFER>(parameters.version)?;
    require_blank!(parameters, reserved, reserved1, reserved2);
    session.require_running()?;
    let handle = session.new_handle();
    session.bitstreams.buffers.insert(handle, Buffer::default());
    Ok(handle)
}

fn destroy(session: &mut Session, handle: usize) -> Result {
    let is_locked = matches!(session.bitstreams.find(handle)?.state, State::Locked);
    require(!is_locked, INVALID_CALL, || "the buffer is locked".to_owned())?;
    session.bitstreams.buffers.remove(&handle);
    Ok(())
}

fn lock(session: &mut Session, parameters: &mut NV_ENC_LOCK_BITSTREAM) -> Result {
    require_version::<NV_ENC_LOCK_BITSTREAM>(parameters.version)?;
    require_blank!(parameters, reserved1, reserved2, reservedInternal);
    let reports_slices = session.require_running()?.reports_slices;
    check_input(session, parameters.outputBitstream.addr())?;
    let buffer = session.bitstreams.find(parameters.outputBitstream.addr())?;
    let coded = match buffer.state {
        State::Coded(coded) => coded,
        State::Empty => return Err(violation(INVALID_CALL, "no picture was encoded into the buffer")),
        State::Locked => return Err(violation(NVENCSTATUS::NV_ENC_ERR_LOCK_BUSY, "the buffer is locked already")),
    };
    let offsets = nal::slices(&buffer.bytes);
    if !parameters.sliceOffsets.is_null() {
        require(reports_slices, NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, || {
            "slice offsets were not asked for when the encoder was initialized".to_owned()
        })?;
        // SAFETY: the header: as many places as the picture has slices.
        unsafe { parameters.sliceOffsets.copy_from_nonoverlapping(offsets.as_ptr(), offsets.len()) };
    }
    buffer.state = State::Locked;
    parameters.bitstreamBufferPtr = buffer.bytes.as_mut_ptr().cast();
    parameters.bitstreamSizeInBytes = u32::try_from(buffer.bytes.len()).unwrap_or(0);
    parameters.numSlices = u32::try_from(offsets.len()).unwrap_or(0);
    fill_answer(parameters, &coded);
    Ok(())
}

/// A GPU reads the input whenever it comes to it, up to here: it must hold the same
/// still. With streams of the program's the order of work is theirs to keep.
fn check_input(session: &mut Session, output: usize) -> Result {
    let (context, has_streams) = (session.context, session.require_running()?.input_stream.is_some());
    let buffer = session.bitstreams.find(output)?;
    let State::Coded(coded) = buffer.state else {
        return Ok(());
    };
    if has_streams {
        return Ok(());
    }
    let surface = session.surfaces.find_mapped(coded.input)?;
    let is_same = cuda::read(surface.address, surface.size(), context)? == buffer.pixels;
    require(is_same, INVALID_CALL, || "the input was overwritten before its picture was fetched".to_owned())
}

fn fill_answer(parameters: &mut NV_ENC_LOCK_BITSTREAM, coded: &Coded) {
    parameters.frameIdx = coded.index;
    parameters.frameIdxDisplay = coded.index;
    parameters.hwEncodeStatus = FINISHED;
    parameters.outputTimeStamp = coded.timestamp;
    parameters.outputDuration = coded.duration;
    parameters.frameAvgQP = coded.quantizer.into();
    parameters.pictureStruct = NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME;
    parameters.pictureType =
        if coded.is_idr { NV_ENC_PIC_TYPE::NV_ENC_PIC_TYPE_IDR } else { NV_ENC_PIC_TYPE::NV_ENC_PIC_TYPE_P };
}

fn unlock(session: &mut Session, handle: usize) -> Result {
    let buffer = session.bitstreams.find(handle)?;
    let is_locked = matches!(buffer.state, State::Locked);
    require(is_locked, INVALID_CALL, || "the buffer is not locked".to_owned())?;
    buffer.state = State::Empty;
    buffer.bytes.fill(RUBBISH);
    Ok(())
}

pub(crate) unsafe extern "C" fn create_bitstream_buffer(
    encoder: *mut c_void,
    parameters: *mut NV_ENC_CREATE_BITSTREAM_BUFFER,
) -> NVENCSTATUS {
    with("nvEncCreateBitstreamBuffer", encoder, |session| {
        // SAFETY: the caller's contract.
        let parameters = unsafe { record(parameters) }?;
        parameters.bitstreamBuffer = std::ptr::without_provenance_mut(create(session, parameters)?);
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn destroy_bitstream_buffer(
    encoder: *mut c_void,
    buffer: NV_ENC_OUTPUT_PTR,
) -> NVENCSTATUS {
    give_back("nvEncDestroyBitstreamBuffer", encoder, |session| destroy(session, buffer.addr()))
}

pub(crate) unsafe extern "C" fn lock_bitstream(
    encoder: *mut c_void,
    parameters: *mut NV_ENC_LOCK_BITSTREAM,
) -> NVENCSTATUS {
    with("nvEncLockBitstream", encoder, |session| {
        // SAFETY: the caller's contract.
        lock(session, unsafe { record(parameters) }?)
    })
}

pub(crate) unsafe extern "C" fn unlock_bitstream(encoder: *mut c_void, buffer: NV_ENC_OUTPUT_PTR) -> NVENCSTATUS {
    give_back("nvEncUnlockBitstream", encoder, |session| unlock(session, buffer.addr()))
}

const INVALID_CALL: NVENCSTATUS = NVENCSTATUS::NV_ENC_ERR_INVALID_CALL;
/// What the driver says of a picture that is complete.
const FINISHED: u32 = 2;
/// Neither zero nor a start code.
const RUBBISH: u8 = 0xa5;
