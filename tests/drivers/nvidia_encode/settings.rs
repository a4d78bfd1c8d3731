//! What an encoder is initialized with: read, checked, told to the test.

use std::ffi::c_void;
use std::fmt;

use earthshine_drivers::ledger;
use earthshine_ffi::nvenc::bits;
use earthshine_ffi::nvenc::constants::API_VERSION;
use earthshine_ffi::nvenc::sys::*;

use crate::capabilities::Capabilities;
use crate::codec::{self, Codec};
use crate::codec_settings::CodecSettings;
use crate::encoder::Running;
use crate::preset;
use crate::session::{Session, with};
use crate::words::{Result, record, require, require_blank, require_version, violation};

/// Settings that are in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    pub(crate) codec: Codec,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// What a reconfiguration may go up to.
    pub(crate) most: (u32, u32),
    pub(crate) frame_rate: (u32, u32),
    pub(crate) preset: usize,
    pub(crate) tuning: u32,
    pub(crate) profile: &'static str,
    pub(crate) gop: u32,
    pub(crate) interval: i32,
    pub(crate) rate: Rate,
    pub(crate) part: CodecSettings,
    /// `NV_ENC_SPLIT_ENCODE_MODE`.
    pub(crate) split: u32,
    /// Slices are fetched before the picture is finished.
    pub(crate) sub_frame: bool,
    /// By weighted prediction.
    pub(crate) weighted: bool,
}

/// How many bits there are for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) mode: u32,
    /// Bits per second.
    pub(crate) average: u32,
    /// Quantizer of all P frames, where no rate is controlled.
    pub(crate) constant: Option<u8>,
    pub(crate) most: u32,
    /// Bits.
    pub(crate) buffer: u32,
    delay: u32,
    adaptive: u32,
    adaptive_in_time: bool,
    lookahead: u32,
    passes: u32,
}

impl Settings {
    pub(crate) fn read(parameters: &NV_ENC_INITIALIZE_PARAMS) -> Result<Self> {
        require_version::<NV_ENC_INITIALIZE_PARAMS>(parameters.version)?;
        require_blank!(parameters, reserved, reserved2, privData, privDataSize);
        let codec = Codec::of(&parameters.encodeGUID)?;
        require_tuning(parameters.tuningInfo)?;
        // SAFETY: null, or valid as the program promises (see the crate).
        let config = match unsafe { parameters.encodeConfig.as_ref() } {
            Some(config) => *config,
            None => preset::config(codec, parameters.tuningInfo),
        };
        let settings = Self::of(codec, parameters, &config)?;
        let capabilities = Capabilities::read(codec);
        settings.check_size(&capabilities)?;
        settings.part.check(&capabilities, settings.height)?;
        settings.rate.check(&capabilities)?;
        settings.check_pictures(&capabilities)?;
        settings.check_engines(&capabilities)?;
        Ok(settings)
    }

    fn of(codec: Codec, parameters: &NV_ENC_INITIALIZE_PARAMS, config: &NV_ENC_CONFIG) -> Result<Self> {
        require_version::<NV_ENC_CONFIG>(config.version)?;
        require_blank!(config, reserved, reserved2);
        require(parameters.bitFields >> 12 == 0, INVALID, || "reserved bits are set".to_owned())?;
        let is_synchronous = parameters.enableEncodeAsync == 0 && parameters.enablePTD == 1;
        require(is_synchronous, UNSUPPORTED, || {
            "asynchronous sessions are Windows', and pictures of chosen types nobody's here".to_owned()
        })?;
        let is_progressive = config.frameFieldMode.0 <= 1 && config.monoChromeEncoding == 0;
        require(is_progressive, UNSUPPORTED, || "fields and monochrome are not among the capabilities".to_owned())?;
        Ok(Self {
            codec,
            width: parameters.encodeWidth,
            height: parameters.encodeHeight,
            most: (
                parameters.maxEncodeWidth.max(parameters.encodeWidth),
                parameters.maxEncodeHeight.max(parameters.encodeHeight),
            ),
            frame_rate: (parameters.frameRateNum, parameters.frameRateDen),
            preset: codec::preset(&parameters.presetGUID)?,
            tuning: parameters.tuningInfo.0,
            profile: codec.profile(&config.profileGUID)?,
            gop: config.gopLength,
            interval: config.frameIntervalP,
            rate: Rate::of(&config.rcParams)?,
            part: CodecSettings::of(codec, &config.encodeCodecConfig)?,
            split: bits::initialize::SPLIT_ENCODE_MODE.get(parameters.bitFields),
            sub_frame: bits::initialize::ENABLE_SUB_FRAME_WRITE.get(parameters.bitFields) == 1,
            weighted: bits::initialize::ENABLE_WEIGHTED_PREDICTION.get(parameters.bitFields) == 1,
        })
    }

    fn check_size(&self, capabilities: &Capabilities) -> Result {
        let capability = |which| u32::try_from(capabilities.get(which)).unwrap_or(0);
        let (width, height) = (self.width, self.height);
        let narrowest = capability(NV_ENC_CAPS::NV_ENC_CAPS_WIDTH_MIN);
        let lowest = capability(NV_ENC_CAPS::NV_ENC_CAPS_HEIGHT_MIN);
        let widest = capability(NV_ENC_CAPS::NV_ENC_CAPS_WIDTH_MAX);
        let highest = capability(NV_ENC_CAPS::NV_ENC_CAPS_HEIGHT_MAX);
        let fits = width >= narrowest && height >= lowest && self.most.0 <= widest && self.most.1 <= highest;
        require(fits, UNSUPPORTED, || {
            let (most_width, most_height) = self.most;
            format!(
                "{width}x{height}, later up to {most_width}x{most_height}, \
                 is not within {narrowest}x{lowest} and {widest}x{highest}"
            )
        })?;
        let macroblocks = width.div_ceil(16) * height.div_ceil(16);
        let fits = macroblocks <= capability(NV_ENC_CAPS::NV_ENC_CAPS_MB_NUM_MAX);
        require(fits, UNSUPPORTED, || format!("{macroblocks} macroblocks are too many"))?;
        let is_even = width.is_multiple_of(2) && height.is_multiple_of(2);
        require(is_even, INVALID, || format!("{width}x{height} is not even"))?;
        let (frames, seconds) = self.frame_rate;
        require(frames > 0 && seconds > 0, INVALID, || format!("{frames}/{seconds} frames per second"))
    }

    fn check_pictures(&self, capabilities: &Capabilities) -> Result {
        let between = capabilities.get(NV_ENC_CAPS::NV_ENC_CAPS_NUM_MAX_BFRAMES);
        let can = self.interval <= between.saturating_add(1);
        require(self.interval >= 0 && can, UNSUPPORTED, || format!("a P frame every {} frames", self.interval))?;
        let is_endless = self.gop == NVENC_INFINITE_GOPLENGTH && self.interval <= 1;
        require(self.part.intra_refresh.is_none() || is_endless, INVALID, || {
            "intra refresh in groups of pictures, or with B frames".to_owned()
        })?;
        self.check_colour()?;
        let is_possible = self.gop > 0 && (self.part.idr_period == 0 || self.part.idr_period >= self.gop);
        require(is_possible, INVALID, || {
            format!("a group of {} pictures, an IDR frame every {}", self.gop, self.part.idr_period)
        })?;
        let needs = match (self.codec, self.part.chroma, self.part.depth) {
            (Codec::H264, 3, _) => "high444",
            (Codec::H264, ..) => "high",
            (Codec::Hevc, 3, _) => "frext",
            (Codec::Hevc, _, 10) => "main10",
            _ => "main",
        };
        require(self.profile == needs, INVALID, || {
            format!("profile {} with chroma format {}, {} bits", self.profile, self.part.chroma, self.part.depth)
        })
    }

    /// What the header says of strips and of slices that come early.
    fn check_engines(&self, capabilities: &Capabilities) -> Result {
        let can = capabilities.has(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_SUBFRAME_READBACK);
        require(!self.sub_frame || can, UNSUPPORTED, || "slices cannot be fetched early here".to_owned())?;
        let can = capabilities.has(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_WEIGHTED_PREDICTION);
        require(!self.weighted || can, UNSUPPORTED, || "weighted prediction is not supported".to_owned())?;
        let split = self.split;
        require(matches!(split, 0..=3 | 15), INVALID, || format!("split mode {split} is unknown"))?;
        let asks = split != NV_ENC_SPLIT_ENCODE_MODE::NV_ENC_SPLIT_AUTO_MODE.0;
        require(!asks || self.codec != Codec::H264, INVALID, || "H.264 is never split".to_owned())?;
        let forces = matches!(split, 1..=3);
        let hinders = self.codec == Codec::Hevc && (self.weighted || self.sub_frame);
        require(!forces || !hinders, UNSUPPORTED, || {
            "HEVC is not split with weighted prediction or early slices".to_owned()
        })
    }

    /// HDR is PQ in BT.2020 of 10 bits, or no decoder knows what it is.
    fn check_colour(&self) -> Result {
        let colour = &self.part.colour;
        let is_hdr = (colour.primaries, colour.matrix, self.part.depth) == (9, 9, 10);
        require(colour.transfer != PQ || is_hdr, INVALID, || {
            format!("PQ with primaries {}, matrix {}, {} bits", colour.primaries, colour.matrix, self.part.depth)
        })
    }

    /// Slices in a picture.
    pub(crate) fn slices(&self) -> u32 {
        let data = self.part.slice_data.max(1);
        let (columns, rows) = (self.width.div_ceil(16), self.height.div_ceil(16));
        match self.part.slice_mode {
            0 if self.part.slice_data > 0 => (columns * rows).div_ceil(data),
            2 => rows.div_ceil(data),
            3 => data,
            // By bytes: nobody knows before.
            _ => 1,
        }
    }
}

/// The line that a test reads.
impl fmt::Display for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, rate, colour) = (&self.part, &self.rate, &self.part.colour);
        let (period, count) = part.intra_refresh.unwrap_or_default();
        let name = |names: &[&'static str], index: u32| names.get(index as usize).copied().unwrap_or("unknown");
        write!(
            out,
            "codec={} profile={} width={} height={}",
            self.codec.name(),
            self.profile,
            self.width,
            self.height
        )?;
        write!(out, " max_width={} max_height={}", self.most.0, self.most.1)?;
        write!(out, " fps={}/{} preset=P{}", self.frame_rate.0, self.frame_rate.1, self.preset)?;
        write!(out, " tuning={} rc={}", name(TUNINGS, self.tuning), name(RATE_CONTROLS, rate.mode))?;
        write!(
            out,
            " bitrate={} max_bitrate={} vbv={} vbv_delay={}",
            rate.average, rate.most, rate.buffer, rate.delay
        )?;
        write!(out, " gop={} idr_period={} p_interval={}", self.gop, part.idr_period, self.interval)?;
        write!(out, " slices={}/{} refs={}", part.slice_mode, part.slice_data, part.references)?;
        write!(out, " ref_l0={} intra_refresh={period}/{count}", part.list_0)?;
        write!(out, " repeat_headers={} aq={}", u8::from(part.repeat_headers), rate.adaptive)?;
        write!(out, " temporal_aq={} lookahead={}", u8::from(rate.adaptive_in_time), rate.lookahead)?;
        write!(out, " multi_pass={} chroma={} depth={}", rate.passes, part.chroma, part.depth)?;
        write!(out, " primaries={} transfer={} matrix={}", colour.primaries, colour.transfer, colour.matrix)?;
        write!(out, " full_range={} split={}", u8::from(colour.full_range), self.split)?;
        write!(out, " recovery_point={}", u8::from(part.recovery_point))
    }
}

impl Rate {
    fn of(parameters: &NV_ENC_RC_PARAMS) -> Result<Self> {
        use bits::rate_control::*;
        require_blank!(parameters, reserved, reserved2);
        // Programs that write the structure themselves leave it out.
        let has_version = [0, RATE_CONTROL_VERSION].contains(&parameters.version);
        require(has_version, NVENCSTATUS::NV_ENC_ERR_INVALID_VERSION, || {
            format!("version of NV_ENC_RC_PARAMS is {:#x}", parameters.version)
        })?;
        let word = parameters.bitFields;
        require(word >> 17 == 0, INVALID, || "reserved bits are set in the rate control".to_owned())?;
        // Strength 0 with the switch on leaves the strength to the driver.
        let adaptive = if ENABLE_AQ.get(word) == 0 { 0 } else { AQ_STRENGTH.get(word).max(1) };
        Ok(Self {
            mode: parameters.rateControlMode.0,
            average: parameters.averageBitRate,
            constant: (parameters.rateControlMode == NV_ENC_PARAMS_RC_MODE::NV_ENC_PARAMS_RC_CONSTQP)
                .then(|| u8::try_from(parameters.constQP.qpInterP).unwrap_or(u8::MAX)),
            most: parameters.maxBitRate,
            buffer: parameters.vbvBufferSize,
            delay: parameters.vbvInitialDelay,
            adaptive,
            adaptive_in_time: ENABLE_TEMPORAL_AQ.get(word) == 1,
            lookahead: if ENABLE_LOOKAHEAD.get(word) == 0 { 0 } else { parameters.lookaheadDepth.into() },
            passes: parameters.multiPass.0,
        })
    }

    fn check(&self, capabilities: &Capabilities) -> Result {
        let modes = capabilities.get(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES).cast_unsigned();
        let is_constant = self.mode == NV_ENC_PARAMS_RC_MODE::NV_ENC_PARAMS_RC_CONSTQP.0;
        let can = self.mode <= 2 && (is_constant || modes & self.mode != 0);
        require(can, UNSUPPORTED, || format!("rate control {} is not among the capabilities", self.mode))?;
        require(is_constant || self.average > 0, INVALID, || "a bitrate of 0".to_owned())?;
        require(self.most == 0 || self.most >= self.average, INVALID, || {
            format!("{} bits per second on average, and {} at most", self.average, self.most)
        })?;
        let within = self.buffer == 0 || self.delay <= self.buffer;
        require(within, INVALID, || format!("a delay of {} in a buffer of {}", self.delay, self.buffer))?;
        for (used, capability, what) in [
            (self.buffer > 0, NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE, "a buffer of chosen size"),
            (self.lookahead > 0, NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_LOOKAHEAD, "lookahead"),
            (self.adaptive_in_time, NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_TEMPORAL_AQ, "temporal adaptive quantization"),
        ] {
            require(!used || capabilities.has(capability), UNSUPPORTED, || {
                format!("{what} is not among the capabilities")
            })?;
        }
        require(self.passes <= 2, INVALID, || format!("multi-pass mode {}", self.passes))
    }
}

pub(crate) fn require_tuning(tuning: NV_ENC_TUNING_INFO) -> Result {
    require((1..=4).contains(&tuning.0), INVALID, || format!("tuning {} is unknown", tuning.0))
}

fn initialize(session: &mut Session, parameters: &NV_ENC_INITIALIZE_PARAMS) -> Result {
    if session.running.is_some() {
        return Err(violation(NVENCSTATUS::NV_ENC_ERR_INVALID_CALL, "the encoder is initialized already"));
    }
    let settings = Settings::read(parameters)?;
    let reports_slices = bits::initialize::REPORT_SLICE_OFFSETS.get(parameters.bitFields) == 1;
    session.running = Some(Running::start(settings, reports_slices)?);
    ledger::event(&format!("settings {settings}"));
    Ok(())
}

pub(crate) unsafe extern "C" fn initialize_encoder(
    encoder: *mut c_void,
    parameters: *mut NV_ENC_INITIALIZE_PARAMS,
) -> NVENCSTATUS {
    with("nvEncInitializeEncoder", encoder, |session| {
        // SAFETY: the caller's contract.
        initialize(session, unsafe { record(parameters) }?)
    })
}

/// Transfer characteristics of SMPTE ST 2084.
pub(crate) const PQ: u8 = 16;
/// `NV_ENC_RC_PARAMS_VER`.
pub(crate) const RATE_CONTROL_VERSION: u32 = API_VERSION | (1 << 16) | (7 << 28);
const TUNINGS: &[&str] = &["undefined", "high_quality", "low_latency", "ultra_low_latency", "lossless"];
const RATE_CONTROLS: &[&str] = &["constqp", "vbr", "cbr"];
const INVALID: NVENCSTATUS = NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM;
const UNSUPPORTED: NVENCSTATUS = NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM;
