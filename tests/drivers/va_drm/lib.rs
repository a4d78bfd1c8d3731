//! Stand-in for `libva-drm.so.2`: a display of any file, where the real one asks the
//! kernel whether it is a render node, and which driver it has. All else of libva is
//! the real one.
//!
//! Facts from libva's `va/drm/va_drm.c` and `va_backend.h`.

#![allow(non_snake_case, reason = "named as in the library")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use earthshine_drivers::faults::{self, Orders};
use earthshine_drivers::ledger;
use earthshine_drivers::va_backend::{VADisplayContext, VADisplayContextP, VADriverContextP};
use earthshine_ffi::vaapi::sys::{VADisplay, VAStatus};

#[unsafe(no_mangle)]
unsafe extern "C" fn vaGetDisplayDRM(node: c_int) -> VADisplay {
    let name = std::fs::read_link(format!("/proc/self/fd/{node}")).unwrap_or_default();
    let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_lost = || Orders::read().lost_nodes.contains(&name);
    if node < 0 || faults::play("vaGetDisplayDRM").is_some() || is_lost() {
        return std::ptr::null_mut();
    }
    ledger::event(&format!("display {name}"));
    // SAFETY: the types are those of the real libva, whose functions allocate zeros.
    unsafe {
        let new_display: unsafe extern "C" fn() -> VADisplayContextP = of_libva(c"va_newDisplayContext");
        let new_driver: unsafe extern "C" fn(VADisplayContextP) -> VADriverContextP = of_libva(c"va_newDriverContext");
        let display = new_display();
        let driver = new_driver(display);
        assert!(!display.is_null() && !driver.is_null(), "no memory");
        (*display).vaIsValid = Some(is_valid);
        (*display).vaDestroy = Some(destroy);
        (*display).vaGetNumCandidates = Some(count_candidates);
        (*display).vaGetDriverNameByIndex = Some(name_candidate);
        // Newer versions have this in the first reserved place, and ask nothing else.
        let names: NameDrivers = name_drivers;
        (*display).reserved[0] = (names as *const c_void).addr() as u64;
        (*driver).display_type = RENDER_NODE;
        let state = libc::calloc(1, size_of::<State>()).cast::<State>();
        assert!(!state.is_null(), "no memory");
        state.write(State { node, authentication: 3 });
        (*driver).drm_state = state.cast();
        display.cast()
    }
}

/// `struct drm_state`.
#[repr(C)]
struct State {
    node: c_int,
    authentication: c_int,
}

type NameDrivers = unsafe extern "C" fn(VADisplayContextP, *mut *mut c_char, *mut c_uint) -> VAStatus;

unsafe extern "C" fn is_valid(_: VADisplayContextP) -> c_int {
    1
}

unsafe extern "C" fn destroy(display: VADisplayContextP) {
    // SAFETY: libva calls this once; all three were allocated for it.
    unsafe {
        let VADisplayContext { pDriverContext: driver, .. } = *display;
        libc::free((*driver).drm_state);
        libc::free(driver.cast());
        libc::free(display.cast());
    }
}

unsafe extern "C" fn count_candidates(_: VADisplayContextP, count: *mut c_int) -> VAStatus {
    // SAFETY: libva's variable.
    unsafe { count.write(1) };
    0
}

unsafe extern "C" fn name_candidate(_: VADisplayContextP, name: *mut *mut c_char, _: c_int) -> VAStatus {
    // SAFETY: libva's variable, and libva frees what is in it.
    unsafe { name.write(libc::strdup(DRIVER.as_ptr())) };
    0
}

unsafe extern "C" fn name_drivers(_: VADisplayContextP, names: *mut *mut c_char, count: *mut c_uint) -> VAStatus {
    // SAFETY: libva's variables, the first of an array that is not empty.
    unsafe {
        names.write(libc::strdup(DRIVER.as_ptr()));
        count.write(1);
    }
    0
}

/// A function that libva has for such libraries as this.
///
/// # Safety
/// `F` must be the type of the function.
unsafe fn of_libva<F: Copy>(name: &CStr) -> F {
    // SAFETY: libva is loaded already, or is by this; names end with zero.
    let address = unsafe {
        let libva = libc::dlopen(c"libva.so.2".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        assert!(!libva.is_null(), "no libva.so.2");
        libc::dlsym(libva, name.as_ptr())
    };
    assert!(!address.is_null(), "libva has no {name:?}");
    assert_eq!(size_of::<F>(), size_of::<*mut c_void>());
    // SAFETY: as large as a pointer, and the caller vouches for its type.
    unsafe { std::mem::transmute_copy(&address) }
}

const DRIVER: &CStr = c"earthshine";
/// `VA_DISPLAY_DRM_RENDERNODES`.
const RENDER_NODE: u64 = 0x31;
