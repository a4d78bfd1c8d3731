//! Chains of structures.

use std::ffi::c_void;

use ash::vk::{self, TaggedStructure};

use crate::rules::{Result, require};

/// The structure of a type in a chain.
///
/// # Safety
/// The chain is one of the interface's.
pub(crate) unsafe fn find<'a, T: TaggedStructure>(chain: *const c_void) -> Option<&'a T> {
    let mut next = chain.cast::<vk::BaseInStructure<'_>>();
    // SAFETY: the caller's contract.
    while let Some(structure) = unsafe { next.as_ref() } {
        if structure.s_type == T::STRUCTURE_TYPE {
            // SAFETY: its type says what it is.
            return unsafe { next.cast::<T>().as_ref() };
        }
        next = structure.p_next;
    }
    None
}

/// The same, to be filled in.
///
/// # Safety
/// As [`find`], and what is found may be written to.
pub(crate) unsafe fn find_mut<'a, T: TaggedStructure>(chain: *mut c_void) -> Option<&'a mut T> {
    // SAFETY: the caller's contract.
    let found = unsafe { find::<T>(chain) }?;
    // SAFETY: the caller's contract.
    unsafe { std::ptr::from_ref(found).cast_mut().as_mut() }
}

/// A chain has nothing but structures of these types, each once at most.
///
/// # Safety
/// As [`find`].
pub(crate) unsafe fn check(what: &str, chain: *const c_void, known: &[vk::StructureType]) -> Result {
    let mut seen = Vec::new();
    let mut next = chain.cast::<vk::BaseInStructure<'_>>();
    // SAFETY: the caller's contract.
    while let Some(structure) = unsafe { next.as_ref() } {
        let kind = structure.s_type;
        require(known.contains(&kind), || format!("{kind:?} is chained to {what}"))?;
        require(!seen.contains(&kind), || format!("{kind:?} is chained to {what} twice"))?;
        seen.push(kind);
        next = structure.p_next;
    }
    Ok(())
}

/// What is behind a pointer, with a count.
///
/// # Safety
/// The pointer is valid for as many, or null for none.
pub(crate) unsafe fn array<'a, T>(pointer: *const T, count: u32) -> &'a [T] {
    if count == 0 || pointer.is_null() {
        return &[];
    }
    // SAFETY: the caller's contract.
    unsafe { std::slice::from_raw_parts(pointer, count as usize) }
}

/// Answers a call that is asked twice: for how many, and for as many as there is room.
///
/// # Safety
/// `count` is valid; `into` is null, or valid for as many.
pub(crate) unsafe fn answer<T>(
    count: *mut u32,
    into: *mut T,
    all: usize,
    mut write: impl FnMut(&mut T, usize),
) -> vk::Result {
    let there = u32::try_from(all).unwrap_or(u32::MAX);
    // SAFETY: the caller's contract.
    unsafe {
        if into.is_null() {
            *count = there;
            return vk::Result::SUCCESS;
        }
        let room = (*count).min(there);
        for index in 0..room as usize {
            write(&mut *into.add(index), index);
        }
        *count = room;
        if room < there { vk::Result::INCOMPLETE } else { vk::Result::SUCCESS }
    }
}
