//! The other stand-in, which the program has loaded as `libcuda.so.1`.

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

use earthshine_ffi::nvenc::sys::NVENCSTATUS;

use crate::words::{Result, require, violation};

/// What `cuda/sibling.rs` exports.
struct Cuda {
    current: unsafe extern "C" fn() -> usize,
    device: unsafe extern "C" fn(usize) -> u32,
    read: unsafe extern "C" fn(u64, usize, *mut u8, usize, usize) -> c_int,
    synchronize: unsafe extern "C" fn(usize) -> c_int,
}

impl Cuda {
    fn get() -> Result<&'static Self> {
        static CUDA: OnceLock<Option<Cuda>> = OnceLock::new();
        let missing = || violation(NVENCSTATUS::NV_ENC_ERR_INVALID_ENCODERDEVICE, "CUDA's stand-in is not loaded");
        CUDA.get_or_init(Self::find).as_ref().ok_or_else(missing)
    }

    fn find() -> Option<Self> {
        // SAFETY: the name ends; with NOLOAD nothing is run.
        let library = unsafe { libc::dlopen(c"libcuda.so.1".as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let symbol = |name: &CStr| {
            // SAFETY: the library was found and is never closed; the name ends.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            (!symbol.is_null()).then_some(symbol)
        };
        let current = symbol(c"earthshine_cuda_current")?;
        let device = symbol(c"earthshine_cuda_device")?;
        let read = symbol(c"earthshine_cuda_read")?;
        let synchronize = symbol(c"earthshine_cuda_synchronize")?;
        // SAFETY: the sibling declares these functions so.
        unsafe {
            Some(Self {
                current: std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> usize>(current),
                device: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(usize) -> u32>(device),
                read: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(u64, usize, *mut u8, usize, usize) -> c_int,
                >(read),
                synchronize: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(usize) -> c_int>(synchronize),
            })
        }
    }
}

/// The context that is current on this thread and lives, or 0.
pub(crate) fn current() -> Result<usize> {
    let cuda = Cuda::get()?;
    // SAFETY: takes nothing.
    Ok(unsafe { (cuda.current)() })
}

/// The number of a context's device.
pub(crate) fn device(context: usize) -> Result<u32> {
    let cuda = Cuda::get()?;
    // SAFETY: any number may be asked for.
    Ok(unsafe { (cuda.device)(context) })
}

/// Whether `length` bytes are there, and are the context's.
pub(crate) fn require_memory(address: u64, length: usize, context: usize) -> Result {
    // SAFETY: with null nothing is written.
    let code = unsafe { (Cuda::get()?.read)(address, 0, std::ptr::null_mut(), length, context) };
    require(code == 0, NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, || {
        format!("{length} bytes at {address:#x} are no device memory of the context (CUDA says {code})")
    })
}

/// What the memory holds.
pub(crate) fn read(address: u64, length: usize, context: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    // SAFETY: the buffer is as long as it says.
    let code = unsafe { (Cuda::get()?.read)(address, 0, bytes.as_mut_ptr(), length, context) };
    let why = match code {
        0 => return Ok(bytes),
        600 => "a copy into it was not waited for".to_owned(),
        code => format!("CUDA says {code}"),
    };
    let text = format!("the input at {address:#x} cannot be read: {why}");
    Err(violation(NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, text))
}

/// Waits for a stream, as the encoder does for its input's.
pub(crate) fn synchronize(stream: usize) -> Result {
    // SAFETY: any number may be asked for.
    let code = unsafe { (Cuda::get()?.synchronize)(stream) };
    require(code == 0, NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, || {
        format!("stream {stream:#x} cannot be waited for (CUDA says {code})")
    })
}
