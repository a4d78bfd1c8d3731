//! The driver's state in this process, and what every call asks of it first.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use earthshine_drivers::calls::{Refusal, release, take};
use earthshine_drivers::faults::Orders;

use crate::code::{CONTEXT_IS_DESTROYED, DEVICE_UNAVAILABLE, INVALID_CONTEXT, INVALID_VALUE, NOT_INITIALIZED};
use crate::context::{self, Context};
use crate::external::ExternalMemory;
use crate::memory::DeviceMemory;
use crate::pinned::PinnedMemory;

pub(crate) type Result<T = ()> = std::result::Result<T, Refusal>;

/// A context or a stream, as the program holds it. Never given out twice, so that
/// the use of a destroyed one is found out.
pub(crate) type Handle = usize;

/// All that lives in this process.
pub(crate) struct Driver {
    pub(crate) initialized: bool,
    pub(crate) contexts: HashMap<Handle, Context>,
    pub(crate) device: DeviceMemory,
    pub(crate) pinned: PinnedMemory,
    pub(crate) external: ExternalMemory,
    last_handle: Handle,
}

impl Driver {
    pub(crate) fn lock() -> MutexGuard<'static, Self> {
        static DRIVER: LazyLock<Mutex<Driver>> = LazyLock::new(|| Mutex::new(Driver::new()));
        DRIVER.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new() -> Self {
        Self {
            initialized: false,
            contexts: HashMap::new(),
            device: DeviceMemory::default(),
            pinned: PinnedMemory::default(),
            external: ExternalMemory::default(),
            last_handle: FIRST_HANDLE,
        }
    }

    pub(crate) fn new_handle(&mut self) -> Handle {
        self.last_handle += HANDLE_STEP;
        self.last_handle
    }

    /// `cuInit` came first.
    pub(crate) fn require_initialized(&self) -> Result {
        if self.initialized { Ok(()) } else { Err(Refusal::violation(NOT_INITIALIZED, "cuInit was not called")) }
    }

    /// The context that is current on this thread.
    pub(crate) fn require_current(&self) -> Result<Handle> {
        self.require_initialized()?;
        let Some(current) = context::current() else {
            return Err(Refusal::violation(INVALID_CONTEXT, "no context is current on this thread"));
        };
        self.require_context(current)?;
        Ok(current)
    }

    /// A context that lives.
    pub(crate) fn require_context(&self, handle: Handle) -> Result<&Context> {
        self.contexts.get(&handle).ok_or_else(|| {
            let destroyed = handle > FIRST_HANDLE && handle <= self.last_handle;
            let (code, what) =
                if destroyed { (CONTEXT_IS_DESTROYED, "destroyed") } else { (INVALID_CONTEXT, "unknown") };
            Refusal::violation(code, format!("context {handle:#x} is {what}"))
        })
    }

    /// What is here belongs to the context that is current.
    pub(crate) fn require_owner(&self, owner: Handle, what: &str) -> Result {
        let current = self.require_current()?;
        if owner == current {
            return Ok(());
        }
        let text = format!("{what} belongs to context {owner:#x}, and {current:#x} is current");
        Err(Refusal::violation(INVALID_CONTEXT, text))
    }
}

/// Runs a call that needs the device of the context which is current, if one is: what
/// else is wrong, the call says itself.
pub(crate) fn ask(call: &'static str, work: impl FnOnce() -> Result) -> u32 {
    take(call, || {
        if is_lost() {
            return Err(Refusal::excusable(DEVICE_UNAVAILABLE, "the device is lost"));
        }
        work()
    })
}

/// The same for one that gives something back: it does so on a lost device, too.
pub(crate) fn give_back(call: &'static str, work: impl FnOnce() -> Result) -> u32 {
    let lost = is_lost();
    match release(call, work) {
        0 if lost => DEVICE_UNAVAILABLE,
        code => code,
    }
}

fn is_lost() -> bool {
    let Some(current) = context::current() else { return false };
    let device = Driver::lock().contexts.get(&current).map(|context| context.device);
    device.is_some_and(|device| Orders::read().lost.contains(&device))
}

/// Writes an answer through a pointer of the program's.
///
/// # Safety
/// `target` must be null or valid to write to.
pub(crate) unsafe fn put<T>(target: *mut T, value: T) -> Result {
    if target.is_null() {
        return Err(Refusal::violation(INVALID_VALUE, "a pointer for the answer is null"));
    }
    // SAFETY: not null; the caller vouches for the rest.
    unsafe { target.write(value) };
    Ok(())
}

/// Where no process has memory: a program that looks into a handle dies.
const FIRST_HANDLE: Handle = 0x6_0000_0000;
const HANDLE_STEP: Handle = 0x1000;
