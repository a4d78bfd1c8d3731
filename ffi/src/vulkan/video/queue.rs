//! The queue that encodes, and the functions that go with it.

use std::ffi::CStr;

use ash::{khr, vk};

use super::av1_sys::{self, ENCODE_AV1};

/// Queues that encode, before a device is opened.
#[derive(Debug, Clone)]
pub(in crate::vulkan) struct VideoFamily {
    pub(in crate::vulkan) family: u32,
    pub(in crate::vulkan) operations: vk::VideoCodecOperationFlagsKHR,
    pub(in crate::vulkan) extensions: Vec<&'static CStr>,
}

impl VideoFamily {
    /// The first family of a device that encodes anything of ours; `None` of most devices.
    pub(in crate::vulkan) fn look(
        instance: &ash::Instance,
        raw: vk::PhysicalDevice,
        has: impl Fn(&CStr) -> bool,
    ) -> Option<Self> {
        if !COMMON.iter().all(|name| has(name)) {
            return None;
        }
        let codecs: Vec<_> = CODECS.iter().filter(|(_, name)| has(name)).collect();
        // SAFETY: the device is of the instance, which lives.
        let count = unsafe { instance.get_physical_device_queue_family_properties2_len(raw) };
        let mut operations = vec![vk::QueueFamilyVideoPropertiesKHR::default(); count];
        let chained = |video| vk::QueueFamilyProperties2::default().push_next(video);
        let mut families: Vec<_> = operations.iter_mut().map(chained).collect();
        // SAFETY: as above; the device has the extension of the chained structures.
        unsafe { instance.get_physical_device_queue_family_properties2(raw, &mut families) };
        let encodes = |family: &vk::QueueFamilyProperties2<'_>| {
            family.queue_family_properties.queue_flags.contains(vk::QueueFlags::VIDEO_ENCODE_KHR)
        };
        let encodes: Vec<_> = families.iter().map(encodes).collect();
        let ours = |operations: vk::VideoCodecOperationFlagsKHR| {
            codecs.iter().filter(|(codec, _)| operations.contains(*codec)).copied().copied().collect::<Vec<_>>()
        };
        let found = encodes
            .iter()
            .zip(&operations)
            .map(|(encodes, operations)| if *encodes { ours(operations.video_codec_operations) } else { Vec::new() });
        let (family, codecs) = found.enumerate().find(|(_, codecs)| !codecs.is_empty())?;
        let operations = codecs.iter().fold(vk::VideoCodecOperationFlagsKHR::empty(), |all, codec| all | codec.0);
        let extensions = COMMON.into_iter().chain(codecs.iter().map(|codec| codec.1)).collect();
        Some(Self { family: u32::try_from(family).ok()?, operations, extensions })
    }
}

/// The queue of an open device.
#[derive(Clone)]
pub(in crate::vulkan) struct VideoQueue {
    pub(in crate::vulkan) family: u32,
    pub(in crate::vulkan) raw: vk::Queue,
    pub(in crate::vulkan) video: khr::video_queue::Device,
    pub(in crate::vulkan) encode: khr::video_encode_queue::Device,
    pub(in crate::vulkan) barriers: khr::synchronization2::Device,
}

impl VideoQueue {
    /// Of a device that was opened with a queue of the family.
    pub(in crate::vulkan) fn of(instance: &ash::Instance, device: &ash::Device, family: u32) -> Self {
        Self {
            family,
            // SAFETY: the queue was asked for.
            raw: unsafe { device.get_device_queue(family, 0) },
            video: khr::video_queue::Device::new(instance, device),
            encode: khr::video_encode_queue::Device::new(instance, device),
            barriers: khr::synchronization2::Device::new(instance, device),
        }
    }
}

const COMMON: [&CStr; 3] = [khr::synchronization2::NAME, khr::video_queue::NAME, khr::video_encode_queue::NAME];

const CODECS: [(vk::VideoCodecOperationFlagsKHR, &CStr); 3] = [
    (vk::VideoCodecOperationFlagsKHR::ENCODE_H264, khr::video_encode_h264::NAME),
    (vk::VideoCodecOperationFlagsKHR::ENCODE_H265, khr::video_encode_h265::NAME),
    (ENCODE_AV1, av1_sys::NAME),
];
