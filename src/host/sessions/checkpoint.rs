//! What another host needs to go on with a control connection, in memory that
//! outlives this one.
//!
//! A checkpoint is an anonymous file (`memfd_create`) that the keeper holds a
//! copy of. The control thread writes the connection's state into it before
//! it sends what follows from that state. A process can be killed in the middle
//! of a write, so there are two places that are written in turn, each with a
//! number, a length and a checksum: a torn record is not valid, and the one
//! before it still is.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{FileType, MemfdFlags, fstat, memfd_create};
use rustix::io::{pread, pwrite};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::protocol::bytes::Reader;

/// A state of at most [`LONGEST`] bytes, replaced whole.
#[derive(Debug)]
pub struct Checkpoint {
    memory: OwnedFd,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    /// Of the newest record; even ones are in the first place.
    number: u64,
    buffer: Vec<u8>,
}

/// Why a state is not in a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Longer than [`LONGEST`].
    #[error("the state does not fit into {LONGEST} bytes")]
    TooLong,
    /// It cannot be written down.
    #[error("the state cannot be encoded: {0}")]
    Encode(postcard::Error),
    /// No memory, most likely.
    #[error("checkpoint not written: {0}")]
    Write(#[from] io::Error),
}

/// Why nothing is read from a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither place has a valid record.
    #[error("nothing was written into it")]
    Nothing,
    /// The connection was over.
    #[error("its connection was over")]
    Cleared,
    /// A record, but of another version of this program.
    #[error("its record is none that this program writes: {0}")]
    Foreign(postcard::Error),
    /// The memory cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

impl Checkpoint {
    /// An empty one.
    ///
    /// # Errors
    /// What `memfd_create` reports.
    pub fn new() -> io::Result<Self> {
        let memory = memfd_create("earthshine-control", MemfdFlags::CLOEXEC)?;
        Ok(Self { memory, writer: Mutex::new(Writer { number: 0, buffer: Vec::new() }) })
    }

    /// The one that an earlier host wrote. What is saved next comes after it.
    ///
    /// # Errors
    /// `InvalidInput` for what is no file; what `fstat` and `pread` report.
    pub fn from_fd(memory: OwnedFd) -> io::Result<Self> {
        if FileType::from_raw_mode(fstat(&memory)?.st_mode) != FileType::RegularFile {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a checkpoint is a file in memory"));
        }
        let slots = read_slots(&memory)?;
        let number = newest([&slots[0], &slots[1]]).map_or(0, |record| record.number);
        Ok(Self { memory, writer: Mutex::new(Writer { number, buffer: Vec::new() }) })
    }

    /// Replaces the state.
    ///
    /// # Errors
    /// [`SaveError`]; the state before is still there.
    pub fn save<T: Serialize>(&self, state: &T) -> Result<(), SaveError> {
        let mut writer = self.lock();
        let length = writer.encode(state)?;
        writer.commit(&self.memory, length)
    }

    /// Says that there is nothing to go on with.
    ///
    /// # Errors
    /// [`SaveError::Write`].
    pub fn clear(&self) -> Result<(), SaveError> {
        let mut writer = self.lock();
        writer.grow(HEADER_LEN);
        writer.commit(&self.memory, 0)
    }

    /// The state that was saved last.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        let slots = read_slots(&self.memory)?;
        let record = newest([&slots[0], &slots[1]]).ok_or(LoadError::Nothing)?;
        if record.state.is_empty() {
            return Err(LoadError::Cleared);
        }
        postcard::from_bytes(record.state).map_err(LoadError::Foreign)
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Checkpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}

impl Writer {
    /// Puts the state behind the place of the header; its length in bytes.
    fn encode<T: Serialize>(&mut self, state: &T) -> Result<usize, SaveError> {
        self.grow(FIRST_BUFFER);
        loop {
            let room = self.buffer.len();
            match postcard::to_slice(state, &mut self.buffer[HEADER_LEN..]).map(|state| state.len()) {
                Ok(length) => return Ok(length),
                Err(postcard::Error::SerializeBufferFull) if room < SLOT_LEN => self.grow((room * 2).min(SLOT_LEN)),
                Err(postcard::Error::SerializeBufferFull) => return Err(SaveError::TooLong),
                Err(error) => return Err(SaveError::Encode(error)),
            }
        }
    }

    fn grow(&mut self, length: usize) {
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
    }

    /// Writes the header before the state, and both into the older place.
    fn commit(&mut self, memory: &OwnedFd, length: usize) -> Result<(), SaveError> {
        let number = self.number + 1;
        let (header, rest) = self.buffer.split_at_mut(HEADER_LEN);
        let said = u32::try_from(length).map_err(|_| SaveError::TooLong)?;
        header[..8].copy_from_slice(&MAGIC);
        header[8..16].copy_from_slice(&number.to_le_bytes());
        header[16..20].copy_from_slice(&said.to_le_bytes());
        header[20..24].fill(0);
        header[24..].copy_from_slice(&checksum(number, &rest[..length]).to_le_bytes());
        let mut left = &self.buffer[..HEADER_LEN + length];
        let mut offset = (number % 2) * SLOT_LEN as u64;
        while !left.is_empty() {
            match pwrite(memory, left, offset) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => {
                    left = &left[written..];
                    offset += written as u64;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        self.number = number;
        Ok(())
    }
}

/// A record whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Counts up with every record.
    pub number: u64,
    /// What was saved; empty after [`Checkpoint::clear`].
    pub state: &'a [u8],
}

/// The newest valid record of two places, of which each begins with one or with
/// anything else.
#[must_use]
pub fn newest<'a>(slots: [&'a [u8]; 2]) -> Option<Record<'a>> {
    slots.into_iter().filter_map(parse).max_by_key(|record| record.number)
}

fn parse(slot: &[u8]) -> Option<Record<'_>> {
    let mut reader = Reader::new(slot);
    if reader.array::<8>().ok()? != MAGIC {
        return None;
    }
    let number = reader.u64_le().ok()?;
    let length = usize::try_from(reader.u32_le().ok()?).ok()?;
    let reserved = reader.u32_le().ok()?;
    let said = reader.u64_le().ok()?;
    let state = reader.take(length).ok()?;
    // A number at its end could not be followed by another.
    let valid = reserved == 0 && number < u64::MAX && said == checksum(number, state);
    valid.then_some(Record { number, state })
}

/// As much of both places as belongs to their records.
fn read_slots(memory: &OwnedFd) -> io::Result<[Vec<u8>; 2]> {
    Ok([read_slot(memory, 0)?, read_slot(memory, SLOT_LEN as u64)?])
}

fn read_slot(memory: &OwnedFd, offset: u64) -> io::Result<Vec<u8>> {
    let mut slot = vec![0; HEADER_LEN];
    let read = read_at(memory, &mut slot, offset)?;
    slot.truncate(read);
    let said = slot.get(16..20).and_then(|length| length.try_into().ok()).map_or(0, u32::from_le_bytes);
    let length = usize::try_from(said).unwrap_or(usize::MAX).min(LONGEST);
    if read == HEADER_LEN {
        slot.resize(HEADER_LEN + length, 0);
        let read = read_at(memory, &mut slot[HEADER_LEN..], offset + HEADER_LEN as u64)?;
        slot.truncate(HEADER_LEN + read);
    }
    Ok(slot)
}

fn read_at(memory: &OwnedFd, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match pread(memory, &mut into[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(read)
}

/// Tells a whole record from a torn one; it is no proof against forgers, who
/// would have to be this host's user. Every step is reversible, so no change of
/// a single word goes unseen.
fn checksum(number: u64, state: &[u8]) -> u64 {
    let step = |sum: u64, word: u64| (sum.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, rest) = state.as_chunks::<8>();
    let mut tail = [0; 8];
    tail[..rest.len()].copy_from_slice(rest);
    let sum = step(step(0, number), state.len() as u64);
    let sum = words.iter().fold(sum, |sum, word| step(sum, u64::from_le_bytes(*word)));
    let sum = step(sum, u64::from_le_bytes(tail));
    sum ^ (sum >> 29)
}

/// Bytes of a state at most. What ENet may hold for a peer fits:
/// `protocol::enet::limits`.
pub const LONGEST: usize = SLOT_LEN - HEADER_LEN;

/// Room for one record. Pages that are not written take no memory.
const SLOT_LEN: usize = 512 * 1024;

/// Magic, number, length, 0, checksum; little-endian.
const HEADER_LEN: usize = 32;

/// The last byte is the version of what is saved.
const MAGIC: [u8; 8] = *b"ESctrl\0\x01";

/// A connection with nothing under way needs about a kilobyte.
const FIRST_BUFFER: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn dup(checkpoint: &Checkpoint) -> OwnedFd {
        checkpoint.as_fd().try_clone_to_owned().unwrap()
    }

    #[test]
    fn the_state_that_was_saved_last_is_loaded() {
        let checkpoint = Checkpoint::new().unwrap();
        assert!(matches!(checkpoint.load::<String>(), Err(LoadError::Nothing)));
        for text in ["one", "two, which is longer", "three"] {
            checkpoint.save(&text).unwrap();
            assert_eq!(checkpoint.load::<String>().unwrap(), text);
        }
        checkpoint.clear().unwrap();
        assert!(matches!(checkpoint.load::<String>(), Err(LoadError::Cleared)));
    }

    #[test]
    fn another_process_goes_on_where_the_first_one_stopped() {
        let first = Checkpoint::new().unwrap();
        (0..5u32).for_each(|number| first.save(&number).unwrap());
        let second = Checkpoint::from_fd(dup(&first)).unwrap();
        assert_eq!(second.load::<u32>().unwrap(), 4);
        second.save(&5u32).unwrap();
        assert_eq!(Checkpoint::from_fd(dup(&first)).unwrap().load::<u32>().unwrap(), 5);
        let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        assert_eq!(Checkpoint::from_fd(socket.into()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_write_torn_at_any_byte_leaves_the_state_before_or_the_new_one() {
        let states: [Vec<u8>; 4] = [vec![7; 300], vec![8; 40], vec![7; 299], vec![9; 700]];
        for (before, after) in [(0, 1), (1, 2), (0, 3), (3, 1), (1, 0), (0, 2), (2, 0)] {
            let checkpoint = Checkpoint::new().unwrap();
            checkpoint.save(&states[2]).unwrap();
            checkpoint.save(&states[before]).unwrap();
            let place = read_slot(&checkpoint.memory, SLOT_LEN as u64).unwrap();
            checkpoint.save(&states[after]).unwrap();
            let record = read_slot(&checkpoint.memory, SLOT_LEN as u64).unwrap();
            for cut in 0..=record.len() {
                let torn = Checkpoint::from_fd(dup(&checkpoint)).unwrap();
                let empty = vec![0; record.len().max(place.len())];
                for bytes in [&empty[..], &place, &record[..cut]] {
                    pwrite(&torn.memory, bytes, SLOT_LEN as u64).unwrap();
                }
                let loaded = torn.load::<Vec<u8>>().unwrap();
                let whole = cut == record.len();
                assert!(loaded == states[after] || (loaded == states[before] && !whole), "{before} {after} {cut}");
                let next = Checkpoint::from_fd(dup(&torn)).unwrap();
                next.save(&states[2]).unwrap();
                assert_eq!(torn.load::<Vec<u8>>().unwrap(), states[2], "{before} {after} {cut}");
            }
        }
    }

    #[test]
    fn a_state_that_is_too_long_leaves_the_one_before() {
        let checkpoint = Checkpoint::new().unwrap();
        checkpoint.save(&vec![1u8; LONGEST - 3]).unwrap();
        assert!(matches!(checkpoint.save(&vec![2u8; LONGEST - 2]), Err(SaveError::TooLong)));
        assert_eq!(checkpoint.load::<Vec<u8>>().unwrap(), vec![1; LONGEST - 3]);
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let checkpoint = Checkpoint::new().unwrap();
        checkpoint.save(&[1u8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].as_slice()).unwrap();
        let record = read_slot(&checkpoint.memory, SLOT_LEN as u64).unwrap();
        assert!(parse(&record).is_some());
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&flipped), None, "{bit}");
        }
    }

    #[test]
    fn what_is_of_another_version_is_not_adopted() {
        let checkpoint = Checkpoint::new().unwrap();
        checkpoint.save(&"text").unwrap();
        assert!(matches!(checkpoint.load::<(u64, Vec<u64>, String)>(), Err(LoadError::Foreign(_))));
    }
}
