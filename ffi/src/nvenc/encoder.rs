//! An encoder: a session with its input and its bitstream.

use std::rc::Rc;

use super::api::{Api, Handle, zeroed};
use super::bits;
use super::capabilities::{self, Capabilities};
use super::codec_part::CodecPart;
use super::error::NvencError;
use super::input::{Input, Picture};
use super::session::{Session, call};
use super::settings::{Codec, Samples, Settings};
use super::shared_input::{SharedInput, SharedPicture, Source};
use super::sys::*;
use crate::cuda::{Context, CudaError};

/// One open encoder.
pub struct Encoder {
    // In the order in which they have to go.
    bitstream: Bitstream,
    input: Source,
    session: Rc<Session>,
    settings: Settings,
    capabilities: Capabilities,
    config: Box<NV_ENC_CONFIG>,
    newest: u64,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Encoder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What is asked of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Its number, more than that of the one before.
    pub picture: u64,
    /// Make it an IDR frame.
    pub idr: bool,
    /// Begin a wave of intra blocks with it.
    pub refresh: bool,
}

/// What a picture became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coded {
    /// Decoding can start here.
    pub is_idr: bool,
    /// Average quantizer, in the codec's own scale.
    pub quantizer: u32,
}

/// No encoder could be opened, or an open one broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncoderError {
    /// The encode driver.
    #[error(transparent)]
    Nvenc(#[from] NvencError),
    /// CUDA.
    #[error(transparent)]
    Cuda(#[from] CudaError),
    /// The engine does not make the codec.
    #[error("this GPU does not encode {0:?}; ask for another codec or use another encoder")]
    Codec(Codec),
    /// The engine does not make the codec of such samples.
    #[error("this GPU does not encode {codec:?} of {}; ask for 8 bit 4:2:0", name(*.samples))]
    Samples {
        /// The codec.
        codec: Codec,
        /// What was asked for.
        samples: Samples,
    },
    /// The engine does not make pictures of the size.
    #[error("this GPU encodes pictures of at most {}x{}, not {}x{}; ask for a smaller one", .most.0, .most.1, .asked.0, .asked.1)]
    Size {
        /// What was asked for.
        asked: (u32, u32),
        /// What there is.
        most: (u32, u32),
    },
}

impl Encoder {
    /// Opens an encoder in a context.
    ///
    /// # Errors
    /// [`EncoderError`]; nothing stays open.
    pub fn open(api: &Api, context: &Rc<Context>, settings: &Settings) -> Result<Self, EncoderError> {
        Self::open_with(api, context, settings, |session| Ok(Source::Own(Input::register(session, settings)?)))
    }

    /// Opens an encoder of a picture that somebody else writes, and that is never
    /// loaded: what it holds when it is encoded is what counts.
    ///
    /// # Errors
    /// [`EncoderError`]; nothing stays open.
    ///
    /// # Panics
    /// If the memory is too small for a picture of the settings' size.
    pub fn open_shared(
        api: &Api,
        context: &Rc<Context>,
        settings: &Settings,
        picture: SharedPicture,
    ) -> Result<Self, EncoderError> {
        Self::open_with(api, context, settings, |session| {
            Ok(Source::Shared(SharedInput::register(session, settings, picture)?))
        })
    }

    fn open_with(
        api: &Api,
        context: &Rc<Context>,
        settings: &Settings,
        register: impl FnOnce(&Rc<Session>) -> Result<Source, EncoderError>,
    ) -> Result<Self, EncoderError> {
        let session = Rc::new(Session::open(api, context)?);
        if !capabilities::codecs(&session)?.contains(&settings.codec) {
            return Err(EncoderError::Codec(settings.codec));
        }
        let capabilities = capabilities::of(&session, settings.codec)?;
        let (asked, most) = ((settings.width, settings.height), (capabilities.most_width, capabilities.most_height));
        if asked.0 > most.0 || asked.1 > most.1 {
            return Err(EncoderError::Size { asked, most });
        }
        if !capabilities.makes(settings.samples) {
            return Err(EncoderError::Samples { codec: settings.codec, samples: settings.samples });
        }
        let settings = settings.within(&capabilities);
        let mut config = preset(&session, &settings)?;
        settings.fill(&mut config, &capabilities);
        let mut parameters = initialization(&settings, &capabilities, &mut config);
        call!(&session, nvEncInitializeEncoder(&raw mut parameters))?;
        let input = register(&session)?;
        let bitstream = Bitstream::create(&session)?;
        Ok(Self { bitstream, input, session, settings, capabilities, config, newest: 0 })
    }

    /// What the engine can do in this codec.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Takes a picture to the device.
    ///
    /// # Errors
    /// [`EncoderError`]; the encoder must not be used again.
    ///
    /// # Panics
    /// If a plane is smaller than the encoder's picture, or that is shared.
    pub fn load(&mut self, picture: &Picture<'_>) -> Result<(), EncoderError> {
        match &mut self.input {
            Source::Own(input) => Ok(input.load(picture)?),
            Source::Shared(_) => panic!("the picture is somebody else's"),
        }
    }

    /// Encodes the picture that was loaded last, or what the shared one holds, and
    /// appends it to `out`: Annex B, or a temporal unit of AV1.
    ///
    /// # Errors
    /// [`EncoderError`]; the encoder must not be used again.
    pub fn encode(&mut self, request: Request, out: &mut Vec<u8>) -> Result<Coded, EncoderError> {
        let Request { picture, idr, .. } = request;
        let mut part = CodecPart::of(&self.settings, request);
        let mapped = self.input.map()?;
        let mut parameters: NV_ENC_PIC_PARAMS = zeroed();
        parameters.inputWidth = self.settings.width;
        parameters.inputHeight = self.settings.height;
        parameters.inputPitch = self.input.pitch();
        parameters.inputBuffer = mapped.resource;
        parameters.bufferFmt = mapped.format;
        parameters.outputBitstream = self.bitstream.raw;
        parameters.pictureStruct = NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME;
        parameters.inputTimeStamp = picture;
        if idr {
            parameters.encodePicFlags =
                NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_FORCEIDR.0 | NV_ENC_PIC_FLAGS::NV_ENC_PIC_FLAG_OUTPUT_SPSPPS.0;
        }
        part.write(&mut parameters.codecPicParams);
        call!(&self.session, nvEncEncodePicture(&raw mut parameters))?;
        self.newest = picture;
        let coded = self.bitstream.read(out)?;
        mapped.unmap()?;
        Ok(coded)
    }

    /// Refers to no picture from number `first` on any more. `false` if the engine
    /// cannot, or remembers none that is older.
    ///
    /// # Errors
    /// [`NvencError`]; the encoder goes on, and refers to what it likes.
    pub fn invalidate_references(&mut self, first: u64) -> Result<bool, NvencError> {
        let lost = (self.newest + 1).saturating_sub(first);
        if !self.capabilities.reference_invalidation || lost >= u64::from(self.settings.references) {
            return Ok(false);
        }
        for picture in first..=self.newest {
            call!(&self.session, nvEncInvalidateRefFrames(picture))?;
        }
        Ok(true)
    }

    /// Whether a picture can begin a wave of intra blocks.
    #[must_use]
    pub const fn refreshes(&self) -> bool {
        self.settings.intra_refresh.is_some()
    }

    /// Spends this much from the next picture on, without an IDR frame.
    ///
    /// # Errors
    /// [`NvencError`]; the encoder goes on at the old rate.
    pub fn set_bitrate(&mut self, bitrate: u32) -> Result<(), NvencError> {
        self.reconfigure(Settings { bitrate, ..self.settings })
    }

    /// Spends what a second has on so many pictures from the next one on, without an
    /// IDR frame.
    ///
    /// # Errors
    /// [`NvencError`]; the encoder goes on at the old rate.
    pub fn set_frame_rate(&mut self, frame_rate: (u32, u32)) -> Result<(), NvencError> {
        self.reconfigure(Settings { frame_rate, ..self.settings })
    }

    /// What a running encoder may be told: rate control (with one frame of VBV as
    /// before) and frame rate.
    fn reconfigure(&mut self, settings: Settings) -> Result<(), NvencError> {
        let mut config = self.config.clone();
        settings.fill_rate_control(&mut config.rcParams);
        let mut parameters: NV_ENC_RECONFIGURE_PARAMS = zeroed();
        parameters.reInitEncodeParams = initialization(&settings, &self.capabilities, &mut config);
        bits::reconfigure::RESET_ENCODER.set(&mut parameters.bitFields, 0);
        bits::reconfigure::FORCE_IDR.set(&mut parameters.bitFields, 0);
        call!(&self.session, nvEncReconfigureEncoder(&raw mut parameters))?;
        (self.settings, self.config) = (settings, config);
        Ok(())
    }
}

const fn name(samples: Samples) -> &'static str {
    match (samples.ten_bit, samples.yuv444) {
        (false, false) => "8 bit 4:2:0",
        (true, false) => "10 bit 4:2:0",
        (false, true) => "8 bit 4:4:4",
        (true, true) => "10 bit 4:4:4",
    }
}

/// The driver's own configuration for what we want, to be changed in few places.
fn preset(session: &Session, settings: &Settings) -> Result<Box<NV_ENC_CONFIG>, NvencError> {
    let mut preset: NV_ENC_PRESET_CONFIG = zeroed();
    preset.presetCfg = zeroed();
    let tuning = NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY;
    call!(
        session,
        nvEncGetEncodePresetConfigEx(settings.codec.guid(), settings.preset_guid(), tuning, &raw mut preset)
    )?;
    Ok(Box::new(preset.presetCfg))
}

/// Points into `config`, which has to outlive the call that it is for.
fn initialization(
    settings: &Settings,
    capabilities: &Capabilities,
    config: &mut NV_ENC_CONFIG,
) -> NV_ENC_INITIALIZE_PARAMS {
    let mut parameters: NV_ENC_INITIALIZE_PARAMS = zeroed();
    parameters.encodeGUID = settings.codec.guid();
    parameters.presetGUID = settings.preset_guid();
    parameters.tuningInfo = NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY;
    (parameters.encodeWidth, parameters.encodeHeight) = (settings.width, settings.height);
    (parameters.darWidth, parameters.darHeight) = (settings.width, settings.height);
    (parameters.maxEncodeWidth, parameters.maxEncodeHeight) = (settings.width, settings.height);
    (parameters.frameRateNum, parameters.frameRateDen) = settings.frame_rate;
    // The engine decides what kind of picture each is, IDR frames aside.
    parameters.enablePTD = 1;
    parameters.enableEncodeAsync = 0;
    bits::initialize::ENABLE_WEIGHTED_PREDICTION.set(&mut parameters.bitFields, 0);
    bits::initialize::SPLIT_ENCODE_MODE.set(&mut parameters.bitFields, settings.split_mode(capabilities.engines));
    parameters.encodeConfig = config;
    parameters
}

/// Where the engine writes.
#[derive(Debug)]
struct Bitstream {
    session: Rc<Session>,
    raw: Handle,
}

impl Bitstream {
    fn create(session: &Rc<Session>) -> Result<Self, NvencError> {
        let mut parameters: NV_ENC_CREATE_BITSTREAM_BUFFER = zeroed();
        call!(session, nvEncCreateBitstreamBuffer(&raw mut parameters))?;
        Ok(Self { session: Rc::clone(session), raw: parameters.bitstreamBuffer })
    }

    /// Waits for the picture and appends it.
    fn read(&mut self, out: &mut Vec<u8>) -> Result<Coded, NvencError> {
        let mut parameters: NV_ENC_LOCK_BITSTREAM = zeroed();
        parameters.outputBitstream = self.raw;
        call!(&self.session, nvEncLockBitstream(&raw mut parameters))?;
        if !parameters.bitstreamBufferPtr.is_null() {
            let length = parameters.bitstreamSizeInBytes as usize;
            // SAFETY: the driver's buffer has so many bytes until it is unlocked.
            out.extend_from_slice(unsafe { std::slice::from_raw_parts(parameters.bitstreamBufferPtr.cast(), length) });
        }
        call!(&self.session, nvEncUnlockBitstream(self.raw))?;
        let is_idr = parameters.pictureType == NV_ENC_PIC_TYPE::NV_ENC_PIC_TYPE_IDR;
        Ok(Coded { is_idr, quantizer: parameters.frameAvgQP })
    }
}

impl Drop for Bitstream {
    fn drop(&mut self) {
        let _ = call!(&self.session, nvEncDestroyBitstreamBuffer(self.raw));
    }
}
