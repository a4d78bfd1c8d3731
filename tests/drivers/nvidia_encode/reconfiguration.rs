//! Changes to a running encoder.

use std::ffi::c_void;

use earthshine_drivers::ledger;
use earthshine_ffi::nvenc::bits::reconfigure::{FORCE_IDR, RESET_ENCODER};
use earthshine_ffi::nvenc::sys::{NV_ENC_CAPS, NV_ENC_RECONFIGURE_PARAMS, NVENCSTATUS};

use crate::capabilities::Capabilities;
use crate::session::{Session, with};
use crate::settings::Settings;
use crate::words::{Result, record, require, require_version};

/// What the programming guide lets change: size up to the most that was announced,
/// frame rate, and rate control.
fn check(old: &Settings, new: &Settings, is_reset: bool, is_idr: bool) -> Result {
    let capabilities = Capabilities::read(new.codec);
    let invalid = NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM;
    // Anything else is a new encoder.
    let unchanged = Settings {
        width: new.width,
        height: new.height,
        most: new.most,
        frame_rate: new.frame_rate,
        rate: new.rate,
        ..*old
    };
    require(unchanged == *new, invalid, || "only size, frame rate and rate control can change".to_owned())?;
    let resizes = (old.width, old.height) != (new.width, new.height);
    let fits = new.width <= old.most.0 && new.height <= old.most.1;
    require(fits, invalid, || {
        let (width, height) = old.most;
        format!("{}x{} is more than was announced: {width}x{height}", new.width, new.height)
    })?;
    require(!resizes || (is_reset && is_idr), invalid, || "a new size needs a reset and an IDR frame".to_owned())?;
    for (changes, capability, what) in [
        (resizes, NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE, "size"),
        (old.rate.average != new.rate.average, NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE, "bitrate"),
        (old.rate.mode != new.rate.mode, NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_DYN_RCMODE_CHANGE, "rate control mode"),
    ] {
        let can = !changes || capabilities.has(capability);
        require(can, NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM, || format!("the {what} cannot change here"))?;
    }
    Ok(())
}

fn reconfigure(session: &mut Session, parameters: &NV_ENC_RECONFIGURE_PARAMS) -> Result {
    require_version::<NV_ENC_RECONFIGURE_PARAMS>(parameters.version)?;
    let word = parameters.bitFields;
    require(word >> 2 == 0, NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, || "reserved bits are set".to_owned())?;
    let (is_reset, is_idr) = (RESET_ENCODER.get(word) == 1, FORCE_IDR.get(word) == 1);
    let running = session.require_running()?;
    let mut settings = Settings::read(&parameters.reInitEncodeParams)?;
    check(&running.settings, &settings, is_reset, is_idr)?;
    settings.most = running.settings.most;
    running.reconfigure(settings, is_reset || is_idr)?;
    ledger::event(&format!(
        "reconfigure bitrate={} max_bitrate={} vbv={} width={} height={} fps={}/{} reset={} idr={}",
        settings.rate.average,
        settings.rate.most,
        settings.rate.buffer,
        settings.width,
        settings.height,
        settings.frame_rate.0,
        settings.frame_rate.1,
        u8::from(is_reset),
        u8::from(is_idr),
    ));
    Ok(())
}

pub(crate) unsafe extern "C" fn reconfigure_encoder(
    encoder: *mut c_void,
    parameters: *mut NV_ENC_RECONFIGURE_PARAMS,
) -> NVENCSTATUS {
    with("nvEncReconfigureEncoder", encoder, |session| {
        // SAFETY: the caller's contract.
        reconfigure(session, unsafe { record(parameters) }?)
    })
}
