//! A queue of work on a device.

use std::rc::Rc;

use super::context::Context;
use super::error::CudaError;
use super::functions::{RawStream, STREAM_NON_BLOCKING};

/// A stream: what is given to it is done in order.
#[derive(Debug)]
pub struct Stream {
    context: Rc<Context>,
    raw: RawStream,
}

impl Stream {
    /// A stream that goes before those of games on the same GPU, as far as the
    /// device lets any.
    ///
    /// # Errors
    /// [`CudaError`].
    pub fn with_highest_priority(context: &Rc<Context>) -> Result<Self, CudaError> {
        let (mut least, mut greatest, mut raw) = (0, 0, std::ptr::null_mut());
        let functions = context.functions();
        // SAFETY: writes two integers; the context is current on this thread.
        let status = unsafe { (functions.cuCtxGetStreamPriorityRange)(&raw mut least, &raw mut greatest) };
        context.check("cuCtxGetStreamPriorityRange", status)?;
        // SAFETY: writes a handle.
        let status = unsafe { (functions.cuStreamCreateWithPriority)(&raw mut raw, STREAM_NON_BLOCKING, greatest) };
        context.check("cuStreamCreateWithPriority", status)?;
        Ok(Self { context: Rc::clone(context), raw })
    }

    /// Waits until everything in it is done.
    ///
    /// # Errors
    /// [`CudaError`], also of what was done in it.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        // SAFETY: the stream is ours and alive.
        let status = unsafe { (self.context.functions().cuStreamSynchronize)(self.raw) };
        self.context.check("cuStreamSynchronize", status)
    }

    pub(crate) const fn raw(&self) -> RawStream {
        self.raw
    }

    pub(crate) const fn context(&self) -> &Rc<Context> {
        &self.context
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: destroyed once; the context lives and is current on this thread.
        unsafe { (self.context.functions().cuStreamDestroy_v2)(self.raw) };
    }
}
