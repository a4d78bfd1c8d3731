//! Sessions, and what the engine keeps for each.

use ash::vk;
use ash::vk::Handle;
use earthshine_drivers::ledger;

use crate::capabilities::{self, FORMAT, Profile, count};
use crate::chain;
use crate::device::{get, known};
use crate::loader::functions;
use crate::pixels::Picture;
use crate::rules::{Result, answer, note, require, require_equal};

/// A session.
pub(crate) struct Session {
    pub(crate) profile: Profile,
    pub(crate) most: vk::Extent2D,
    pub(crate) active: u32,
    /// As many as are bound; null for those that are not yet.
    pub(crate) memory: Vec<vk::DeviceMemory>,
    pub(crate) slots: Vec<Option<Slot>>,
    /// What decoders keep, newest first.
    pub(crate) kept: Vec<Kept>,
    pub(crate) is_reset: bool,
    pub(crate) rate: Option<Rate>,
    pub(crate) quality: u32,
    pub(crate) pictures: u64,
    pub(crate) last_idr: Option<u16>,
    pub(crate) frame_number: u32,
}

/// A picture in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    pub(crate) image: vk::Image,
    pub(crate) layer: u32,
    pub(crate) frame_number: u32,
    pub(crate) order: i32,
}

/// A picture that a decoder keeps.
pub(crate) struct Kept {
    pub(crate) frame_number: u32,
    pub(crate) order: i32,
    pub(crate) pixels: Picture,
}

/// How bits are to be spent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Rate {
    pub(crate) mode: vk::VideoEncodeRateControlModeFlagsKHR,
    pub(crate) buffer: (u32, u32),
    /// Average, most, frames, seconds.
    pub(crate) layers: Vec<(u64, u64, u32, u32)>,
    /// Flags, pictures of a group, from one IDR picture to the next, B pictures.
    pub(crate) pattern: Option<(u32, u32, u32, u32)>,
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
            let pattern = chain::find::<vk::VideoEncodeH264RateControlInfoKHR<'_>>(chain);
            let layer = |layer: &vk::VideoEncodeRateControlLayerInfoKHR<'_>| {
                let frames = (layer.frame_rate_numerator, layer.frame_rate_denominator);
                (layer.average_bitrate, layer.max_bitrate, frames.0, frames.1)
            };
            Some(Self {
                mode: told.rate_control_mode,
                buffer: (told.virtual_buffer_size_in_ms, told.initial_virtual_buffer_size_in_ms),
                layers: chain::array(told.p_layers, told.layer_count).iter().map(layer).collect(),
                pattern: pattern.map(|pattern| {
                    let (flags, group) = (pattern.flags.as_raw(), pattern.gop_frame_count);
                    (flags, group, pattern.idr_period, pattern.consecutive_b_frame_count)
                }),
            })
        }
    }

    pub(crate) fn check(&self) -> Result {
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
        if let Some((flags, group, idr, bidirectional)) = self.pattern {
            let regular = vk::VideoEncodeH264RateControlFlagsKHR::REGULAR_GOP.as_raw();
            require(flags & regular == 0 || group > 0, || "a regular group of no size".to_owned())?;
            require(idr == 0 || idr >= group, || "IDR pictures within groups".to_owned())?;
            require_equal("B pictures", bidirectional, 0)?;
        }
        Ok(())
    }

    pub(crate) fn bits_per_second(&self) -> u64 {
        self.layers.first().map_or(0, |layer| layer.0)
    }
}

impl Session {
    pub(crate) fn require_bound(&self) -> Result {
        require(self.memory.iter().all(|memory| !memory.is_null()), || "a session without memory".to_owned())
    }

    /// Forgets all, as when it was created.
    pub(crate) fn reset(&mut self) {
        self.slots.fill(None);
        self.kept.clear();
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
            let known = [vk::StructureType::VIDEO_ENCODE_H264_SESSION_CREATE_INFO_KHR];
            chain::check("a session", information.p_next, &known)?;
            require_equal("family", information.queue_family_index, device.family)?;
            let profile = Profile::read(information.p_video_profile)?;
            require(profile.is_offered(), || "a profile that is not there".to_owned())?;
            let formats = (information.picture_format, information.reference_picture_format);
            require_equal("formats", formats, (FORMAT, FORMAT))?;
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
            let ours = capabilities::std_header();
            let is_ours = version.extension_name_as_c_str() == ours.extension_name_as_c_str();
            require(is_ours && version.spec_version <= ours.spec_version, || "another standard's version".to_owned())?;
            let made = Session {
                profile,
                most: asked,
                active,
                memory: vec![vk::DeviceMemory::null(); count("memories") as usize],
                slots: vec![None; slots as usize],
                kept: Vec::new(),
                is_reset: false,
                rate: None,
                quality: 0,
                pictures: 0,
                last_idr: None,
                frame_number: 0,
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
