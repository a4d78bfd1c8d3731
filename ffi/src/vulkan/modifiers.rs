//! Tilings that a device reads and writes.

use std::rc::Rc;

use ash::vk;

use super::device::Device;
use super::image::PixelLayout;

/// A tiling of DMA-BUFs, `DRM_FORMAT_MOD_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modifier {
    /// Its number.
    pub value: u64,
    /// Planes of a picture of it.
    pub planes: u32,
}

/// What is done with pictures that are taken in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    pub(super) usage: vk::ImageUsageFlags,
    feature: vk::FormatFeatureFlags,
}

impl Purpose {
    /// A shader reads them.
    pub(super) const READ: Self =
        Self { usage: vk::ImageUsageFlags::SAMPLED, feature: vk::FormatFeatureFlags::SAMPLED_IMAGE };
    /// Samples are copied into them.
    pub(super) const WRITE: Self =
        Self { usage: vk::ImageUsageFlags::TRANSFER_DST, feature: vk::FormatFeatureFlags::TRANSFER_DST };
}

impl Modifier {
    /// Those in which a picture can be taken in, for who allocates it.
    #[must_use]
    pub fn of(device: &Rc<Device>, layout: PixelLayout, width: u32, height: u32) -> Vec<Self> {
        Self::for_purpose(device, layout.format(), Purpose::READ, (width, height))
    }

    pub(super) fn for_purpose(device: &Device, format: vk::Format, purpose: Purpose, size: (u32, u32)) -> Vec<Self> {
        if !device.physical().imports_tiled {
            return Vec::new();
        }
        let all = properties(device, format).into_iter();
        let able = all.filter(|known| known.drm_format_modifier_tiling_features.contains(purpose.feature));
        able.filter(|known| is_importable(device, format, purpose, known.drm_format_modifier, size))
            .map(|known| Self { value: known.drm_format_modifier, planes: known.drm_format_modifier_plane_count })
            .collect()
    }
}

fn properties(device: &Device, format: vk::Format) -> Vec<vk::DrmFormatModifierPropertiesEXT> {
    let mut count = vk::DrmFormatModifierPropertiesListEXT::default();
    let mut answer = vk::FormatProperties2::default().push_next(&mut count);
    let (instance, raw) = (device.instance.raw(), device.physical().raw);
    // SAFETY: the device is of the instance and has the extension of the chain.
    unsafe { instance.get_physical_device_format_properties2(raw, format, &mut answer) };
    let mut found = vec![vk::DrmFormatModifierPropertiesEXT::default(); count.drm_format_modifier_count as usize];
    let mut list = vk::DrmFormatModifierPropertiesListEXT::default().drm_format_modifier_properties(&mut found);
    let mut answer = vk::FormatProperties2::default().push_next(&mut list);
    // SAFETY: as above; the list has room for as many as it says.
    unsafe { instance.get_physical_device_format_properties2(raw, format, &mut answer) };
    let written = list.drm_format_modifier_count as usize;
    found.truncate(written);
    found
}

fn is_importable(
    device: &Device,
    format: vk::Format,
    purpose: Purpose,
    modifier: u64,
    (width, height): (u32, u32),
) -> bool {
    let mut external = vk::PhysicalDeviceExternalImageFormatInfo::default()
        .handle_type(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT);
    let mut tiling = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT::default()
        .drm_format_modifier(modifier)
        .sharing_mode(vk::SharingMode::EXCLUSIVE);
    let question = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(format)
        .ty(vk::ImageType::TYPE_2D)
        .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
        .usage(purpose.usage)
        .push_next(&mut external)
        .push_next(&mut tiling);
    let mut shared = vk::ExternalImageFormatProperties::default();
    let mut answer = vk::ImageFormatProperties2::default().push_next(&mut shared);
    let (instance, raw) = (device.instance.raw(), device.physical().raw);
    // SAFETY: the device is of the instance and has the extensions of the chains.
    let known = unsafe { instance.get_physical_device_image_format_properties2(raw, &question, &mut answer) };
    let most = answer.image_format_properties.max_extent;
    let importable = vk::ExternalMemoryFeatureFlags::IMPORTABLE;
    known.is_ok()
        && (1..=most.width).contains(&width)
        && (1..=most.height).contains(&height)
        && shared.external_memory_properties.external_memory_features.contains(importable)
}
