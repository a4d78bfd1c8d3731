//! Contexts, and the stack of them that each thread has.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_int, c_uint};

use earthshine_drivers::calls::{Refusal, release, take};
use earthshine_drivers::ledger;

use crate::code::{INVALID_CONTEXT, INVALID_VALUE};
use crate::copy::Copy2D;
use crate::device;
use crate::driver::{Driver, Handle, Result, put};
use crate::stream::Stream;

/// A context that lives.
#[derive(Default)]
pub(crate) struct Context {
    /// Number of its device.
    pub(crate) device: u32,
    pub(crate) streams: HashMap<Handle, Stream>,
    /// What waits on the default stream, whose handle is 0.
    pub(crate) default_stream: Vec<Copy2D>,
}

thread_local! {
    static STACK: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

/// The context that is current on this thread; it may be destroyed.
pub(crate) fn current() -> Option<Handle> {
    STACK.with_borrow(|stack| stack.last().copied())
}

impl Driver {
    fn create_context(&mut self, flags: c_uint, device: c_int) -> Result<Handle> {
        self.require_initialized()?;
        let device = device::require_existing(device)?;
        if flags & !KNOWN_FLAGS != 0 {
            return Err(Refusal::violation(INVALID_VALUE, format!("unknown flags {flags:#x}")));
        }
        let handle = self.new_handle();
        self.contexts.insert(handle, Context { device, ..Context::default() });
        STACK.with_borrow_mut(|stack| stack.push(handle));
        match device {
            0 => ledger::event("context create"),
            device => ledger::event(&format!("context create on {device}")),
        }
        Ok(handle)
    }

    fn destroy_context(&mut self, handle: Handle) -> Result {
        self.require_initialized()?;
        self.require_context(handle)?;
        let context = self.contexts.remove(&handle).unwrap_or_default();
        self.report_leaks(handle, &context);
        self.device.forget(handle);
        self.pinned.forget(handle);
        self.external.forget(handle);
        // Where it is current on other threads it stays so, as the manual says.
        STACK.with_borrow_mut(|stack| stack.pop_if(|top| *top == handle));
        ledger::event("context destroy");
        Ok(())
    }

    fn report_leaks(&self, handle: Handle, context: &Context) {
        for (what, count, bytes) in [
            ("device memory", self.device.count(handle), self.device.bytes(handle)),
            ("page-locked memory", self.pinned.count(handle), self.pinned.bytes(handle)),
            ("streams", context.streams.len(), 0),
            ("external memory", self.external.count(handle), 0),
        ] {
            if count > 0 {
                ledger::leak(&format!("{what} at cuCtxDestroy_v2: {count} left, {bytes} bytes"));
            }
        }
    }

    fn set_current(&self, handle: Handle) -> Result {
        self.require_initialized()?;
        if handle != 0 {
            self.require_context(handle)?;
        }
        STACK.with_borrow_mut(|stack| {
            stack.pop();
            stack.extend((handle != 0).then_some(handle));
        });
        Ok(())
    }

    fn push_current(&self, handle: Handle) -> Result {
        self.require_initialized()?;
        self.require_context(handle)?;
        STACK.with_borrow_mut(|stack| stack.push(handle));
        Ok(())
    }

    fn pop_current(&self) -> Result<Handle> {
        self.require_initialized()?;
        let popped = STACK.with_borrow_mut(Vec::pop);
        popped.ok_or(Refusal::violation(INVALID_CONTEXT, "no context is current on this thread"))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxCreate_v2(context: *mut Handle, flags: c_uint, device: c_int) -> u32 {
    take("cuCtxCreate_v2", || {
        // SAFETY: the caller's contract. Null is found before there is a context.
        unsafe { put(context, 0) }?;
        let handle = Driver::lock().create_context(flags, device)?;
        // SAFETY: the caller's contract.
        unsafe { put(context, handle) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxDestroy_v2(context: Handle) -> u32 {
    release("cuCtxDestroy_v2", || Driver::lock().destroy_context(context))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetCurrent(context: *mut Handle) -> u32 {
    take("cuCtxGetCurrent", || {
        Driver::lock().require_initialized()?;
        // SAFETY: the caller's contract.
        unsafe { put(context, current().unwrap_or(0)) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetCurrent(context: Handle) -> u32 {
    let set = || Driver::lock().set_current(context);
    // To set none is to give the current one back.
    if context == 0 { release("cuCtxSetCurrent", set) } else { take("cuCtxSetCurrent", set) }
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxPushCurrent_v2(context: Handle) -> u32 {
    take("cuCtxPushCurrent_v2", || Driver::lock().push_current(context))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxPopCurrent_v2(context: *mut Handle) -> u32 {
    release("cuCtxPopCurrent_v2", || {
        let popped = Driver::lock().pop_current()?;
        if context.is_null() {
            return Ok(());
        }
        // SAFETY: the caller's contract.
        unsafe { put(context, popped) }
    })
}

/// `CU_CTX_FLAGS_MASK`.
const KNOWN_FLAGS: c_uint = 0xff;
