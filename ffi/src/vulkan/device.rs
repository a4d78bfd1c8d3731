//! GPUs, and a queue of one of them.

use std::cell::Cell;
use std::ffi::CStr;
use std::rc::Rc;

use ash::{ext, khr, vk};

use super::error::{Named, OpenVulkanError, VulkanError};
use super::instance::Instance;
use super::video::av1_sys;
use super::video::queue::{VideoFamily, VideoQueue};

/// A GPU that Vulkan sees.
#[derive(Debug, Clone)]
pub struct PhysicalDevice {
    pub(super) raw: vk::PhysicalDevice,
    /// Name of the product.
    pub name: String,
    /// The same in CUDA: devices are matched by it.
    pub uuid: [u8; 16],
    /// What it is.
    pub kind: DeviceKind,
    /// Major and minor number of its render node, if it has one.
    pub render_node: Option<(i64, i64)>,
    /// Pictures in DMA-BUFs of any tiling can be taken in.
    pub imports_tiled: bool,
    /// DMA-BUFs of plain rows can be taken in.
    pub imports_linear: bool,
    /// Memory can be handed to CUDA.
    pub exports: bool,
    /// Bytes that a shader writes to at most.
    pub(super) largest_surface: u32,
    /// Where it encodes, if it does.
    pub(super) video: Option<VideoFamily>,
    extensions: Vec<&'static CStr>,
    queue_family: u32,
}

/// What a device is, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the host's memory.
    Integrated,
    /// A GPU of a virtual machine's.
    Virtual,
    /// Anything else.
    Other,
    /// The host's processor.
    Cpu,
}

/// Which device is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The best one.
    Any,
    /// The one with the UUID.
    Uuid([u8; 16]),
    /// The one of a render node: major and minor number.
    RenderNode(i64, i64),
}

impl Selection {
    pub(super) fn fits(self, device: &PhysicalDevice) -> bool {
        match self {
            Self::Any => true,
            Self::Uuid(uuid) => device.uuid == uuid,
            Self::RenderNode(major, minor) => device.render_node == Some((major, minor)),
        }
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => out.write_str("of Vulkan 1.1"),
            Self::Uuid(uuid) => {
                out.write_str("with UUID ")?;
                uuid.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
            Self::RenderNode(major, minor) => write!(out, "of render node {major}:{minor}"),
        }
    }
}

impl PhysicalDevice {
    /// What is known of a device; `None` of Vulkan 1.0 or without a queue for us.
    pub(super) fn look(instance: &ash::Instance, raw: vk::PhysicalDevice) -> Result<Option<Self>, VulkanError> {
        // SAFETY: the device is of the instance, which lives.
        let basic = unsafe { instance.get_physical_device_properties(raw) };
        if basic.api_version < vk::API_VERSION_1_1 {
            return Ok(None);
        }
        // SAFETY: as above.
        let available = unsafe { instance.enumerate_device_extension_properties(raw) }
            .named("vkEnumerateDeviceExtensionProperties")?;
        let has = |name: &CStr| available.iter().any(|found| found.extension_name_as_c_str() == Ok(name));
        let (mut ids, mut node) =
            (vk::PhysicalDeviceIDProperties::default(), vk::PhysicalDeviceDrmPropertiesEXT::default());
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut ids);
        if has(ext::physical_device_drm::NAME) {
            properties = properties.push_next(&mut node);
        }
        // SAFETY: as above; the chain has structures that the device knows.
        unsafe { instance.get_physical_device_properties2(raw, &mut properties) };
        // SAFETY: as above.
        let families = unsafe { instance.get_physical_device_queue_family_properties(raw) };
        let Some(queue_family) = compute_family(&families) else { return Ok(None) };
        let name = basic.device_name_as_c_str().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = EXTENSIONS.iter().copied().filter(|name| has(name)).collect::<Vec<_>>();
        let imports_linear = has(khr::external_memory_fd::NAME) && has(ext::external_memory_dma_buf::NAME);
        Ok(Some(Self {
            raw,
            name,
            uuid: ids.device_uuid,
            kind: kind(basic.device_type),
            render_node: (node.has_render == vk::TRUE).then_some((node.render_major, node.render_minor)),
            imports_tiled: imports_linear
                && has(ext::image_drm_format_modifier::NAME)
                && has(khr::image_format_list::NAME),
            imports_linear,
            exports: has(khr::external_memory_fd::NAME),
            largest_surface: basic.limits.max_storage_buffer_range,
            video: VideoFamily::look(instance, raw, has),
            extensions: wanted,
            queue_family,
        }))
    }
}

/// Beside what games draw with, if there is such a queue.
fn compute_family(families: &[vk::QueueFamilyProperties]) -> Option<u32> {
    let computes = |family: &&vk::QueueFamilyProperties| family.queue_flags.contains(vk::QueueFlags::COMPUTE);
    let draws = |family: &vk::QueueFamilyProperties| family.queue_flags.contains(vk::QueueFlags::GRAPHICS);
    let beside = families.iter().position(|family| computes(&family) && !draws(family));
    u32::try_from(beside.or_else(|| families.iter().position(|family| computes(&family)))?).ok()
}

const fn kind(kind: vk::PhysicalDeviceType) -> DeviceKind {
    match kind {
        vk::PhysicalDeviceType::DISCRETE_GPU => DeviceKind::Discrete,
        vk::PhysicalDeviceType::INTEGRATED_GPU => DeviceKind::Integrated,
        vk::PhysicalDeviceType::VIRTUAL_GPU => DeviceKind::Virtual,
        vk::PhysicalDeviceType::CPU => DeviceKind::Cpu,
        _ => DeviceKind::Other,
    }
}

/// A device with a queue that computes, and maybe one that encodes.
pub struct Device {
    pub(super) raw: ash::Device,
    pub(super) physical: PhysicalDevice,
    pub(super) queue: vk::Queue,
    pub(super) video: Option<VideoQueue>,
    pub(super) external_memory: Option<khr::external_memory_fd::Device>,
    memory: vk::PhysicalDeviceMemoryProperties,
    /// The GPU still works on something that nobody waits for any more.
    abandoned: Cell<bool>,
    // Last.
    pub(super) instance: Rc<Instance>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Device").field("name", &self.physical.name).finish_non_exhaustive()
    }
}

impl Device {
    /// Opens a device with whatever it has of the extensions that we use.
    ///
    /// # Errors
    /// [`VulkanError`].
    pub fn open(instance: &Rc<Instance>, physical: PhysicalDevice) -> Result<Rc<Self>, VulkanError> {
        Self::create(instance, physical, None)
    }

    /// The same with its encode engine.
    ///
    /// # Errors
    /// [`OpenVulkanError::Lacks`] if it has none.
    pub fn open_video(instance: &Rc<Instance>, physical: PhysicalDevice) -> Result<Rc<Self>, OpenVulkanError> {
        let lacks = || OpenVulkanError::Lacks { device: physical.name.clone(), what: "queue that encodes video" };
        let video = physical.video.clone().ok_or_else(lacks)?;
        Ok(Self::create(instance, physical, Some(&video))?)
    }

    fn create(
        instance: &Rc<Instance>,
        physical: PhysicalDevice,
        video: Option<&VideoFamily>,
    ) -> Result<Rc<Self>, VulkanError> {
        let mut families = vec![physical.queue_family];
        families.extend(video.map(|video| video.family).filter(|family| *family != physical.queue_family));
        let queue =
            |family: &u32| vk::DeviceQueueCreateInfo::default().queue_family_index(*family).queue_priorities(&[1.0]);
        let queues: Vec<_> = families.iter().map(queue).collect();
        let extensions = physical.extensions.iter().chain(video.iter().flat_map(|video| &video.extensions));
        let extensions: Vec<_> = extensions.map(|name| name.as_ptr()).collect();
        let mut barriers = vk::PhysicalDeviceSynchronization2Features::default().synchronization2(true);
        let mut information =
            vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&extensions);
        if video.is_some() {
            information = information.push_next(&mut barriers);
        }
        let mut av1 =
            av1_sys::PhysicalDeviceVideoEncodeAV1FeaturesKHR { video_encode_av1: vk::TRUE, ..Default::default() };
        if video.is_some_and(|video| video.extensions.contains(&av1_sys::NAME)) {
            information = information.push_next(&mut av1);
        }
        // SAFETY: the device is of the instance; what is pointed to outlives the call.
        let raw = unsafe { instance.raw().create_device(physical.raw, &information, None) }.named("vkCreateDevice")?;
        // SAFETY: the queue was asked for.
        let queue = unsafe { raw.get_device_queue(physical.queue_family, 0) };
        // SAFETY: the device is of the instance.
        let memory = unsafe { instance.raw().get_physical_device_memory_properties(physical.raw) };
        let external_memory = physical.exports.then(|| khr::external_memory_fd::Device::new(instance.raw(), &raw));
        let video = video.map(|video| VideoQueue::of(instance.raw(), &raw, video.family));
        let (abandoned, instance) = (Cell::new(false), Rc::clone(instance));
        Ok(Rc::new(Self { raw, physical, queue, video, external_memory, memory, abandoned, instance }))
    }

    /// Which GPU it is.
    #[must_use]
    pub const fn physical(&self) -> &PhysicalDevice {
        &self.physical
    }

    /// What it was opened through.
    #[must_use]
    pub const fn instance(&self) -> &Rc<Instance> {
        &self.instance
    }

    pub(super) const fn queue_family(&self) -> u32 {
        self.physical.queue_family
    }

    /// Whose a picture is before and after we read it.
    pub(super) fn foreign_family(&self) -> u32 {
        if self.physical.extensions.contains(&ext::queue_family_foreign::NAME) {
            vk::QUEUE_FAMILY_FOREIGN_EXT
        } else {
            vk::QUEUE_FAMILY_EXTERNAL
        }
    }

    /// Nothing is destroyed from now on, because the GPU may still use it.
    pub(super) fn abandon(&self) {
        self.abandoned.set(true);
    }

    /// Whether things may be destroyed.
    pub(super) fn is_idle(&self) -> bool {
        !self.abandoned.get()
    }

    /// A memory type of `allowed` that has all of `required`, and of `preferred` if
    /// there is one.
    pub(super) fn memory_type(
        &self,
        allowed: u32,
        required: vk::MemoryPropertyFlags,
        preferred: vk::MemoryPropertyFlags,
    ) -> Result<u32, VulkanError> {
        let types = || (0_u32..).zip(self.memory.memory_types_as_slice());
        let find = |wanted: vk::MemoryPropertyFlags| {
            let mut fitting =
                types().filter(|(index, kind)| allowed >> index & 1 == 1 && kind.property_flags.contains(wanted));
            fitting.next().map(|(index, _)| index)
        };
        let found = find(required | preferred).or_else(|| find(required));
        found.ok_or(VulkanError::of("vkAllocateMemory", vk::Result::ERROR_FEATURE_NOT_PRESENT))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if !self.is_idle() {
            // An instance outlives its devices.
            std::mem::forget(Rc::clone(&self.instance));
            return;
        }
        // SAFETY: destroyed once; what was made on it holds an `Rc` of it and is
        // gone, and the GPU has done all that it was given.
        unsafe { self.raw.destroy_device(None) };
    }
}

/// What is used where it is there.
const EXTENSIONS: [&CStr; 5] = [
    khr::external_memory_fd::NAME,
    ext::external_memory_dma_buf::NAME,
    khr::image_format_list::NAME,
    ext::image_drm_format_modifier::NAME,
    ext::queue_family_foreign::NAME,
];
