//! What differs from codec to codec: parameter sets, what a program says of a picture, and
//! what is known of a stream.

use std::ffi::c_void;

use ash::vk::{self, TaggedStructure};
use earthshine_drivers::ledger;
use earthshine_ffi::vulkan::video::av1_sys as sys;

use crate::capabilities::{Profile, count};
use crate::chain;
use crate::pixels::Picture;
use crate::rules::{Result, require, require_equal, violation};
use crate::session::{Rate, Session};
use crate::{av1, h264, hevc};

/// Parameter sets.
pub(crate) enum Sets {
    H264(h264::Sets),
    Hevc(hevc::Sets),
    Av1(av1::Sets),
}

/// A picture, as a program says.
pub(crate) enum Told {
    H264(h264::Told),
    Hevc(hevc::Told),
    Av1(av1::Told),
}

/// A stream up to now.
pub(crate) enum Stream {
    H264(h264::Stream),
    Hevc(hevc::Stream),
    Av1(Box<av1::Stream>),
}

/// By what the standard knows a picture in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    /// Type of picture.
    pub(crate) kind: u32,
    /// `frame_num`.
    pub(crate) number: u32,
    pub(crate) order: i32,
}

/// A picture to be coded, as far as all codecs are alike.
pub(crate) struct Job<'a> {
    pub(crate) pixels: &'a Picture,
    /// Of the slot that it is kept in.
    pub(crate) setup: Mark,
    /// Slots that it refers to.
    pub(crate) references: Vec<(i32, Mark)>,
    pub(crate) rate: Option<&'a Rate>,
    pub(crate) quality: u32,
    /// Pictures before it.
    pub(crate) number: u64,
}

impl Sets {
    /// Out of what is chained to the creation of parameters.
    ///
    /// # Safety
    /// The chain is one of the interface's.
    pub(crate) unsafe fn read(chain: *const c_void, profile: Profile) -> Result<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            match profile {
                Profile::H264 { .. } => {
                    let sets = chain::find::<vk::VideoEncodeH264SessionParametersCreateInfoKHR<'_>>(chain);
                    let added = sets.and_then(|sets| sets.p_parameters_add_info.as_ref());
                    Ok(Self::H264(h264::Sets::read(added.ok_or_else(none)?)?))
                }
                Profile::Hevc { .. } => {
                    let sets = chain::find::<vk::VideoEncodeH265SessionParametersCreateInfoKHR<'_>>(chain);
                    let added = sets.and_then(|sets| sets.p_parameters_add_info.as_ref());
                    Ok(Self::Hevc(hevc::Sets::read(added.ok_or_else(none)?)?))
                }
                Profile::Av1 { .. } => {
                    let sets = chain::find::<sys::VideoEncodeAV1SessionParametersCreateInfoKHR>(chain);
                    Ok(Self::Av1(av1::Sets::read(sets.ok_or_else(none)?)?))
                }
            }
        }
    }

    /// Whether a question is about all of them.
    ///
    /// # Safety
    /// The chain is one of the interface's.
    pub(crate) unsafe fn check_question(&self, chain: *const c_void) -> Result {
        use vk::StructureType as Type;
        // SAFETY: the caller's contract.
        unsafe {
            match self {
                Self::H264(_) => {
                    chain::check("the question", chain, &[Type::VIDEO_ENCODE_H264_SESSION_PARAMETERS_GET_INFO_KHR])?;
                    let asked = chain::find::<vk::VideoEncodeH264SessionParametersGetInfoKHR<'_>>(chain);
                    let asked = asked
                        .map(|asked| [asked.write_std_sps, asked.write_std_pps, asked.std_sps_id, asked.std_pps_id]);
                    require_equal("sets that are asked for", asked, Some([vk::TRUE, vk::TRUE, 0, 0]))
                }
                Self::Hevc(_) => {
                    chain::check("the question", chain, &[Type::VIDEO_ENCODE_H265_SESSION_PARAMETERS_GET_INFO_KHR])?;
                    let asked = chain::find::<vk::VideoEncodeH265SessionParametersGetInfoKHR<'_>>(chain);
                    let sets = asked.map(|asked| [asked.write_std_vps, asked.write_std_sps, asked.write_std_pps]);
                    require_equal("sets that are asked for", sets, Some([vk::TRUE; 3]))?;
                    let ids = asked.map(|asked| [asked.std_vps_id, asked.std_sps_id, asked.std_pps_id]);
                    require_equal("their numbers", ids, Some([0; 3]))
                }
                Self::Av1(_) => chain::check("the question", chain, &[]),
            }
        }
    }

    /// What the profile, the engine and the session allow.
    pub(crate) fn check(&self, session: &Session) -> Result {
        match self {
            Self::H264(sets) => sets.check(session),
            Self::Hevc(sets) => sets.check(session),
            Self::Av1(sets) => sets.check(session),
        }
    }

    /// What a driver does that makes something else of them.
    pub(crate) fn change(&mut self) {
        match self {
            Self::H264(sets) => sets.large_transforms = false,
            Self::Hevc(sets) => sets.change(),
            Self::Av1(sets) => sets.change(),
        }
    }

    /// As they go into the stream.
    pub(crate) fn write(&self) -> Vec<u8> {
        match self {
            Self::H264(sets) => sets.write(),
            Self::Hevc(sets) => sets.write(),
            Self::Av1(sets) => sets.write(),
        }
    }

    /// What is coded of the pictures of a session.
    pub(crate) fn extent(&self, session: &Session) -> vk::Extent2D {
        match self {
            Self::H264(_) | Self::Hevc(_) => session.most,
            Self::Av1(sets) => vk::Extent2D { width: sets.size().0, height: sets.size().1 },
        }
    }
}

fn none() -> earthshine_drivers::calls::Refusal {
    violation("no parameter sets of the session's codec")
}

impl Told {
    /// Out of what is chained to a picture.
    ///
    /// # Safety
    /// The chain is one of the interface's.
    pub(crate) unsafe fn read(chain: *const c_void) -> Result<Self> {
        use vk::StructureType as Type;
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(picture) = chain::find::<vk::VideoEncodeH264PictureInfoKHR<'_>>(chain) {
                chain::check("the picture", chain, &[Type::VIDEO_ENCODE_H264_PICTURE_INFO_KHR])?;
                return Ok(Self::H264(h264::Told::read(picture)?));
            }
            if let Some(picture) = chain::find::<sys::VideoEncodeAV1PictureInfoKHR>(chain) {
                chain::check("the picture", chain, &[sys::VideoEncodeAV1PictureInfoKHR::STRUCTURE_TYPE])?;
                return Ok(Self::Av1(av1::Told::read(picture)?));
            }
            chain::check("the picture", chain, &[Type::VIDEO_ENCODE_H265_PICTURE_INFO_KHR])?;
            let picture = chain::find::<vk::VideoEncodeH265PictureInfoKHR<'_>>(chain);
            Ok(Self::Hevc(hevc::Told::read(picture.ok_or_else(|| violation("no picture of the codec"))?)?))
        }
    }

    pub(crate) fn is_idr(&self) -> bool {
        match self {
            Self::H264(told) => told.is_idr(),
            Self::Hevc(told) => told.is_idr(),
            Self::Av1(told) => told.is_idr(),
        }
    }
}

impl Mark {
    /// Out of what is chained to a slot.
    ///
    /// # Safety
    /// The chain is one of the interface's.
    pub(crate) unsafe fn read(chain: *const c_void) -> Result<Self> {
        use vk::StructureType as Type;
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(slot) = chain::find::<vk::VideoEncodeH264DpbSlotInfoKHR<'_>>(chain) {
                chain::check("a slot", chain, &[Type::VIDEO_ENCODE_H264_DPB_SLOT_INFO_KHR])?;
                return h264::mark(slot);
            }
            if let Some(slot) = chain::find::<sys::VideoEncodeAV1DpbSlotInfoKHR>(chain) {
                chain::check("a slot", chain, &[sys::VideoEncodeAV1DpbSlotInfoKHR::STRUCTURE_TYPE])?;
                return av1::mark(slot);
            }
            chain::check("a slot", chain, &[Type::VIDEO_ENCODE_H265_DPB_SLOT_INFO_KHR])?;
            let slot = chain::find::<vk::VideoEncodeH265DpbSlotInfoKHR<'_>>(chain);
            hevc::mark(slot.ok_or_else(|| violation("a slot of which the codec knows nothing"))?)
        }
    }
}

impl Stream {
    pub(crate) fn of(profile: Profile) -> Self {
        match profile {
            Profile::H264 { .. } => Self::H264(h264::Stream::default()),
            Profile::Hevc { .. } => Self::Hevc(hevc::Stream::default()),
            Profile::Av1 { .. } => Self::Av1(Box::default()),
        }
    }

    pub(crate) fn reset(&mut self) {
        match self {
            Self::H264(stream) => stream.reset(),
            Self::Hevc(stream) => stream.reset(),
            Self::Av1(stream) => stream.reset(),
        }
    }

    /// The picture, as a decoder takes it.
    pub(crate) fn encode(&mut self, told: &Told, sets: &Sets, job: &Job<'_>) -> Result<Vec<u8>> {
        match (self, told, sets) {
            (Self::H264(stream), Told::H264(told), Sets::H264(sets)) => stream.encode(told, sets, job),
            (Self::Hevc(stream), Told::Hevc(told), Sets::Hevc(sets)) => stream.encode(told, sets, job),
            (Self::Av1(stream), Told::Av1(told), Sets::Av1(sets)) => stream.encode(told, sets, job),
            _ => Err(violation("a picture of another codec")),
        }
    }
}

impl Job<'_> {
    /// The quantizer that a slice names, where there is no rate control, and only there.
    pub(crate) fn quantizer(&self, named: i32) -> Result<Option<i32>> {
        let disabled = vk::VideoEncodeRateControlModeFlagsKHR::DISABLED;
        if self.rate.is_some_and(|rate| rate.mode == disabled) {
            return Ok(Some(named));
        }
        require_equal("a quantizer beside rate control", named, 0)?;
        Ok(None)
    }

    pub(crate) fn check_slices(&self, slices: usize) -> Result {
        let most = count("slices");
        require(slices > 0 && slices <= most as usize, || format!("{slices} slices of {most}"))
    }

    /// For the test.
    pub(crate) fn told(&self) -> String {
        let mode = self.rate.map_or(0, |rate| rate.mode.as_raw());
        let bitrate = self.rate.map_or(0, Rate::bits_per_second);
        let buffer = self.rate.map_or(0, |rate| rate.buffer.0);
        format!("mode={mode} bitrate={bitrate} buffer={buffer} quality={}", self.quality)
    }

    /// Tells the test of another reference than the picture before.
    pub(crate) fn report_distance(&self, distance: u32) {
        ledger::event(&format!("refer {distance} picture={}", self.number));
    }
}
