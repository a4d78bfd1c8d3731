//! Contexts: open encoders.

use std::ffi::c_int;

use earthshine_drivers::ledger;
use earthshine_drivers::va_backend::VADriverContextP;
use earthshine_ffi::vaapi::sys::*;

use crate::capabilities;
use crate::coder::{self, Coder};
use crate::config::Config;
use crate::driver::{Driver, Result, array, give_back, put, require, require_equal, violation, with};
use crate::picture::Begun;

/// An open encoder.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) config_id: VAConfigID,
    /// Where pictures are reconstructed.
    pub(crate) targets: Vec<VASurfaceID>,
    /// The picture from `vaBeginPicture` to `vaEndPicture`.
    pub(crate) begun: Option<Begun>,
    /// Pixels in a row, and rows.
    pub(crate) size: (u32, u32),
    pub(crate) coder: Box<dyn Coder>,
}

fn create(
    driver: &mut Driver,
    config_id: VAConfigID,
    (width, height): (c_int, c_int),
    flag: c_int,
    targets: &[VASurfaceID],
) -> Result<VAContextID> {
    let config = *driver.config(config_id)?;
    require(flag == VA_PROGRESSIVE.cast_signed(), || format!("flag {flag}"))?;
    require(width > 0 && height > 0, || format!("{width}x{height}"))?;
    let most = (capabilities::get("MaxPictureWidth"), capabilities::get("MaxPictureHeight"));
    if (most.0 > 0 && width > (most.0 + 15)) || (most.1 > 0 && height > (most.1 + 15)) {
        return Err(violation(VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED, format!("{width}x{height} of {most:?}")));
    }
    let size = (width.cast_unsigned(), height.cast_unsigned());
    for &id in targets {
        let surface = driver.surface(id)?;
        require((surface.width, surface.height) == size, || format!("surface {id:#x} has another size"))?;
        require_equal("the surface's format", surface.format, config.format)?;
    }
    let id = driver.new_id();
    let (targets, coder) = (targets.to_vec(), coder::of(config.profile, size));
    driver.contexts.insert(id, Context { config, config_id, targets, begun: None, size, coder });
    let (low_power, entrypoint) = (VAEntrypoint::VAEntrypointEncSliceLP, config.entrypoint);
    ledger::event("open vaapi");
    ledger::event(&format!(
        "settings profile={} low_power={} rc={} packed={} width={width} height={height}",
        config.profile.0,
        u8::from(entrypoint == low_power),
        config.rate_control,
        config.packed
    ));
    Ok(id)
}

fn destroy(driver: &mut Driver, id: VAContextID) -> Result {
    let begun = driver.context(id)?.begun.is_some();
    driver.contexts.remove(&id);
    ledger::event("close vaapi");
    let left = driver.buffers.values().filter(|buffer| buffer.context == Some(id)).count();
    driver.buffers.retain(|_, buffer| buffer.context != Some(id));
    require(left == 0, || format!("{left} buffers of the context are left"))?;
    require(!begun || driver.is_lost, || "a picture was not ended".to_owned())
}

#[allow(clippy::too_many_arguments, reason = "as in the driver's table")]
pub(crate) unsafe extern "C" fn create_context(
    driver: VADriverContextP,
    config: VAConfigID,
    width: c_int,
    height: c_int,
    flag: c_int,
    targets: *mut VASurfaceID,
    count: c_int,
    context: *mut VAContextID,
) -> VAStatus {
    with("vaCreateContext", driver, |driver| {
        // SAFETY: the caller's contract.
        unsafe { put(context, create(driver, config, (width, height), flag, array(targets, count)?)?) }
    })
}

pub(crate) unsafe extern "C" fn destroy_context(driver: VADriverContextP, context: VAContextID) -> VAStatus {
    give_back("vaDestroyContext", driver, |driver| destroy(driver, context))
}
