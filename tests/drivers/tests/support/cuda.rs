//! The calls of CUDA's stand-in, as the tests make them.

#![allow(dead_code, reason = "no test makes all calls")]

use super::Library;

/// A context that is current, and what it is made with.
pub(crate) struct Cuda {
    library: Library,
    pub(crate) context: usize,
    pub(crate) stream: usize,
}

/// Device memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) address: u64,
    pub(crate) pitch: usize,
}

/// `CUDA_MEMCPY2D_v2`.
#[repr(C)]
#[derive(Default)]
struct Copy2D {
    source: Side,
    target: Side,
    width: usize,
    height: usize,
}

#[repr(C)]
#[derive(Default)]
struct Side {
    x: usize,
    y: usize,
    memory_type: u32,
    host: usize,
    device: u64,
    array: usize,
    pitch: usize,
}

/// `CUDA_EXTERNAL_MEMORY_HANDLE_DESC`.
#[repr(C)]
#[derive(Default)]
struct ExternalHandle {
    kind: u32,
    padding: u32,
    fd: i32,
    rest: [u32; 3],
    size: u64,
    flags: u32,
    reserved: [u32; 16],
}

/// `CUDA_EXTERNAL_MEMORY_BUFFER_DESC`.
#[repr(C)]
#[derive(Default)]
struct ExternalBuffer {
    offset: u64,
    size: u64,
    flags: u32,
    reserved: [u32; 16],
}

macro_rules! call {
    ($library:expr, $name:ident($($argument:expr => $type:ty),*)) => {{
        // SAFETY: the types are those of the driver's manual, and pointers are to
        // variables that outlive the call.
        unsafe {
            let function: unsafe extern "C" fn($($type),*) -> u32 = $library.function(stringify!($name));
            function($($argument),*)
        }
    }};
}

impl Cuda {
    /// Initializes, and makes a context and a stream.
    pub(crate) fn start() -> Self {
        let library = Library::open("libcuda.so.1");
        assert_eq!(call!(library, cuInit(0 => u32)), 0);
        let mut cuda = Self { library, context: 0, stream: 0 };
        cuda.context = cuda.create_context();
        assert_eq!(
            call!(library, cuStreamCreateWithPriority(&raw mut cuda.stream => *mut usize, 1 => u32, -5 => i32)),
            0
        );
        cuda
    }

    pub(crate) fn create_context(&self) -> usize {
        let mut context = 0_usize;
        assert_eq!(call!(self.library, cuCtxCreate_v2(&raw mut context => *mut usize, 0 => u32, 0 => i32)), 0);
        context
    }

    pub(crate) fn destroy_context(&self, context: usize) -> u32 {
        call!(self.library, cuCtxDestroy_v2(context => usize))
    }

    pub(crate) fn set_current(&self, context: usize) -> u32 {
        call!(self.library, cuCtxSetCurrent(context => usize))
    }

    pub(crate) fn allocate(&self, width: usize, height: usize) -> Result<Memory, u32> {
        let mut memory = Memory { address: 0, pitch: 0 };
        let (address, pitch) = (&raw mut memory.address, &raw mut memory.pitch);
        match call!(self.library, cuMemAllocPitch_v2(address => *mut u64, pitch => *mut usize, width => usize, height => usize, 16 => u32))
        {
            0 => Ok(memory),
            code => Err(code),
        }
    }

    pub(crate) fn free(&self, memory: Memory) -> u32 {
        call!(self.library, cuMemFree_v2(memory.address => u64))
    }

    /// Imports an allocation of Vulkan's: its handle, or the driver's answer.
    pub(crate) fn import(&self, fd: i32, size: u64) -> Result<usize, u32> {
        let record = ExternalHandle { kind: 1, fd, size, flags: 1, ..ExternalHandle::default() };
        let mut memory = 0_usize;
        match call!(self.library, cuImportExternalMemory(&raw mut memory => *mut usize, &raw const record => *const ExternalHandle))
        {
            0 => Ok(memory),
            code => Err(code),
        }
    }

    pub(crate) fn map_external(&self, memory: usize, offset: u64, size: u64) -> Result<Memory, u32> {
        let record = ExternalBuffer { offset, size, ..ExternalBuffer::default() };
        let mut mapped = Memory { address: 0, pitch: 0 };
        let address = &raw mut mapped.address;
        match call!(self.library, cuExternalMemoryGetMappedBuffer(address => *mut u64, memory => usize, &raw const record => *const ExternalBuffer))
        {
            0 => Ok(mapped),
            code => Err(code),
        }
    }

    pub(crate) fn destroy_external(&self, memory: usize) -> u32 {
        call!(self.library, cuDestroyExternalMemory(memory => usize))
    }

    pub(crate) fn allocate_host(&self, bytes: usize) -> usize {
        let mut address = 0_usize;
        assert_eq!(call!(self.library, cuMemHostAlloc(&raw mut address => *mut usize, bytes => usize, 0 => u32)), 0);
        address
    }

    pub(crate) fn free_host(&self, address: usize) -> u32 {
        call!(self.library, cuMemFreeHost(address => usize))
    }

    /// Queues a copy of whole rows from page-locked memory.
    pub(crate) fn upload(&self, host: usize, host_pitch: usize, memory: Memory, width: usize, height: usize) -> u32 {
        let copy = Copy2D {
            source: Side { memory_type: 1, host, pitch: host_pitch, ..Side::default() },
            target: Side { memory_type: 2, device: memory.address, pitch: memory.pitch, ..Side::default() },
            width,
            height,
        };
        call!(self.library, cuMemcpy2DAsync_v2(&raw const copy => *const Copy2D, self.stream => usize))
    }

    pub(crate) fn synchronize(&self) -> u32 {
        call!(self.library, cuStreamSynchronize(self.stream => usize))
    }

    pub(crate) fn destroy_stream(&self) -> u32 {
        call!(self.library, cuStreamDestroy_v2(self.stream => usize))
    }

    pub(crate) fn current(&self) -> usize {
        let mut context = 0_usize;
        assert_eq!(call!(self.library, cuCtxGetCurrent(&raw mut context => *mut usize)), 0);
        context
    }

    /// As the encoder's stand-in reads: what is there, or CUDA's code.
    pub(crate) fn read(&self, memory: Memory, length: usize) -> Result<Vec<u8>, u32> {
        let mut bytes = vec![0_u8; length];
        let (into, context) = (bytes.as_mut_ptr(), self.context);
        match call!(self.library, earthshine_cuda_read(memory.address => u64, 0 => usize, into => *mut u8, length => usize, context => usize))
        {
            0 => Ok(bytes),
            code => Err(code),
        }
    }

    /// Gives back what `start` made.
    pub(crate) fn end(self) {
        assert_eq!(self.destroy_stream(), 0);
        assert_eq!(self.destroy_context(self.context), 0);
    }
}

/// Writes page-locked memory.
pub(crate) fn fill_host(address: usize, bytes: &[u8]) {
    let start: *mut u8 = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: tests pass memory that the stand-in gave them, as long as it is.
    unsafe { start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
}
