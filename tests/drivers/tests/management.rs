//! The management library's stand-in, asked by our own owners of it: what a GPU
//! tells, what is an error of one GPU and what of all, and what is found out.

#[allow(dead_code, reason = "no test needs all of it")]
mod support;

use earthshine_ffi::nvml::{EncoderStats, Memory, Nvml, NvmlError, OpenNvmlError};
use support::{Library, complaints, ledger_of};

#[test]
fn a_gpu_tells_what_it_has_and_what_encodes() {
    let orders = "nvml sessions 3\nnvml memory_total 1000\nnvml memory_used 400";
    let ledger = ledger_of("a_gpu_tells_what_it_has_and_what_encodes", orders, || {
        let nvml = Nvml::open().expect("the library");
        assert_eq!(nvml.driver_version().as_deref(), Ok("550.54.14"));
        assert_eq!(nvml.count(), Ok(1));
        let device = nvml.device(0).expect("a GPU");
        assert_eq!(device.name().as_deref(), Ok("NVIDIA GeForce RTX 4070 (stand-in)"));
        assert!(device.uuid().is_ok_and(|uuid| uuid.starts_with("GPU-")));
        assert_eq!(device.bus_id().as_deref(), Ok("00000000:01:00.0"));
        assert_eq!(device.memory(), Ok(Some(Memory { total: 1000, used: 400 })));
        assert_eq!(device.utilization(), Ok(Some(7)));
        assert_eq!(device.encoder_utilization(), Ok(Some(15)));
        let stats = EncoderStats { sessions: 3, average_fps: 60, average_latency_us: 1500 };
        assert_eq!(device.encoder_stats(), Ok(Some(stats)));
    });
    if let Some(ledger) = ledger {
        assert_eq!(ledger, ["nvml init", "nvml shutdown"]);
    }
}

#[test]
fn a_gpu_that_is_lost_is_no_error_of_others() {
    let orders = "nvml devices 3\nnvml lost 1";
    let ledger = ledger_of("a_gpu_that_is_lost_is_no_error_of_others", orders, || {
        let nvml = Nvml::open().expect("the library");
        let names: Vec<_> = (0..3).map(|index| nvml.device(index).and_then(|device| device.name())).collect();
        assert!(names[0].is_ok() && names[2].is_ok(), "{names:?}");
        let error = names[1].as_ref().expect_err("it is lost");
        assert_eq!((error.call, error.code), ("nvmlDeviceGetHandleByIndex", NvmlError::GPU_IS_LOST));
        assert!(error.to_string().contains("GPU is lost (15); restart the machine"), "{error}");
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn what_a_gpu_does_not_know_is_no_error() {
    let orders = "nvmlDeviceGetMemoryInfo fail 3\nnvmlDeviceGetUtilizationRates fail 3\n\
                  nvmlDeviceGetEncoderUtilization fail 3\nnvmlDeviceGetEncoderStats fail 3";
    let ledger = ledger_of("what_a_gpu_does_not_know_is_no_error", orders, || {
        let nvml = Nvml::open().expect("the library");
        let device = nvml.device(0).expect("a GPU");
        assert_eq!((device.memory(), device.utilization()), (Ok(None), Ok(None)));
        assert_eq!((device.encoder_utilization(), device.encoder_stats()), (Ok(None), Ok(None)));
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn a_library_without_its_kernel_module_says_what_to_do() {
    let ledger = ledger_of("a_library_without_its_kernel_module_says_what_to_do", "nvmlInit_v2 fail 9", || {
        let error = Nvml::open().expect_err("no driver");
        assert!(matches!(&error, OpenNvmlError::Nvml(NvmlError { code: 9, .. })), "{error:?}");
        assert!(error.to_string().contains("nvidia-modprobe"), "{error}");
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn a_call_before_initialization_and_a_missing_shutdown_are_found_out() {
    let ledger = ledger_of("a_call_before_initialization_and_a_missing_shutdown_are_found_out", "", || {
        let library = Library::open("libnvidia-ml.so.1");
        let mut count = 0;
        // SAFETY: the type is the header's.
        let ask: unsafe extern "C" fn(*mut u32) -> u32 = unsafe { library.function("nvmlDeviceGetCount_v2") };
        // SAFETY: the pointer is to a variable.
        assert_eq!(unsafe { ask(&raw mut count) }, 1);
        std::mem::forget(Nvml::open().expect("the library"));
    });
    if let Some(ledger) = ledger {
        assert_eq!(
            complaints(&ledger),
            [
                "violation nvmlDeviceGetCount_v2: nvmlInit_v2 was not called",
                "leak NVML at the end of the process: initialized 1 times",
            ]
        );
    }
}
