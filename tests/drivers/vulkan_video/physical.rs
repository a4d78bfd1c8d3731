//! What the device says that it has, and a device that is opened.

use std::ffi::{CStr, c_char};

use ash::{khr, vk};
use earthshine_drivers::ledger;
use earthshine_ffi::vulkan::video::av1_sys;

use crate::capabilities::{self, get};
use crate::chain;
use crate::instance;
use crate::loader::functions;
use crate::rules::{Result, require};

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkEnumerateDeviceExtensionProperties" => PFN_vkEnumerateDeviceExtensionProperties extensions,
        b"vkGetPhysicalDeviceQueueFamilyProperties" => PFN_vkGetPhysicalDeviceQueueFamilyProperties families,
        b"vkGetPhysicalDeviceQueueFamilyProperties2" => PFN_vkGetPhysicalDeviceQueueFamilyProperties2 families2,
        b"vkGetPhysicalDeviceProperties2" => PFN_vkGetPhysicalDeviceProperties2 properties2,
        b"vkGetPhysicalDeviceVideoCapabilitiesKHR" =>
            PFN_vkGetPhysicalDeviceVideoCapabilitiesKHR capabilities::video_capabilities,
        b"vkGetPhysicalDeviceVideoFormatPropertiesKHR" =>
            PFN_vkGetPhysicalDeviceVideoFormatPropertiesKHR capabilities::video_formats,
        b"vkCreateDevice" => PFN_vkCreateDevice crate::device::create,
    }
}

/// Extensions that this layer adds.
pub(crate) fn added() -> Vec<&'static CStr> {
    let mut added = vec![ash::ext::physical_device_drm::NAME];
    if get("video") == 1 {
        added.extend([khr::video_queue::NAME, khr::video_encode_queue::NAME]);
        added.extend(codecs().into_iter().map(|(_, extension)| extension));
    }
    added
}

/// Codecs, and the extensions that they belong to.
fn codecs() -> Vec<(vk::VideoCodecOperationFlagsKHR, &'static CStr)> {
    let mut codecs = vec![(vk::VideoCodecOperationFlagsKHR::ENCODE_H264, khr::video_encode_h264::NAME)];
    if get("hevc") > 0 {
        codecs.push((vk::VideoCodecOperationFlagsKHR::ENCODE_H265, khr::video_encode_h265::NAME));
    }
    if get("av1") > 0 {
        codecs.push((av1_sys::ENCODE_AV1, av1_sys::NAME));
    }
    codecs
}

unsafe extern "system" fn extensions(
    device: vk::PhysicalDevice,
    layer: *const c_char,
    count: *mut u32,
    into: *mut vk::ExtensionProperties,
) -> vk::Result {
    let Some(instance) = instance::of(device) else { return vk::Result::ERROR_INITIALIZATION_FAILED };
    // SAFETY: the caller's contract.
    unsafe {
        if !layer.is_null() {
            return chain::answer(count, into, 0, |_, _| ());
        }
        let Ok(mut all) = instance.next.enumerate_device_extension_properties(device) else {
            return vk::Result::ERROR_OUT_OF_HOST_MEMORY;
        };
        for name in added() {
            let mut extension = vk::ExtensionProperties::default().spec_version(1);
            for (place, byte) in extension.extension_name.iter_mut().zip(name.to_bytes_with_nul()) {
                *place = byte.cast_signed();
            }
            all.push(extension);
        }
        chain::answer(count, into, all.len(), |place, index| *place = all[index])
    }
}

/// Those of the driver; the one after them encodes.
pub(crate) fn driver_families(device: vk::PhysicalDevice) -> Vec<vk::QueueFamilyProperties> {
    instance::of(device).map_or(Vec::new(), |instance| {
        // SAFETY: the device is of the instance.
        unsafe { instance.next.get_physical_device_queue_family_properties(device) }
    })
}

fn all_families(device: vk::PhysicalDevice) -> Vec<vk::QueueFamilyProperties> {
    let mut families = driver_families(device);
    if get("video") == 1 {
        families.push(
            vk::QueueFamilyProperties::default()
                .queue_flags(vk::QueueFlags::VIDEO_ENCODE_KHR)
                .queue_count(1)
                .min_image_transfer_granularity(vk::Extent3D { width: 16, height: 16, depth: 1 }),
        );
    }
    families
}

unsafe extern "system" fn families(device: vk::PhysicalDevice, count: *mut u32, into: *mut vk::QueueFamilyProperties) {
    let all = all_families(device);
    // SAFETY: the caller's contract.
    let _ = unsafe { chain::answer(count, into, all.len(), |place, index| *place = all[index]) };
}

unsafe extern "system" fn families2(
    device: vk::PhysicalDevice,
    count: *mut u32,
    into: *mut vk::QueueFamilyProperties2<'_>,
) {
    let all = all_families(device);
    // SAFETY: the caller's contract.
    unsafe {
        let _ = chain::answer(count, into, all.len(), |place, index| {
            place.queue_family_properties = all[index];
            if let Some(video) = chain::find_mut::<vk::QueueFamilyVideoPropertiesKHR<'_>>(place.p_next) {
                let nothing = vk::VideoCodecOperationFlagsKHR::empty();
                let encodes = all[index].queue_flags.contains(vk::QueueFlags::VIDEO_ENCODE_KHR);
                video.video_codec_operations = match encodes {
                    true => codecs().iter().fold(nothing, |all, (codec, _)| all | *codec),
                    false => nothing,
                };
            }
        });
    }
}

/// The device is that of a node that tests have: `/dev/null`.
unsafe extern "system" fn properties2(device: vk::PhysicalDevice, properties: *mut vk::PhysicalDeviceProperties2<'_>) {
    let Some(instance) = instance::of(device) else { return };
    // SAFETY: the caller's contract.
    unsafe {
        instance.next.get_physical_device_properties2(device, &mut *properties);
        if let Some(node) = chain::find_mut::<vk::PhysicalDeviceDrmPropertiesEXT<'_>>((*properties).p_next) {
            (node.has_render, node.render_major, node.render_minor) = (vk::TRUE, 1, get("node").into());
        }
    }
}

/// What a program opens a device with, as the driver takes it.
pub(crate) struct Request<'a> {
    pub(crate) queues: Vec<vk::DeviceQueueCreateInfo<'a>>,
    pub(crate) extensions: Vec<*const c_char>,
    /// A queue that encodes is wanted.
    pub(crate) encodes: bool,
}

impl<'a> Request<'a> {
    /// # Safety
    /// `information` is what `vkCreateDevice` takes.
    pub(crate) unsafe fn split(device: vk::PhysicalDevice, information: &vk::DeviceCreateInfo<'a>) -> Result<Self> {
        let family = u32::try_from(driver_families(device).len()).unwrap_or(u32::MAX);
        // SAFETY: the caller's contract.
        let queues = unsafe { chain::array(information.p_queue_create_infos, information.queue_create_info_count) };
        // SAFETY: the caller's contract.
        let names =
            unsafe { chain::array(information.pp_enabled_extension_names, information.enabled_extension_count) };
        let (ours, theirs): (Vec<_>, Vec<_>) = queues.iter().partition(|queue| queue.queue_family_index == family);
        // SAFETY: names end with zero.
        let text = |name: &*const c_char| unsafe { CStr::from_ptr(*name) };
        let extensions = names.iter().copied().filter(|name| !added().contains(&text(name))).collect();
        let has = |wanted: &CStr| names.iter().any(|name| text(name) == wanted);
        let request = Self { queues: theirs, extensions, encodes: !ours.is_empty() };
        if !request.encodes {
            return Ok(request);
        }
        require(ours.len() == 1 && ours[0].queue_count == 1, || "more queues than there are".to_owned())?;
        for needed in [khr::video_queue::NAME, khr::video_encode_queue::NAME, khr::synchronization2::NAME] {
            require(has(needed), || format!("a queue that encodes, without {needed:?}"))?;
        }
        require(codecs().iter().any(|(_, codec)| has(codec)), || "a queue that encodes, without a codec".to_owned())?;
        // SAFETY: the chain is the program's.
        let barriers = unsafe { chain::find::<vk::PhysicalDeviceSynchronization2Features<'_>>(information.p_next) };
        let is_on = barriers.is_some_and(|feature| feature.synchronization2 == vk::TRUE);
        require(is_on, || "VK_KHR_synchronization2 without its feature".to_owned())?;
        // SAFETY: as above.
        let av1 = unsafe { chain::find::<av1_sys::PhysicalDeviceVideoEncodeAV1FeaturesKHR>(information.p_next) };
        let is_on = av1.is_some_and(|feature| feature.video_encode_av1 == vk::TRUE);
        require(is_on == has(av1_sys::NAME), || "VK_KHR_video_encode_av1 without its feature".to_owned())?;
        ledger::event("device with a queue that encodes");
        Ok(request)
    }
}
