//! An encoder: a session with all that it works on.

use std::ffi::c_void;
use std::rc::Rc;
use std::time::Duration;

use ash::vk;

use super::Colour;
use super::bitstream::Bitstream;
use super::capabilities::{Capabilities, CodecCapabilities, lacks};
use super::error::{EncodeVideoError, OpenVideoError};
use super::image::VideoImage;
use super::input::Input;
use super::parameters::{FASTEST, Parameters};
use super::profile::Profile;
use super::queue::VideoQueue;
use super::rate::{Rate, RateMode};
use super::remaining;
use super::session::Session;
use super::syntax::{Coding, Syntax};
use super::{av1, h264, hevc};
use crate::vulkan::commands::Commands;
use crate::vulkan::device::Device;
use crate::vulkan::surface::Surface;

/// What an encoder is opened with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Pixels that are shown, even both ways.
    pub size: (u32, u32),
    /// `level_idc` or `general_level_idc`.
    pub level: u8,
    /// Pictures that a decoder keeps.
    pub references: u8,
    /// Slices of a picture, if the engine has as many.
    pub slices: u32,
    /// What samples are.
    pub colour: Colour,
    /// Frames, in so many seconds.
    pub rate: (u32, u32),
    /// Bits per second.
    pub bits_per_second: u64,
}

/// An encoder.
pub struct Encoder {
    // In this order they are given back.
    commands: Commands,
    bitstream: Bitstream,
    input: Input,
    kept: VideoImage,
    parameters: Parameters,
    session: Session,
    queue: VideoQueue,
    device: Rc<Device>,
    syntax: Box<dyn Syntax>,
    profile: Profile,
    can: Capabilities,
    slots: u8,
    rate: Rate,
    /// What the engine was told last; nothing before the first picture.
    told: Option<Rate>,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Encoder").field("can", &self.can).field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Encoder {
    /// Opens an encoder on a device that was opened with its engine.
    ///
    /// # Errors
    /// [`OpenVideoError`]; nothing stays open.
    ///
    /// # Panics
    /// If a side is odd or zero, or no picture is kept.
    pub fn open(
        device: &Rc<Device>,
        profile: Profile,
        can: &Capabilities,
        settings: &Settings,
        deadline: Duration,
    ) -> Result<Self, OpenVideoError> {
        let (width, height) = settings.size;
        let is_even = |side: u32| side > 0 && side.is_multiple_of(2);
        assert!(is_even(width) && is_even(height) && settings.references > 0, "{settings:?}");
        let queue = device.video.clone();
        let queue = queue.ok_or_else(|| lacks(device.physical(), "queue that encodes video"))?;
        let coded = can.coded_size(settings.size);
        let fits = |side: u32, least: u32, most: u32| (least..=most).contains(&side);
        if !fits(coded.0, can.least.0, can.most.0) || !fits(coded.1, can.least.1, can.most.1) {
            let device = device.physical().name.clone();
            return Err(OpenVideoError::Size { device, asked: settings.size, least: can.least, most: can.most });
        }
        let slots = settings.references + 1;
        assert!(u32::from(slots) <= can.slots, "{slots} pictures of {}", can.slots);
        let rate = Rate { mode: can.rate_mode, bits_per_second: settings.bits_per_second, frame_rate: settings.rate };
        let slices = settings.slices.clamp(1, can.slices.max(1));
        let syntax: Box<dyn Syntax> = match can.codec {
            CodecCapabilities::H264(can) => Box::new(h264::Stream::new(can, coded, slices, rate.quantizer())),
            CodecCapabilities::Hevc(can) => Box::new(hevc::Stream::new(can, coded, slices, rate.quantizer())),
            CodecCapabilities::Av1(can) => Box::new(av1::Stream::new(can, settings.size, rate.quantizer())),
        };
        let session = Session::create(device, &queue, profile, can, coded, slots)?;
        let parameters = Parameters::create(device, &queue, &session, &*syntax, settings)?;
        let usage = vk::ImageUsageFlags::VIDEO_ENCODE_DPB_KHR;
        let part = can.coded_part(settings.size);
        let kept = VideoImage::allocate(device, profile, usage, coded, slots.into())?.coding(part);
        let input = Input::make(device, profile, settings.size, (coded, part), deadline)?;
        let bitstream = Bitstream::make(device, profile, most_bytes(coded), can.bitstream_alignment)?;
        let commands = Commands::make_for(device, (queue.family, queue.raw), deadline)?;
        Ok(Self {
            commands,
            bitstream,
            input,
            kept,
            parameters,
            session,
            queue,
            device: Rc::clone(device),
            syntax,
            profile,
            can: *can,
            slots,
            rate,
            told: None,
        })
    }

    /// What the engine can.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.can
    }

    /// How bits are spent.
    #[must_use]
    pub const fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Spends this much from the next picture on, which need not be an IDR picture.
    pub const fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// Encodes a picture and waits for it: the one of the surface, or without one the same
    /// again. Appends it to `into`, an IDR picture with the parameter sets.
    ///
    /// # Errors
    /// [`EncodeVideoError`].
    ///
    /// # Panics
    /// If a slot is not there, or is that of the reference.
    pub fn encode(
        &mut self,
        surface: Option<&Surface>,
        coding: &Coding,
        into: &mut Vec<u8>,
    ) -> Result<(), EncodeVideoError> {
        let reference = coding.reference.map(|reference| reference.slot);
        assert!(coding.slot < self.slots && reference.is_none_or(|slot| slot < self.slots), "{coding:?}");
        assert!(reference != Some(coding.slot), "a picture would be written over the one it refers to");
        assert!(reference.is_none() || self.told.is_some(), "the first picture refers to nothing");
        let copied = match surface {
            // SAFETY: below it is waited for whoever waits for this.
            Some(surface) => Some(unsafe { self.input.begin(surface) }?),
            None => None,
        };
        // SAFETY: all that is used is ours, and is as the session was made for.
        let done = unsafe { self.commands.run_after(copied, |list| self.write(list, coding)) };
        if done.is_err() {
            // The copy may be going on.
            self.device.abandon();
        }
        done?;
        self.told = Some(self.rate);
        into.extend_from_slice(self.syntax.beginning());
        if coding.reference.is_none() {
            into.extend_from_slice(&self.parameters.headers);
        }
        // SAFETY: the engine is done.
        unsafe { self.bitstream.read(into) }
    }

    fn write(&self, list: vk::CommandBuffer, coding: &Coding) {
        let setup = self.kept.resource(coding.slot);
        let reference = coding.reference.map(|reference| (reference.slot, self.kept.resource(reference.slot)));
        self.syntax.with_picture(coding, &mut |picture| {
            let setup = slot(coding.slot, &setup).push_next(picture.setup);
            let reference = reference.as_ref().map(|(index, resource)| slot(*index, resource));
            let reference = reference.map(|slot| slot.push_next(picture.reference));
            let information = vk::VideoEncodeInfoKHR::default().push_next(picture.picture);
            self.write_picture(list, information, coding, setup, reference);
        });
    }

    /// Everything of one picture: barriers, the scope of the session, and what is told
    /// before the picture.
    fn write_picture(
        &self,
        list: vk::CommandBuffer,
        picture: vk::VideoEncodeInfoKHR<'_>,
        coding: &Coding,
        setup: vk::VideoReferenceSlotInfoKHR<'_>,
        reference: Option<vk::VideoReferenceSlotInfoKHR<'_>>,
    ) {
        let (raw, functions, query) = (&self.device.raw, self.queue.video.fp(), self.bitstream.query);
        let references: Vec<_> = reference.into_iter().collect();
        let picture = picture
            .dst_buffer(self.bitstream.buffer)
            .dst_buffer_range(self.bitstream.room)
            .src_picture_resource(self.input.image.resource(0))
            .setup_reference_slot(&setup)
            .reference_slots(&references);
        // The place of the new picture is nobody's until it is written.
        let mut slots: Vec<_> = references.iter().copied().chain([setup]).collect();
        slots[references.len()].slot_index = -1;
        slots.iter_mut().for_each(|slot| slot.p_next = std::ptr::null());
        // SAFETY: the list is being written, for the family of the session; what is pointed
        // to outlives the calls, and the images, the buffer and the query are ours.
        unsafe {
            self.barrier_before(list);
            raw.cmd_reset_query_pool(list, query, 0, 1);
            self.begin(list, coding, &slots);
            self.control(list);
            raw.cmd_begin_query(list, query, 0, vk::QueryControlFlags::empty());
            (self.queue.encode.fp().cmd_encode_video_khr)(list, &picture);
            raw.cmd_end_query(list, query, 0);
            (functions.cmd_end_video_coding_khr)(list, &vk::VideoEndCodingInfoKHR::default());
            self.barrier_after(list);
        }
    }

    /// # Safety
    /// The list is being written, and what the slots point to lives.
    unsafe fn begin(&self, list: vk::CommandBuffer, coding: &Coding, slots: &[vk::VideoReferenceSlotInfoKHR<'_>]) {
        let begin = |chain: *const c_void| {
            let mut information = vk::VideoBeginCodingInfoKHR::default()
                .video_session(self.session.raw)
                .video_session_parameters(self.parameters.raw)
                .reference_slots(slots);
            information.p_next = chain;
            // SAFETY: the caller's contract; session and parameters are ours, and what is
            // chained lives while this runs.
            unsafe { (self.queue.video.fp().cmd_begin_video_coding_khr)(list, &information) };
        };
        match &self.told {
            // The engine compares it with what it was told.
            Some(told) => told.with(self.profile, self.can.most_bits_per_second, |rate| {
                let rate = std::ptr::from_ref(rate).cast();
                match told.mode {
                    RateMode::Quantizer(_) => begin(rate),
                    _ if !self.can.wants_remaining => begin(rate),
                    _ => remaining::with(self.profile, coding.reference.is_none(), rate, begin),
                }
            }),
            None => begin(std::ptr::null()),
        }
    }

    /// # Safety
    /// The list is being written, within the scope of the session.
    unsafe fn control(&self, list: vk::CommandBuffer) {
        use vk::VideoCodingControlFlagsKHR as Flags;
        if self.told == Some(self.rate) {
            return;
        }
        let control = self.queue.video.fp().cmd_control_video_coding_khr;
        self.rate.with(self.profile, self.can.most_bits_per_second, |rate| {
            let mut quality = vk::VideoEncodeQualityLevelInfoKHR::default().quality_level(FASTEST);
            let information = vk::VideoCodingControlInfoKHR::default();
            let information = match self.told {
                Some(_) => information.flags(Flags::ENCODE_RATE_CONTROL).push_next(rate),
                None => information
                    .flags(Flags::RESET | Flags::ENCODE_RATE_CONTROL | Flags::ENCODE_QUALITY_LEVEL)
                    .push_next(rate)
                    .push_next(&mut quality),
            };
            // SAFETY: the caller's contract; what is pointed to outlives the call.
            unsafe { control(list, &information) };
        });
    }

    /// # Safety
    /// The list is being written.
    unsafe fn barrier_before(&self, list: vk::CommandBuffer) {
        let encode = vk::PipelineStageFlags2::VIDEO_ENCODE_KHR;
        let (read, write) = (vk::AccessFlags2::VIDEO_ENCODE_READ_KHR, vk::AccessFlags2::VIDEO_ENCODE_WRITE_KHR);
        let dpb = vk::ImageLayout::VIDEO_ENCODE_DPB_KHR;
        // What is kept is read and written in its turn; before the first picture, nothing
        // is there.
        let images = [vk::ImageMemoryBarrier2::default()
            .image(self.kept.raw)
            .subresource_range(self.kept.all())
            .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
            .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
            .old_layout(if self.told.is_none() { vk::ImageLayout::UNDEFINED } else { dpb })
            .new_layout(dpb)
            .src_stage_mask(encode)
            .src_access_mask(write)
            .dst_stage_mask(encode)
            .dst_access_mask(read | write)];
        let dependency = vk::DependencyInfo::default().image_memory_barriers(&images);
        // SAFETY: the caller's contract; the image is ours.
        unsafe { self.queue.barriers.cmd_pipeline_barrier2(list, &dependency) };
    }

    /// # Safety
    /// The list is being written.
    unsafe fn barrier_after(&self, list: vk::CommandBuffer) {
        let host = [vk::MemoryBarrier2::default()
            .src_stage_mask(vk::PipelineStageFlags2::VIDEO_ENCODE_KHR)
            .src_access_mask(vk::AccessFlags2::VIDEO_ENCODE_WRITE_KHR)
            .dst_stage_mask(vk::PipelineStageFlags2::HOST)
            .dst_access_mask(vk::AccessFlags2::HOST_READ)];
        let dependency = vk::DependencyInfo::default().memory_barriers(&host);
        // SAFETY: the caller's contract.
        unsafe { self.queue.barriers.cmd_pipeline_barrier2(list, &dependency) };
    }
}

fn slot<'a>(index: u8, resource: &'a vk::VideoPictureResourceInfoKHR<'_>) -> vk::VideoReferenceSlotInfoKHR<'a> {
    vk::VideoReferenceSlotInfoKHR::default().slot_index(index.into()).picture_resource(resource)
}

/// Bytes of a coded picture at most: one of raw samples, and room for what goes wrong.
const fn most_bytes((width, height): (u32, u32)) -> u64 {
    width as u64 * height as u64 * 3 + (1 << 16)
}
