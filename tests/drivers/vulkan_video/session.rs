//! Sessions, and what the engine keeps for each.

use ash::vk;
use ash::vk::Handle;
use earthshine_drivers::ledger;
use earthshine_ffi::vulkan::video::av1_sys as sys;

use crate::capabilities::{self, Profile, count};
use crate::chain;
use crate::codec::{Mark, Stream};
use crate::device::{get, known};
use crate::loader::functions;
use crate::rules::{Result, answer, note, require, require_equal};

/// A session.
pub(crate) struct Session {
    pub(crate) profile: Profile,
    pub(crate) most: vk::Extent2D,
    pub(crate) active: u32,
    /// As many as are bound; null for those that are not yet.
    pub(crate) memory: Vec<vk::DeviceMemory>,
    pub(crate) slots: Vec<Option<Slot>>,
    pub(crate) stream: Stream,
    pub(crate) is_reset: bool,
    pub(crate) rate: Option<Rate>,
    pub(crate) quality: u32,
    pub(crate) pictures: u64,
}

/// A picture in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    pub(crate) image: vk::Image,
    pub(crate) layer: u32,
    pub(crate) mark: Mark,
}

/// How bits are to be spent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Rate {
    pub(crate) mode: vk::VideoEncodeRateControlModeFlagsKHR,
    pub(crate) buffer: (u32, u32),
    /// Average, most, frames, seconds.
    pub(crate) layers: Vec<(u64, u64, u32, u32)>,
    pub(crate) pattern: Option<Pattern>,
}

/// How pictures follow each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pattern {
    codec: vk::VideoCodecOperationFlagsKHR,
    /// Pictures come in groups of one size.
    is_regular: bool,
    /// Pictures of a group, and from one IDR picture to the next.
    group: u32,
    idr: u32,
    bidirectional: u32,
    layers: u32,
}

impl Rate {
    /// Out of a chain.
    ///
    /// # Safety
    /// The chain is one of the interface's.
    pub(crate) unsafe fn read(chain: *const std::ffi::c_void) -> Option<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            let told = chain::find::<vk::VideoEncodeRateControlInfoKHR<'_>>(chain)?;
            let layer = |layer: &vk::VideoEncodeRateControlLayerInfoKHR<'_>| {
                let frames = (layer.frame_rate_numerator, layer.frame_rate_denominator);
                (layer.average_bitrate, layer.max_bitrate, frames.0, frames.1)
            };
            Some(Self {
                mode: told.rate_control_mode,
                buffer: (told.virtual_buffer_size_in_ms, told.initial_virtual_buffer_size_in_ms),
                layers: chain::array(told.p_layers, told.layer_count).iter().map(layer).collect(),
                pattern: Pattern::read(chain),
            })
        }
    }

    pub(crate) fn check(&self, profile: Profile) -> Result {
        use vk::VideoEncodeRateControlModeFlagsKHR as Mode;
        let is_spent = self.mode == Mode::CBR || self.mode == Mode::VBR;
        require(capabilities::rates().contains(self.mode), || format!("rate control {:?}", self.mode))?;
        require_equal("layers", self.layers.len(), usize::from(is_spent))?;
        for &(average, most, frames, seconds) in &self.layers {
            let fits = (1..=capabilities::MOST_BITRATE).contains(&average) && average <= most;
            require(fits && frames > 0 && seconds > 0, || format!("{self:?}"))?;
            require(self.mode != Mode::CBR || average == most, || "a constant rate with a peak".to_owned())?;
            require(self.buffer.0 > 0 && self.buffer.1 <= self.buffer.0, || format!("buffer {:?}", self.buffer))?;
        }
        if let Some(pattern) = &self.pattern {
            require_equal("codec of the pattern", pattern.codec, profile.operation())?;
            require(!pattern.is_regular || pattern.group > 0, || "a regular group of no size".to_owned())?;
            require(pattern.idr == 0 || pattern.idr >= pattern.group, || "IDR pictures within groups".to_owned())?;
            require_equal("B pictures, and layers", (pattern.bidirectional, pattern.layers), (0, 1))?;
        }
        Ok(())
    }

    pub(crate) fn bits_per_second(&self) -> u64 {
        self.layers.first().map_or(0, |layer| layer.0)
    }
}

impl Pattern {
    unsafe fn read(chain: *const std::ffi::c_void) -> Option<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(told) = chain::find::<vk::VideoEncodeH264RateControlInfoKHR<'_>>(chain) {
                return Some(Self {
                    codec: vk::VideoCodecOperationFlagsKHR::ENCODE_H264,
                    is_regular: told.flags.contains(vk::VideoEncodeH264RateControlFlagsKHR::REGULAR_GOP),
                    group: told.gop_frame_count,
                    idr: told.idr_period,
                    bidirectional: told.consecutive_b_frame_count,
                    layers: told.temporal_layer_count,
                });
            }
            if let Some(told) = chain::find::<sys::VideoEncodeAV1RateControlInfoKHR>(chain) {
                return Some(Self {
                    codec: sys::ENCODE_AV1,
                    is_regular: told.flags & sys::RATE_CONTROL_REGULAR_GOP != 0,
                    group: told.gop_frame_count,
                    idr: told.key_frame_period,
                    bidirectional: told.consecutive_bipredictive_frame_count,
                    layers: told.temporal_layer_count,
                });
            }
            chain::find::<vk::VideoEncodeH265RateControlInfoKHR<'_>>(chain).map(|told| Self {
                codec: vk::VideoCodecOperationFlagsKHR::ENCODE_H265,
                is_regular: told.flags.contains(vk::VideoEncodeH265RateControlFlagsKHR::REGULAR_GOP),
                group: told.gop_frame_count,
                idr: told.idr_period,
                bidirectional: told.consecutive_b_frame_count,
                layers: told.sub_layer_count,
            })
        }
    }
}

impl Session {
    pub(crate) fn require_bound(&self) -> Result {
        require(self.memory.iter().all(|memory| !memory.is_null()), || "a session without memory".to_owned())
    }

    /// Forgets all, as when it was created.
    pub(crate) fn reset(&mut self) {
        self.slots.fill(None);
        self.stream.reset();
        (self.is_reset, self.rate, self.quality) = (true, None, 0);
    }
}

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkCreateVideoSessionKHR" => PFN_vkCreateVideoSessionKHR create,
        b"vkDestroyVideoSessionKHR" => PFN_vkDestroyVideoSessionKHR destroy,
        b"vkGetVideoSessionMemoryRequirementsKHR" => PFN_vkGetVideoSessionMemoryRequirementsKHR requirements,
        b"vkBindVideoSessionMemoryKHR" => PFN_vkBindVideoSessionMemoryKHR bind,
    }
}

unsafe extern "system" fn create(
    device: vk::Device,
    information: *const vk::VideoSessionCreateInfoKHR<'_>,
    _allocator: *const vk::AllocationCallbacks<'_>,
    session: *mut vk::VideoSessionKHR,
) -> vk::Result {
    let device = get(device);
    answer("vkCreateVideoSessionKHR", || {
        // SAFETY: the caller's contract.
        unsafe {
            let information = &*information;
            require_equal("family", information.queue_family_index, device.family)?;
            let profile = Profile::read(information.p_video_profile)?;
            chain::check("a session", information.p_next, &[profile.session()])?;
            require(profile.is_offered(), || "a profile that is not there".to_owned())?;
            let formats = (information.picture_format, information.reference_picture_format);
            require_equal("formats", formats, (profile.format(), profile.format()))?;
            let (least, most) = capabilities::sizes();
            let asked = information.max_coded_extent;
            let fits = |asked: u32, least: u32, most: u32| (least..=most).contains(&asked);
            require(
                fits(asked.width, least.width, most.width) && fits(asked.height, least.height, most.height),
                || format!("pictures of {asked:?}"),
            )?;
            let (slots, active) = (information.max_dpb_slots, information.max_active_reference_pictures);
            require(slots > 0 && slots <= count("slots"), || format!("{slots} slots"))?;
            require(active > 0 && active < slots && active <= count("references"), || format!("{active} references"))?;
            let version = &*information.p_std_header_version;
            let ours = profile.std_header();
            let is_ours = version.extension_name_as_c_str() == ours.extension_name_as_c_str();
            require(is_ours && version.spec_version <= ours.spec_version, || "another standard's version".to_owned())?;
            let made = Session {
                profile,
                most: asked,
                active,
                memory: vec![vk::DeviceMemory::null(); count("memories") as usize],
                slots: vec![None; slots as usize],
                stream: Stream::of(profile),
                is_reset: false,
                rate: None,
                quality: 0,
                pictures: 0,
            };
            let mut state = device.state();
            let handle = state.new_handle();
            state.sessions.insert(handle, made);
            *session = vk::VideoSessionKHR::from_raw(handle);
            ledger::event("open vulkan");
            Ok(())
        }
    })
}

unsafe extern "system" fn destroy(
    device: vk::Device,
    session: vk::VideoSessionKHR,
    _allocator: *const vk::AllocationCallbacks<'_>,
) {
    if session.is_null() {
        return;
    }
    let device = get(device);
    note("vkDestroyVideoSessionKHR", || {
        let mut state = device.state();
        let is_used = state.parameters.values().any(|parameters| parameters.session == session);
        let found = state.sessions.remove(&session.as_raw());
        ledger::event("close vulkan");
        require(found.is_some() && !is_used, || "unknown, or with parameters that live".to_owned())
    });
}

unsafe extern "system" fn requirements(
    device: vk::Device,
    session: vk::VideoSessionKHR,
    count: *mut u32,
    into: *mut vk::VideoSessionMemoryRequirementsKHR<'_>,
) -> vk::Result {
    let device = get(device);
    let mut result = vk::Result::SUCCESS;
    let told = answer("vkGetVideoSessionMemoryRequirementsKHR", || {
        let mut state = device.state();
        let session = known(&mut state.sessions, session, "session")?;
        // SAFETY: the caller's contract.
        result = unsafe {
            chain::answer(count, into, session.memory.len(), |place, index| {
                place.memory_bind_index = 7 * u32::try_from(index).unwrap_or(0);
                place.memory_requirements =
                    vk::MemoryRequirements { size: MEMORY, alignment: 4096, memory_type_bits: device.memory_types };
            })
        };
        Ok(())
    });
    if told == vk::Result::SUCCESS { result } else { told }
}

unsafe extern "system" fn bind(
    device: vk::Device,
    session: vk::VideoSessionKHR,
    count: u32,
    information: *const vk::BindVideoSessionMemoryInfoKHR<'_>,
) -> vk::Result {
    let device = get(device);
    answer("vkBindVideoSessionMemoryKHR", || {
        let mut state = device.state();
        // SAFETY: the caller's contract.
        for bound in unsafe { chain::array(information, count) } {
            require(state.memory.contains(&bound.memory.as_raw()), || "no memory".to_owned())?;
            require_equal("size and offset", (bound.memory_size, bound.memory_offset), (MEMORY, 0))?;
            let session = known(&mut state.sessions, session, "session")?;
            let index = bound.memory_bind_index as usize;
            require(index.is_multiple_of(7) && index / 7 < session.memory.len(), || format!("binding {index}"))?;
            let before = std::mem::replace(&mut session.memory[index / 7], bound.memory);
            require(before.is_null(), || "bound before".to_owned())?;
        }
        Ok(())
    })
}

/// Bytes of each memory of a session.
const MEMORY: u64 = 65536;
