//! The loader and its drivers.

use std::ffi::{CStr, c_void};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use ash::{ext, vk};

use super::device::{PhysicalDevice, Selection};
use super::error::{Named, OpenVulkanError};
use crate::dynamic_library::Library;

/// Vulkan, opened.
pub struct Instance {
    entry: ash::Entry,
    raw: ash::Instance,
    watch: Option<Watch>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Instance").field("validated", &self.watch.is_some()).finish_non_exhaustive()
    }
}

/// What the validation layer says.
struct Watch {
    functions: ext::debug_utils::Instance,
    messenger: vk::DebugUtilsMessengerEXT,
    // The layer holds a pointer to it.
    messages: Box<Messages>,
}

type Messages = Mutex<Vec<String>>;

impl Instance {
    /// Opens the loader, which may hang in a driver: to be called where that hurts
    /// nobody.
    ///
    /// # Errors
    /// [`OpenVulkanError`].
    pub fn open() -> Result<Rc<Self>, OpenVulkanError> {
        let entry = entry()?;
        let raw = create(&entry, &[], &[])?;
        Ok(Rc::new(Self { entry, raw, watch: None }))
    }

    /// Opens it with the layer that checks each call, for tests.
    ///
    /// # Errors
    /// [`OpenVulkanError::NoValidation`] where the layer is not installed.
    pub fn open_validated() -> Result<Rc<Self>, OpenVulkanError> {
        let entry = entry()?;
        // SAFETY: the entry is loaded.
        let layers = unsafe { entry.enumerate_instance_layer_properties() };
        let layers = layers.named("vkEnumerateInstanceLayerProperties")?;
        if !layers.iter().any(|layer| layer.layer_name_as_c_str() == Ok(VALIDATION)) {
            return Err(OpenVulkanError::NoValidation);
        }
        let raw = create(&entry, &[VALIDATION], &[ext::debug_utils::NAME])?;
        let mut instance = Self { entry, raw, watch: None };
        instance.watch = Some(Watch::begin(&instance.entry, &instance.raw)?);
        Ok(Rc::new(instance))
    }

    /// What the validation layer has complained about.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let messages = self.watch.as_ref().map(|watch| &watch.messages);
        messages.map_or(Vec::new(), |all| all.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// All devices of Vulkan 1.1, in the loader's order.
    ///
    /// # Errors
    /// [`OpenVulkanError`].
    pub fn devices(&self) -> Result<Vec<PhysicalDevice>, OpenVulkanError> {
        // SAFETY: the instance lives.
        let found = unsafe { self.raw.enumerate_physical_devices() }.named("vkEnumeratePhysicalDevices")?;
        let mut devices = Vec::with_capacity(found.len());
        for raw in found {
            devices.extend(PhysicalDevice::look(&self.raw, raw)?);
        }
        Ok(devices)
    }

    /// The device that is asked for.
    ///
    /// # Errors
    /// [`OpenVulkanError::NoDevice`] with what there is.
    pub fn device(&self, selection: Selection) -> Result<PhysicalDevice, OpenVulkanError> {
        let devices = self.devices()?;
        let found: Vec<_> = devices.iter().map(|device| device.name.clone()).collect();
        let mut fitting: Vec<_> = devices.into_iter().filter(|device| selection.fits(device)).collect();
        fitting.sort_by_key(|device| device.kind);
        let missing = || OpenVulkanError::NoDevice { wanted: selection.to_string(), found };
        fitting.into_iter().next().ok_or_else(missing)
    }

    pub(super) const fn entry(&self) -> &ash::Entry {
        &self.entry
    }

    pub(super) const fn raw(&self) -> &ash::Instance {
        &self.raw
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            // SAFETY: destroyed once, before its instance.
            unsafe { watch.functions.destroy_debug_utils_messenger(watch.messenger, None) };
        }
        // SAFETY: destroyed once; devices hold an `Rc` of it and are gone.
        unsafe { self.raw.destroy_instance(None) };
    }
}

impl Watch {
    fn begin(entry: &ash::Entry, instance: &ash::Instance) -> Result<Self, OpenVulkanError> {
        use vk::{DebugUtilsMessageSeverityFlagsEXT as Severity, DebugUtilsMessageTypeFlagsEXT as Type};
        let messages = Box::new(Messages::default());
        let functions = ext::debug_utils::Instance::new(entry, instance);
        let information = vk::DebugUtilsMessengerCreateInfoEXT::default()
            .message_severity(Severity::WARNING | Severity::ERROR)
            .message_type(Type::VALIDATION | Type::PERFORMANCE)
            .pfn_user_callback(Some(note))
            .user_data(std::ptr::from_ref(&*messages).cast_mut().cast());
        // SAFETY: the callback is of the declared type, and what it is given lives
        // in a box until the messenger is destroyed.
        let messenger = unsafe { functions.create_debug_utils_messenger(&information, None) };
        Ok(Self { messenger: messenger.named("vkCreateDebugUtilsMessengerEXT")?, functions, messages })
    }
}

unsafe extern "system" fn note(
    _severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _kind: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    messages: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: the layer passes a message whose text ends with zero, and the pointer
    // that the messenger was made with.
    let (text, messages) = unsafe { (CStr::from_ptr((*data).p_message), &*messages.cast::<Messages>()) };
    messages.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_string_lossy().into_owned());
    vk::FALSE
}

fn entry() -> Result<ash::Entry, OpenVulkanError> {
    let library = Library::open(LIBRARY)?;
    // SAFETY: the loader exports it, and stays open for ever.
    let entry = unsafe {
        let get_instance_proc_addr = library.function("vkGetInstanceProcAddr")?;
        library.keep();
        ash::Entry::from_static_fn(ash::StaticFn { get_instance_proc_addr })
    };
    // SAFETY: writes a number; a loader of 1.0 has not even the function.
    match unsafe { entry.try_enumerate_instance_version() }.named("vkEnumerateInstanceVersion")? {
        Some(version) if version >= vk::API_VERSION_1_1 => Ok(entry),
        _ => Err(OpenVulkanError::Old),
    }
}

fn create(entry: &ash::Entry, layers: &[&CStr], extensions: &[&CStr]) -> Result<ash::Instance, OpenVulkanError> {
    let application = vk::ApplicationInfo::default().application_name(c"earthshine").api_version(vk::API_VERSION_1_1);
    let layers: Vec<_> = layers.iter().map(|name| name.as_ptr()).collect();
    let extensions: Vec<_> = extensions.iter().map(|name| name.as_ptr()).collect();
    let information = vk::InstanceCreateInfo::default()
        .application_info(&application)
        .enabled_layer_names(&layers)
        .enabled_extension_names(&extensions);
    // SAFETY: what is pointed to outlives the call.
    Ok(unsafe { entry.create_instance(&information, None) }.named("vkCreateInstance")?)
}

const LIBRARY: &str = "libvulkan.so.1";
const VALIDATION: &CStr = c"VK_LAYER_KHRONOS_validation";
