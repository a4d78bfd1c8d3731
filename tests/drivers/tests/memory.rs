//! CUDA's stand-in: what a program may do with memory, contexts and streams, and what
//! is found out.

mod support;

use support::cuda::{Cuda, Memory, fill_host};
use support::{Library, complaints, ledger_of};

/// The one complaint of a ledger.
fn complaint(ledger: &[String]) -> &str {
    let complaints = complaints(ledger);
    assert_eq!(complaints.len(), 1, "{ledger:?}");
    complaints[0]
}

#[test]
fn a_correct_program_is_not_complained_of() {
    let ledger = ledger_of("a_correct_program_is_not_complained_of", "", || {
        let cuda = Cuda::start();
        let memory = cuda.allocate(100, 4).expect("memory");
        assert_eq!(memory.pitch, 512);
        let host = cuda.allocate_host(400);
        fill_host(host, &[7; 400]);
        assert_eq!(cuda.upload(host, 100, memory, 100, 4), 0);
        assert_eq!(cuda.synchronize(), 0);
        assert_eq!(cuda.read(memory, 100).expect("bytes"), [7; 100]);
        assert_eq!((cuda.free(memory), cuda.free_host(host)), (0, 0));
        cuda.end();
    });
    if let Some(ledger) = ledger {
        assert_eq!(ledger, ["context create", "context destroy"]);
    }
}

#[test]
fn a_copy_is_not_there_before_it_was_waited_for() {
    let ledger = ledger_of("a_copy_is_not_there_before_it_was_waited_for", "", || {
        let cuda = Cuda::start();
        let (memory, host) = (cuda.allocate(100, 1).expect("memory"), cuda.allocate_host(100));
        fill_host(host, &[7; 100]);
        assert_eq!(cuda.upload(host, 100, memory, 100, 1), 0);
        assert_eq!(cuda.read(memory, 100), Err(600));
        assert_eq!(cuda.read(Memory { address: memory.address + 100, ..memory }, 100).expect("bytes"), [0xa5; 100]);
        assert_eq!(cuda.synchronize(), 0);
        assert_eq!((cuda.free(memory), cuda.free_host(host)), (0, 0));
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn a_source_that_changes_too_early_is_seen() {
    let ledger = ledger_of("a_source_that_changes_too_early_is_seen", "", || {
        let cuda = Cuda::start();
        let (memory, host) = (cuda.allocate(100, 1).expect("memory"), cuda.allocate_host(100));
        fill_host(host, &[7; 100]);
        assert_eq!(cuda.upload(host, 100, memory, 100, 1), 0);
        fill_host(host, &[8; 100]);
        assert_eq!(cuda.synchronize(), 0);
        assert_eq!(cuda.read(memory, 100).expect("bytes"), [8; 100]);
        assert_eq!((cuda.free(memory), cuda.free_host(host)), (0, 0));
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

#[test]
fn memory_is_freed_once() {
    let ledger = ledger_of("memory_is_freed_once", "", || {
        let cuda = Cuda::start();
        let memory = cuda.allocate(100, 4).expect("memory");
        assert_eq!((cuda.free(memory), cuda.free(memory)), (0, 1));
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaint(&ledger).contains("cuMemFree_v2: 0x700000000 is no device memory")));
}

#[test]
fn copies_stay_within_their_memory() {
    let ledger = ledger_of("copies_stay_within_their_memory", "", || {
        let cuda = Cuda::start();
        let (memory, host) = (cuda.allocate(512, 4).expect("memory"), cuda.allocate_host(2048));
        assert_eq!(cuda.upload(host, 512, memory, 512, 5), 1);
        assert_eq!(cuda.upload(host, 500, memory, 512, 4), 1);
        assert_eq!((cuda.free(memory), cuda.free_host(host)), (0, 0));
        cuda.end();
    });
    if let Some(ledger) = ledger {
        let complaints = complaints(&ledger);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("2560 bytes at 0 of page-locked memory of 2048"), "{complaints:?}");
        assert!(complaints[1].contains("do not fit in a pitch of 500"), "{complaints:?}");
    }
}

#[test]
fn a_source_is_not_freed_under_its_copy() {
    let ledger = ledger_of("a_source_is_not_freed_under_its_copy", "", || {
        let cuda = Cuda::start();
        let (memory, host) = (cuda.allocate(100, 1).expect("memory"), cuda.allocate_host(100));
        assert_eq!(cuda.upload(host, 100, memory, 100, 1), 0);
        assert_eq!((cuda.free_host(host), cuda.free(memory)), (0, 0));
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaint(&ledger).contains("cuMemFreeHost: a copy that was not waited for")));
}

#[test]
fn what_a_context_leaves_is_a_leak() {
    let ledger = ledger_of("what_a_context_leaves_is_a_leak", "", || {
        let cuda = Cuda::start();
        let (_, _) = (cuda.allocate(100, 4).expect("memory"), cuda.allocate_host(10));
        assert_eq!(cuda.destroy_context(cuda.context), 0);
        assert_eq!(cuda.current(), 0);
    });
    if let Some(ledger) = ledger {
        assert_eq!(
            complaints(&ledger),
            [
                "leak device memory at cuCtxDestroy_v2: 1 left, 2048 bytes",
                "leak page-locked memory at cuCtxDestroy_v2: 1 left, 10 bytes",
                "leak streams at cuCtxDestroy_v2: 1 left, 0 bytes",
            ]
        );
    }
}

#[test]
fn memory_belongs_to_its_context() {
    let ledger = ledger_of("memory_belongs_to_its_context", "", || {
        let cuda = Cuda::start();
        let memory = cuda.allocate(100, 4).expect("memory");
        let other = cuda.create_context();
        assert_eq!((cuda.free(memory), cuda.synchronize()), (201, 201));
        assert_eq!(cuda.destroy_context(other), 0);
        assert_eq!(cuda.free(memory), 0);
        cuda.end();
    });
    if let Some(ledger) = ledger {
        assert_eq!(complaints(&ledger).len(), 2, "{ledger:?}");
        assert!(complaints(&ledger).iter().all(|line| line.contains("belongs to context")), "{ledger:?}");
    }
}

#[test]
fn a_context_is_current_on_its_thread_alone() {
    let ledger = ledger_of("a_context_is_current_on_its_thread_alone", "", || {
        let cuda = Cuda::start();
        let library = Library::open("libcuda.so.1");
        // SAFETY: the type is the manual's.
        let free: unsafe extern "C" fn(u64) -> u32 = unsafe { library.function("cuMemFree_v2") };
        // SAFETY: the call takes a number.
        let answer = std::thread::spawn(move || unsafe { free(1) }).join();
        assert_eq!(answer.expect("the thread ends"), 201);
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaint(&ledger).contains("no context is current on this thread")));
}

#[test]
fn a_destroyed_context_is_known() {
    let ledger = ledger_of("a_destroyed_context_is_known", "", || {
        let cuda = Cuda::start();
        let context = cuda.context;
        assert_eq!(cuda.destroy_stream(), 0);
        assert_eq!((cuda.destroy_context(context), cuda.destroy_context(context)), (0, 709));
    });
    assert!(ledger.is_none_or(|ledger| complaint(&ledger).contains("is destroyed")));
}

#[test]
fn nothing_goes_before_initialization() {
    let ledger = ledger_of("nothing_goes_before_initialization", "", || {
        let library = Library::open("libcuda.so.1");
        let mut count = 0;
        // SAFETY: the type is the manual's.
        let ask: unsafe extern "C" fn(*mut i32) -> u32 = unsafe { library.function("cuDeviceGetCount") };
        // SAFETY: the pointer is to a variable.
        assert_eq!(unsafe { ask(&raw mut count) }, 3);
    });
    assert!(ledger.is_none_or(|ledger| complaint(&ledger).contains("cuInit was not called")));
}

#[test]
fn an_ordered_limit_and_an_ordered_failure_are_no_violations() {
    let faults = "limit memory 4096\ncuMemFree_v2 fail 999";
    let ledger = ledger_of("an_ordered_limit_and_an_ordered_failure_are_no_violations", faults, || {
        let cuda = Cuda::start();
        let memory = cuda.allocate(512, 8).expect("memory");
        assert_eq!(cuda.allocate(1, 1).expect_err("no memory is left"), 2);
        // It is gone all the same, and nothing leaks.
        assert_eq!(cuda.free(memory), 999);
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).is_empty()));
}

/// Memory as Mesa's Vulkan on the CPU exports it: a page, and then the data.
fn exported(data: &[u8]) -> i32 {
    use std::io::Write;
    use std::os::fd::{FromRawFd, IntoRawFd};
    // SAFETY: the name ends with zero.
    let fd = unsafe { libc::memfd_create(c"exported".as_ptr(), 0) };
    assert!(fd >= 0);
    // SAFETY: a fresh descriptor.
    let mut file = unsafe { std::fs::File::from_raw_fd(fd) };
    file.write_all(&[0xEE; 4096]).and_then(|()| file.write_all(data)).expect("memory");
    file.into_raw_fd()
}

#[test]
fn imported_memory_is_read_as_it_is_then() {
    let ledger = ledger_of("imported_memory_is_read_as_it_is_then", "", || {
        let cuda = Cuda::start();
        let fd = exported(&[1; 8192]);
        // SAFETY: the descriptor is open.
        let other = unsafe { libc::dup(fd) };
        let memory = cuda.import(fd, 8192).expect("memory");
        let mapped = cuda.map_external(memory, 100, 8000).expect("an address");
        assert_eq!(cuda.read(mapped, 8000).expect("bytes"), [1; 8000]);
        // SAFETY: four bytes are there.
        assert_eq!(unsafe { libc::pwrite(other, [2_u8; 4].as_ptr().cast(), 4, 4096 + 100) }, 4);
        assert_eq!(cuda.read(mapped, 5).expect("bytes"), [2, 2, 2, 2, 1]);
        assert_eq!((cuda.free(mapped), cuda.destroy_external(memory)), (0, 0));
        cuda.end();
    });
    let clean = ["context create", "import external 8192", "context destroy"];
    assert!(ledger.is_none_or(|ledger| ledger == clean));
}

#[test]
fn imports_that_do_not_fit_are_refused() {
    let ledger = ledger_of("imports_that_do_not_fit_are_refused", "", || {
        let cuda = Cuda::start();
        let fd = exported(&[1; 100]);
        assert_eq!(cuda.import(fd, 101), Err(1));
        assert_eq!(cuda.import(-1, 100), Err(1));
        let memory = cuda.import(fd, 100).expect("memory");
        assert_eq!(cuda.map_external(memory, 50, 51).err(), Some(1));
        assert_eq!(cuda.map_external(memory + 1, 0, 100).err(), Some(400));
        assert_eq!((cuda.destroy_external(memory), cuda.destroy_external(memory)), (0, 400));
        cuda.end();
    });
    assert!(ledger.is_none_or(|ledger| complaints(&ledger).len() == 5));
}

#[test]
fn what_becomes_of_imports_in_the_wrong_order_is_seen() {
    let ledger = ledger_of("what_becomes_of_imports_in_the_wrong_order_is_seen", "", || {
        let cuda = Cuda::start();
        let fd = exported(&[1; 100]);
        let memory = cuda.import(fd, 100).expect("memory");
        let mapped = cuda.map_external(memory, 0, 100).expect("an address");
        // SAFETY: wrongly, which is what the stand-in has to see.
        unsafe { libc::close(fd) };
        cuda.destroy_external(memory);
        cuda.free(mapped);
        cuda.import(exported(&[1; 100]), 100).expect("memory");
        cuda.end();
    });
    if let Some(ledger) = ledger {
        let complaints = complaints(&ledger);
        for (said, expected) in
            complaints.iter().zip(["is not freed", "had given away", "external memory at cuCtxDestroy"])
        {
            assert!(said.contains(expected), "{said}");
        }
        assert_eq!(complaints.len(), 3, "{complaints:?}");
    }
}
