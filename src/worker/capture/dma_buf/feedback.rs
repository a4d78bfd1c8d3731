//! What a compositor says about DMA-BUFs: which device it draws on, and which
//! formats and modifiers it understands.
//!
//! From linux-dmabuf version 4 on that is a table of pairs in shared memory and
//! lists of indices into it (`zwp_linux_dmabuf_feedback_v1`); version 3 names the
//! pairs one by one and no device, version 1 formats without modifiers. All of it
//! is another process's bytes. The table is read and not mapped, so that one who
//! shrinks it cannot end us.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use crate::worker::dma_buffer::MODIFIER_INVALID;

/// A pair of DRM format code and modifier.
pub type Pair = (u32, u64);

/// Collects events; complete answers replace each other.
#[derive(Debug, Default)]
pub struct Feedback {
    table: Vec<Pair>,
    tranche: Tranche,
    tranches: Vec<Tranche>,
    device: Option<u64>,
    /// Pairs in all tranches, as a limit.
    pairs: usize,
    broken: Option<FeedbackError>,
    formats: Option<Result<Formats, FeedbackError>>,
}

/// Formats that one of the compositor's devices likes.
#[derive(Debug, Default)]
struct Tranche {
    device: Option<u64>,
    pairs: Vec<Pair>,
}

/// What a compositor understands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Formats {
    /// Number of the device it draws on, if it tells: any node of it.
    pub device: Option<u64>,
    /// In its order of preference, none twice.
    pub pairs: Vec<Pair>,
}

impl Formats {
    /// Modifiers of a format, in order.
    pub fn modifiers(&self, fourcc: u32) -> impl Iterator<Item = u64> {
        self.pairs.iter().filter(move |pair| pair.0 == fourcc).map(|pair| pair.1)
    }
}

/// A compositor's answer makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeedbackError {
    /// The table has half a pair at its end, or more than indices can name.
    #[error("a format table of {0} bytes")]
    Table(usize),
    /// The table cannot be read.
    #[error("a format table that cannot be read")]
    Unreadable,
    /// A list that ends within an element.
    #[error("a list of {0} bytes")]
    List(usize),
    /// An index behind the table's end.
    #[error("format {index} of a table of {len}")]
    Index {
        /// The index.
        index: u16,
        /// Pairs in the table.
        len: usize,
    },
    /// More than there is a reason for.
    #[error("more than {MOST_PAIRS} formats")]
    TooMany,
}

impl Feedback {
    /// The newest complete answer, if there is one.
    #[must_use]
    pub const fn formats(&self) -> Option<&Result<Formats, FeedbackError>> {
        self.formats.as_ref()
    }

    /// The table of pairs, as its descriptor holds it (`format_table`).
    pub(crate) fn read_table(&mut self, fd: OwnedFd, size: u32) {
        match read(fd, size) {
            Ok(bytes) => self.table(&bytes),
            Err(_) => self.broken = Some(FeedbackError::Unreadable),
        }
    }

    /// The table of pairs: 16 bytes each, of which the four after the format are
    /// padding. It stays until another comes.
    pub fn table(&mut self, bytes: &[u8]) {
        let (pairs, rest) = bytes.as_chunks::<PAIR>();
        if !rest.is_empty() || pairs.len() > MOST_PAIRS {
            self.broken = Some(FeedbackError::Table(bytes.len()));
            return;
        }
        self.table = pairs.iter().map(read_pair).collect();
    }

    /// The device that the compositor draws on (`main_device`).
    pub fn main_device(&mut self, bytes: &[u8]) {
        self.device = self.number(bytes);
    }

    /// The device of the tranche that is being told (`tranche_target_device`).
    pub fn tranche_device(&mut self, bytes: &[u8]) {
        self.tranche.device = self.number(bytes);
    }

    /// Indices of the tranche that is being told (`tranche_formats`).
    pub fn tranche_formats(&mut self, bytes: &[u8]) {
        let (indices, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            self.broken = Some(FeedbackError::List(bytes.len()));
            return;
        }
        for index in indices.iter().map(|index| u16::from_ne_bytes(*index)) {
            match self.table.get(usize::from(index)) {
                Some(&pair) => self.add(pair),
                None => self.broken = Some(FeedbackError::Index { index, len: self.table.len() }),
            }
        }
    }

    /// A tranche is complete (`tranche_done`).
    pub fn tranche_done(&mut self) {
        let tranche = std::mem::take(&mut self.tranche);
        // What says nothing would be kept for nothing.
        if !tranche.pairs.is_empty() {
            self.tranches.push(tranche);
        }
    }

    /// A format and how it may lie, of version 3 (`modifier`).
    pub fn modifier(&mut self, fourcc: u32, modifier: u64) {
        self.add((fourcc, modifier));
    }

    /// A format that lies as the driver likes, of version 1 and 2 (`format`).
    pub fn format(&mut self, fourcc: u32) {
        self.add((fourcc, MODIFIER_INVALID));
    }

    /// All has been said (`done`, or all events of older versions): what comes now
    /// belongs to the next answer.
    pub fn done(&mut self) {
        self.tranche_done();
        let mut tranches = std::mem::take(&mut self.tranches);
        let (device, broken) = (self.device.take(), self.broken.take());
        self.pairs = 0;
        // What another device of the compositor's scans out or draws on does not
        // help to capture, unless there is nothing else.
        if tranches.iter().any(|tranche| tranche.device == device) {
            tranches.retain(|tranche| tranche.device == device);
        }
        let mut seen = HashSet::new();
        let pairs = tranches.into_iter().flat_map(|tranche| tranche.pairs).filter(|pair| seen.insert(*pair)).collect();
        self.formats = Some(broken.map_or(Ok(Formats { device, pairs }), Err));
    }

    fn add(&mut self, pair: Pair) {
        if self.pairs == MOST_PAIRS {
            self.broken = Some(FeedbackError::TooMany);
            return;
        }
        self.pairs += 1;
        self.tranche.pairs.push(pair);
    }

    fn number(&mut self, bytes: &[u8]) -> Option<u64> {
        let number = device_number(bytes);
        if number.is_none() {
            self.broken = Some(FeedbackError::List(bytes.len()));
        }
        number
    }
}

/// A `dev_t` as Wayland sends it: as the compositor's memory has it.
pub(crate) fn device_number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_ne_bytes)
}

/// Modifiers as Wayland sends them; what is half a one at the end is none.
pub(crate) fn modifiers(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|modifier| u64::from_ne_bytes(*modifier)).collect()
}

fn read_pair(bytes: &[u8; PAIR]) -> Pair {
    let [a, b, c, d, _, _, _, _, modifier @ ..] = *bytes;
    (u32::from_ne_bytes([a, b, c, d]), u64::from_ne_bytes(modifier))
}

fn read(fd: OwnedFd, size: u32) -> io::Result<Vec<u8>> {
    let len = usize::try_from(size).unwrap_or(usize::MAX);
    if len > MOST_PAIRS * PAIR {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; len];
    File::from(fd).read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Bytes of a pair in the table.
const PAIR: usize = 16;

/// As many as an index can name. Compositors have some hundred.
const MOST_PAIRS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const XR24: u32 = u32::from_le_bytes(*b"XR24");
    const AR24: u32 = u32::from_le_bytes(*b"AR24");

    fn table(pairs: &[Pair]) -> Vec<u8> {
        let row = |pair: &Pair| [&pair.0.to_ne_bytes()[..], &[0xA5; 4], &pair.1.to_ne_bytes()].concat();
        pairs.iter().flat_map(row).collect()
    }

    fn indices(list: &[u16]) -> Vec<u8> {
        list.iter().flat_map(|index| index.to_ne_bytes()).collect()
    }

    fn tell(feedback: &mut Feedback, device: u64, formats: &[u16]) {
        feedback.tranche_device(&device.to_ne_bytes());
        feedback.tranche_formats(&indices(formats));
        feedback.tranche_done();
    }

    #[test]
    fn tranches_of_the_main_device_are_read_in_order() {
        let mut feedback = Feedback::default();
        feedback.table(&table(&[(XR24, 0), (XR24, 7), (AR24, 0), (XR24, 9)]));
        feedback.main_device(&5_u64.to_ne_bytes());
        tell(&mut feedback, 6, &[3]);
        tell(&mut feedback, 5, &[1]);
        tell(&mut feedback, 5, &[0, 1, 2]);
        assert_eq!(feedback.formats(), None);
        feedback.done();
        let formats = feedback.formats().unwrap().clone().unwrap();
        assert_eq!(formats, Formats { device: Some(5), pairs: vec![(XR24, 7), (XR24, 0), (AR24, 0)] });
        assert_eq!(formats.modifiers(XR24).collect::<Vec<_>>(), [7, 0]);
        // The next answer replaces it; the table stays.
        feedback.main_device(&8_u64.to_ne_bytes());
        tell(&mut feedback, 9, &[2]);
        feedback.done();
        assert_eq!(feedback.formats(), Some(&Ok(Formats { device: Some(8), pairs: vec![(AR24, 0)] })));
    }

    #[test]
    fn older_versions_name_formats_one_by_one() {
        let mut feedback = Feedback::default();
        feedback.format(XR24);
        feedback.modifier(XR24, 3);
        feedback.modifier(XR24, 3);
        feedback.done();
        let pairs = vec![(XR24, MODIFIER_INVALID), (XR24, 3)];
        assert_eq!(feedback.formats(), Some(&Ok(Formats { device: None, pairs })));
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_named_and_the_next_one_counts() {
        type Nonsense = (fn(&mut Feedback), FeedbackError);
        let broken: [Nonsense; 6] = [
            (|feedback| feedback.table(&[0; 17]), FeedbackError::Table(17)),
            (|feedback| feedback.table(&vec![0; 16 << 17]), FeedbackError::Table(16 << 17)),
            (|feedback| feedback.main_device(&[0; 4]), FeedbackError::List(4)),
            (|feedback| feedback.tranche_formats(&[0; 3]), FeedbackError::List(3)),
            (|feedback| feedback.tranche_formats(&[1, 0]), FeedbackError::Index { index: 1, len: 1 }),
            (|feedback| (0..=1 << 16).for_each(|fourcc| feedback.format(fourcc)), FeedbackError::TooMany),
        ];
        for (tell_nonsense, error) in broken {
            let mut feedback = Feedback::default();
            feedback.table(&table(&[(XR24, 0)]));
            tell_nonsense(&mut feedback);
            feedback.done();
            assert_eq!(feedback.formats(), Some(&Err(error)));
            tell(&mut feedback, 1, &[0]);
            feedback.done();
            assert!(matches!(feedback.formats(), Some(Ok(formats)) if formats.pairs == [(XR24, 0)]), "{error}");
        }
    }

    #[test]
    fn a_table_shorter_than_told_or_on_no_file_is_an_error() {
        let fd = rustix::fs::memfd_create("table", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::io::write(&fd, &table(&[(XR24, 4)])).unwrap();
        let (pipe, _writer) = rustix::pipe::pipe().unwrap();
        for (fd, size, good) in [
            (fd.try_clone().unwrap(), 16, true),
            (fd.try_clone().unwrap(), 32, false),
            (fd, u32::MAX, false),
            (pipe, 16, false),
        ] {
            let mut feedback = Feedback::default();
            feedback.read_table(fd, size);
            feedback.tranche_formats(&indices(&[0]));
            feedback.done();
            let formats = feedback.formats().unwrap().clone();
            assert_eq!(formats.is_ok(), good, "{size}: {formats:?}");
        }
    }

    proptest! {
        /// Every pair that comes out was in the table at the index that named it.
        #[test]
        fn whatever_is_told_gives_pairs_of_the_table_or_an_error(
            pairs in vec((any::<u32>(), any::<u64>()), 0..40),
            tranches in vec((0..3_u64, vec(0..44_u16, 0..60)), 0..6),
            main in 0..3_u64,
        ) {
            let mut feedback = Feedback::default();
            feedback.table(&table(&pairs));
            feedback.main_device(&main.to_ne_bytes());
            for (device, list) in &tranches {
                tell(&mut feedback, *device, list);
            }
            feedback.done();
            let behind = tranches.iter().flat_map(|(_, list)| list).any(|index| usize::from(*index) >= pairs.len());
            let formats = feedback.formats().unwrap().clone();
            prop_assert_eq!(formats.is_err(), behind);
            if let Ok(formats) = formats {
                prop_assert!(formats.pairs.iter().all(|pair| pairs.contains(pair)));
                let distinct: HashSet<_> = formats.pairs.iter().collect();
                prop_assert_eq!(distinct.len(), formats.pairs.len());
            }
        }
    }
}
