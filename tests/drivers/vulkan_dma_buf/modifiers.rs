//! Tilings: there is one, plain rows, for what is copied into.

use ash::vk;

use crate::{chain, next};

/// Bytes of a texel in such a picture; `None` for formats that have no tiling here.
pub(crate) const fn texel(format: vk::Format) -> Option<u64> {
    match format {
        vk::Format::R8_UNORM => Some(1),
        vk::Format::R8G8_UNORM | vk::Format::R16_UNORM => Some(2),
        vk::Format::R16G16_UNORM => Some(4),
        _ => None,
    }
}

pub(crate) unsafe extern "system" fn properties(
    device: vk::PhysicalDevice,
    format: vk::Format,
    properties: *mut vk::FormatProperties2<'_>,
) {
    let name = c"vkGetPhysicalDeviceFormatProperties2";
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        if let Some(function) = next::function::<_, vk::PFN_vkGetPhysicalDeviceFormatProperties2>(device, name) {
            function(device, format, properties);
        }
        let kind = vk::StructureType::DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT;
        let list: *mut vk::DrmFormatModifierPropertiesListEXT<'_> = chain::find((*properties).p_next, kind);
        let Some(list) = list.as_mut() else { return };
        let known = u32::from(texel(format).is_some());
        match list.p_drm_format_modifier_properties.as_mut() {
            Some(place) if list.drm_format_modifier_count >= known && known == 1 => {
                (place.drm_format_modifier, place.drm_format_modifier_plane_count) = (LINEAR, 1);
                place.drm_format_modifier_tiling_features = vk::FormatFeatureFlags::TRANSFER_DST;
            }
            _ => {}
        }
        list.drm_format_modifier_count = known;
    }
}

pub(crate) unsafe extern "system" fn image_properties(
    device: vk::PhysicalDevice,
    question: *const vk::PhysicalDeviceImageFormatInfo2<'_>,
    answer: *mut vk::ImageFormatProperties2<'_>,
) -> vk::Result {
    let name = c"vkGetPhysicalDeviceImageFormatProperties2";
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        let kind = vk::StructureType::PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT;
        let tiling: *mut vk::PhysicalDeviceImageDrmFormatModifierInfoEXT<'_> = chain::find((*question).p_next, kind);
        let Some(tiling) = tiling.as_ref() else {
            let function = next::function::<_, vk::PFN_vkGetPhysicalDeviceImageFormatProperties2>(device, name);
            let Some(function) = function else { return vk::Result::ERROR_INITIALIZATION_FAILED };
            return function(device, question, answer);
        };
        let is_known = texel((*question).format).is_some() && tiling.drm_format_modifier == LINEAR;
        if !is_known || (*question).usage != vk::ImageUsageFlags::TRANSFER_DST {
            return vk::Result::ERROR_FORMAT_NOT_SUPPORTED;
        }
        (*answer).image_format_properties = vk::ImageFormatProperties {
            max_extent: vk::Extent3D { width: 16384, height: 16384, depth: 1 },
            max_mip_levels: 1,
            max_array_layers: 1,
            sample_counts: vk::SampleCountFlags::TYPE_1,
            max_resource_size: 1 << 31,
        };
        let kind = vk::StructureType::EXTERNAL_IMAGE_FORMAT_PROPERTIES;
        let shared: *mut vk::ExternalImageFormatProperties<'_> = chain::find((*answer).p_next, kind);
        if let Some(shared) = shared.as_mut() {
            shared.external_memory_properties.external_memory_features =
                vk::ExternalMemoryFeatureFlags::IMPORTABLE | vk::ExternalMemoryFeatureFlags::DEDICATED_ONLY;
            shared.external_memory_properties.compatible_handle_types = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
        }
    }
    vk::Result::SUCCESS
}

/// `DRM_FORMAT_MOD_LINEAR`.
pub(crate) const LINEAR: u64 = 0;
