//! Configurations: what an encoder is to be made for.

use std::ffi::c_int;

use earthshine_drivers::va_backend::VADriverContextP;
use earthshine_ffi::vaapi::sys::*;

use crate::capabilities;
use crate::driver::{Driver, Result, array, give_back, put, require, violation, with};
use crate::pixels::Format;

/// A configuration.
#[derive(Clone, Copy)]
pub(crate) struct Config {
    pub(crate) profile: VAProfile,
    pub(crate) entrypoint: VAEntrypoint,
    /// One of `VA_RC_*`.
    pub(crate) rate_control: u32,
    /// `VA_ENC_PACKED_HEADER_*` that the program writes.
    pub(crate) packed: u32,
    /// Of all pictures.
    pub(crate) format: Format,
}

fn create(
    driver: &mut Driver,
    profile: VAProfile,
    entrypoint: VAEntrypoint,
    attributes: &[VAConfigAttrib],
) -> Result<VAConfigID> {
    capabilities::require_offered(profile, entrypoint)?;
    let mut config = Config { profile, entrypoint, rate_control: 0, packed: 0, format: Format::Nv12 };
    for attribute in attributes {
        let has = capabilities::attribute(profile, attribute.type_).unwrap_or(0);
        if attribute.value & !has != 0 {
            let text = format!("attribute {}: {:#x} of {has:#x}", attribute.type_.0, attribute.value);
            return Err(violation(VA_STATUS_ERROR_ATTR_NOT_SUPPORTED, text));
        }
        match attribute.type_ {
            VAConfigAttribType::VAConfigAttribRateControl => config.rate_control = attribute.value,
            VAConfigAttribType::VAConfigAttribEncPackedHeaders => config.packed = attribute.value,
            VAConfigAttribType::VAConfigAttribRTFormat => config.format = Format::of_target(attribute.value)?,
            other => require(false, || format!("attribute {} is not for this", other.0))?,
        }
    }
    require(config.rate_control.count_ones() == 1, || format!("rate control {:#x}", config.rate_control))?;
    let id = driver.new_id();
    driver.configs.insert(id, config);
    Ok(id)
}

fn destroy(driver: &mut Driver, id: VAConfigID) -> Result {
    driver.config(id)?;
    let used = driver.contexts.values().any(|context| context.config_id == id);
    driver.configs.remove(&id);
    require(!used, || "a context is of this configuration".to_owned())
}

pub(crate) unsafe extern "C" fn create_config(
    context: VADriverContextP,
    profile: VAProfile,
    entrypoint: VAEntrypoint,
    attributes: *mut VAConfigAttrib,
    count: c_int,
    config: *mut VAConfigID,
) -> VAStatus {
    with("vaCreateConfig", context, |driver| {
        // SAFETY: the caller's contract.
        unsafe { put(config, create(driver, profile, entrypoint, array(attributes, count)?)?) }
    })
}

pub(crate) unsafe extern "C" fn destroy_config(context: VADriverContextP, config: VAConfigID) -> VAStatus {
    give_back("vaDestroyConfig", context, |driver| destroy(driver, config))
}
