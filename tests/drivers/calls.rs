//! How each call of the driver runs, and which there are.
//!
//! First comes what the test ordered, before any lock is taken, so that a call that
//! hangs holds up nobody else. What a call refuses is reported with its name.

use crate::{faults, ledger};

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it answers.
    pub code: u32,
    /// What was wrong.
    pub text: String,
    /// Whether a correct program can run into it.
    pub excusable: bool,
}

impl Refusal {
    /// A correct program never does this.
    pub fn violation(code: u32, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), excusable: false }
    }

    /// This happens to correct programs, too.
    pub fn excusable(code: u32, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), excusable: true }
    }
}

/// Runs a call that, when it is ordered to fail, does nothing.
pub fn take(call: &'static str, work: impl FnOnce() -> Result<(), Refusal>) -> u32 {
    match faults::play(call) {
        Some(code) => code,
        None => settle(call, work()),
    }
}

/// Runs a call that gives something back. When it is ordered to fail, it has given
/// it back all the same: on a lost device a program cannot do more than to try, and
/// what it tries next must not be held against it.
pub fn release(call: &'static str, work: impl FnOnce() -> Result<(), Refusal>) -> u32 {
    let ordered = faults::play(call);
    let code = settle(call, work());
    ordered.unwrap_or(code)
}

/// Reports what was refused; the code that the call answers.
pub fn settle(call: &str, result: Result<(), Refusal>) -> u32 {
    let Err(refusal) = result else {
        return 0;
    };
    if !refusal.excusable {
        ledger::violation(&format!("{call}: {}", refusal.text));
    }
    refusal.code
}

/// Functions that a fault can be ordered for.
pub const NAMES: &[&str] = &[
    "cuInit",
    "cuDriverGetVersion",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDeviceGetName",
    "cuDeviceGetUuid",
    "cuDeviceGetUuid_v2",
    "cuDeviceGetPCIBusId",
    "cuDeviceTotalMem_v2",
    "cuCtxCreate_v2",
    "cuCtxDestroy_v2",
    "cuCtxGetCurrent",
    "cuCtxSetCurrent",
    "cuCtxPushCurrent_v2",
    "cuCtxPopCurrent_v2",
    "cuCtxGetStreamPriorityRange",
    "cuStreamCreateWithPriority",
    "cuStreamDestroy_v2",
    "cuStreamSynchronize",
    "cuMemAllocPitch_v2",
    "cuMemFree_v2",
    "cuMemHostAlloc",
    "cuMemFreeHost",
    "cuMemGetInfo_v2",
    "cuMemcpy2DAsync_v2",
    "cuImportExternalMemory",
    "cuExternalMemoryGetMappedBuffer",
    "cuDestroyExternalMemory",
    "cuGetErrorName",
    "cuGetErrorString",
    "NvEncodeAPIGetMaxSupportedVersion",
    "NvEncodeAPICreateInstance",
    "nvEncOpenEncodeSessionEx",
    "nvEncGetEncodeGUIDCount",
    "nvEncGetEncodeGUIDs",
    "nvEncGetEncodeProfileGUIDCount",
    "nvEncGetEncodeProfileGUIDs",
    "nvEncGetInputFormatCount",
    "nvEncGetInputFormats",
    "nvEncGetEncodeCaps",
    "nvEncGetEncodePresetCount",
    "nvEncGetEncodePresetGUIDs",
    "nvEncGetEncodePresetConfigEx",
    "nvEncInitializeEncoder",
    "nvEncReconfigureEncoder",
    "nvEncCreateBitstreamBuffer",
    "nvEncDestroyBitstreamBuffer",
    "nvEncRegisterResource",
    "nvEncUnregisterResource",
    "nvEncMapInputResource",
    "nvEncUnmapInputResource",
    "nvEncEncodePicture",
    "nvEncLockBitstream",
    "nvEncUnlockBitstream",
    "nvEncInvalidateRefFrames",
    "nvEncGetSequenceParams",
    "nvEncSetIOCudaStreams",
    "nvEncDestroyEncoder",
    "nvmlInit_v2",
    "nvmlShutdown",
    "nvmlSystemGetDriverVersion",
    "nvmlDeviceGetCount_v2",
    "nvmlDeviceGetHandleByIndex_v2",
    "nvmlDeviceGetName",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetPciInfo_v3",
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetUtilizationRates",
    "nvmlDeviceGetEncoderUtilization",
    "nvmlDeviceGetEncoderStats",
    "vaGetDisplayDRM",
    "vaInitialize",
    "vaTerminate",
    "vaQueryConfigProfiles",
    "vaQueryConfigEntrypoints",
    "vaGetConfigAttributes",
    "vaCreateConfig",
    "vaDestroyConfig",
    "vaQueryConfigAttributes",
    "vaCreateSurfaces",
    "vaDestroySurfaces",
    "vaSyncSurface",
    "vaExportSurfaceHandle",
    "vaQuerySurfaceStatus",
    "vaCreateContext",
    "vaDestroyContext",
    "vaCreateBuffer",
    "vaMapBuffer",
    "vaUnmapBuffer",
    "vaDestroyBuffer",
    "vaBeginPicture",
    "vaRenderPicture",
    "vaEndPicture",
    "vaQueryImageFormats",
    "vaCreateImage",
    "vaDeriveImage",
    "vaDestroyImage",
    "vaPutImage",
    "vkCreateDevice",
    "vkGetPhysicalDeviceVideoCapabilitiesKHR",
    "vkGetPhysicalDeviceVideoFormatPropertiesKHR",
    "vkCreateVideoSessionKHR",
    "vkGetVideoSessionMemoryRequirementsKHR",
    "vkBindVideoSessionMemoryKHR",
    "vkCreateVideoSessionParametersKHR",
    "vkGetEncodedVideoSessionParametersKHR",
    "vkAllocateMemory",
    "vkCreateBuffer",
    "vkCreateImage",
    "vkBindImageMemory",
    "vkCreateImageView",
    "vkCreateQueryPool",
    "vkGetQueryPoolResults",
    "vkQueueSubmit",
    "vkWaitForFences",
    "vkCmdCopyBufferToImage",
    "vkCmdBeginVideoCodingKHR",
    "vkCmdControlVideoCodingKHR",
    "vkCmdEncodeVideoKHR",
    "vkCmdEndVideoCodingKHR",
];
