//! GPUs by number, and what is known of each.

use std::ffi::{c_char, c_uint};

use earthshine_drivers::calls::Refusal;
use earthshine_drivers::faults::Orders;

use crate::code::{GPU_IS_LOST, INVALID_ARGUMENT};
use crate::library::{Result, ask, devices, put, put_text};

/// A GPU, as the program holds it: where no process has memory.
pub(crate) type Handle = usize;

/// `nvmlMemory_t`.
#[repr(C)]
pub(crate) struct Memory {
    total: u64,
    free: u64,
    used: u64,
}

/// `nvmlUtilization_t`.
#[repr(C)]
pub(crate) struct Utilization {
    gpu: c_uint,
    memory: c_uint,
}

/// `nvmlPciInfo_t`.
#[repr(C)]
pub(crate) struct PciInfo {
    legacy_bus_id: [u8; 16],
    domain: c_uint,
    bus: c_uint,
    device: c_uint,
    device_id: c_uint,
    subsystem_id: c_uint,
    bus_id: [u8; 32],
}

/// The number of a GPU that is there still.
pub(crate) fn require(device: Handle) -> Result<u32> {
    let number = device.checked_sub(FIRST_HANDLE).and_then(|number| u32::try_from(number).ok());
    match number.filter(|number| *number < devices()) {
        Some(number) => {
            require_on_the_bus(number)?;
            Ok(number)
        }
        None => Err(Refusal::violation(INVALID_ARGUMENT, format!("{device:#x} is no GPU"))),
    }
}

fn require_on_the_bus(number: u32) -> Result {
    let orders = Orders::read();
    if orders.nvml.lost == Some(number) || orders.lost.contains(&number) {
        return Err(Refusal::excusable(GPU_IS_LOST, "the GPU has left the bus"));
    }
    Ok(())
}

/// As many bytes as there is room for, zeros after them.
fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, device: *mut Handle) -> u32 {
    ask("nvmlDeviceGetHandleByIndex_v2", || {
        if index >= devices() {
            return Err(Refusal::violation(INVALID_ARGUMENT, format!("GPU {index} does not exist")));
        }
        require_on_the_bus(index)?;
        // SAFETY: the caller's contract.
        unsafe { put(device, FIRST_HANDLE + index as usize) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetName(device: Handle, name: *mut c_char, length: c_uint) -> u32 {
    ask("nvmlDeviceGetName", || {
        require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put_text(name, length, 96, NAME) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetUUID(device: Handle, uuid: *mut c_char, length: c_uint) -> u32 {
    ask("nvmlDeviceGetUUID", || {
        let number = require(device)?;
        let text = format!("GPU-65617274-6873-6869-6e65-2d6770752d{:02x}", 0x30 + number);
        // SAFETY: the caller's contract.
        unsafe { put_text(uuid, length, 96, &text) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPciInfo_v3(device: Handle, info: *mut PciInfo) -> u32 {
    ask("nvmlDeviceGetPciInfo_v3", || {
        let bus = 1 + require(device)?;
        let answer = PciInfo {
            legacy_bus_id: padded(&format!("0000:{bus:02X}:00.0")),
            domain: 0,
            bus,
            device: 0,
            device_id: 0x2786_10de,
            subsystem_id: 0,
            bus_id: padded(&format!("00000000:{bus:02X}:00.0")),
        };
        // SAFETY: the caller's contract.
        unsafe { put(info, answer) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMemoryInfo(device: Handle, memory: *mut Memory) -> u32 {
    ask("nvmlDeviceGetMemoryInfo", || {
        require(device)?;
        let orders = Orders::read().nvml;
        let total = orders.memory_total.unwrap_or(TOTAL);
        let used = orders.memory_used.unwrap_or(USED).min(total);
        // SAFETY: the caller's contract.
        unsafe { put(memory, Memory { total, free: total - used, used }) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetUtilizationRates(device: Handle, utilization: *mut Utilization) -> u32 {
    ask("nvmlDeviceGetUtilizationRates", || {
        require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put(utilization, Utilization { gpu: 7, memory: 3 }) }
    })
}

const FIRST_HANDLE: Handle = 0x8_0000_0000;
const NAME: &str = "NVIDIA GeForce RTX 4070 (stand-in)";

/// 12 GiB, of which the driver keeps a little.
const TOTAL: u64 = 12 << 30;
const USED: u64 = 300 << 20;
