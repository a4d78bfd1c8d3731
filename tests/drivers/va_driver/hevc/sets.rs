//! Parameter sets: read out of packed headers, and written.
//!
//! ITU-T H.265, 7.3.2.1 to 7.3.2.3 and E.2.1; what no encoder of low latency needs is
//! refused.

use super::profile::Profile;
use crate::bits::{Reader, Writer};
use crate::driver::{Result, require, require_equal};
use crate::nal::{self, Unit};

/// All three sets, as far as anything depends on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sets {
    pub(super) profile: Profile,
    pub(super) size: (u32, u32),
    /// Right and bottom, in chroma samples; VA's parameters have no place for it.
    pub(super) cropping: [u32; 2],
    pub(super) depth: u32,
    /// VA's parameters have no place for it.
    pub(super) order_bits: u32,
    /// Pictures that are kept; VA's parameters have no place for it.
    pub(super) references: u32,
    /// Smallest and largest, log2.
    pub(super) blocks: (u32, u32),
    /// The same.
    pub(super) transforms: (u32, u32),
    /// Inter and intra.
    pub(super) depths: (u32, u32),
    pub(super) asymmetric_motion: bool,
    pub(super) offsets: bool,
    pub(super) strong_smoothing: bool,
    pub(super) sign_hiding: bool,
    pub(super) transform_skip: bool,
    pub(super) quantizer: i32,
    pub(super) quantizer_varies: bool,
    pub(super) filter_across: bool,
}

/// What the colours are; VA's parameters have no place for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Colours {
    pub(super) full_range: bool,
    /// Primaries, transfer, matrix.
    pub(super) points: [u32; 3],
}

impl Sets {
    /// Coding tree blocks in a row, and rows of them.
    pub(super) const fn grid(&self) -> (u32, u32) {
        let block = 1 << self.blocks.1;
        (self.size.0.div_ceil(block), self.size.1.div_ceil(block))
    }

    /// What the standard allows.
    pub(super) fn check(&self, is_ten_bit: bool) -> Result {
        let expected = if is_ten_bit { (2, 10) } else { (1, 8) };
        require_equal("general_profile_idc and depth", (self.profile.number, self.depth), expected)?;
        let smallest = 1 << self.blocks.0;
        let is_whole = self.size.0.is_multiple_of(smallest) && self.size.1.is_multiple_of(smallest);
        require(is_whole, || format!("no whole blocks: {self:?}"))?;
        require((4..=6).contains(&self.blocks.1), || format!("blocks of {:?}", self.blocks))?;
        require(self.transforms.0 < self.blocks.0, || format!("transforms of {:?}", self.transforms))?;
        require(self.transforms.1 <= self.blocks.1.min(5), || format!("transforms of {:?}", self.transforms))?;
        let deepest = self.blocks.1 - self.transforms.0;
        require(self.depths.0.max(self.depths.1) <= deepest, || format!("{:?} of {deepest}", self.depths))?;
        self.profile.check(self.size.0 * self.size.1, self.references)
    }

    /// No more is cut off than what fills blocks up.
    pub(super) fn check_cropping(&self) -> Result {
        let smallest = 1 << self.blocks.0;
        let cropped = self.cropping.iter().all(|side| side * 2 < smallest);
        require(cropped, || format!("whole blocks are cut off: {:?}", self.cropping))
    }

    /// Out of a packed header.
    pub(super) fn read(units: &[Unit]) -> Result<(Self, Colours)> {
        let kinds: Vec<&[u8]> = units.iter().map(|unit| unit.header.as_slice()).collect();
        require_equal("units of the parameter sets", kinds, HEADERS.iter().map(|header| &header[..]).collect())?;
        let [video, sequence, picture] = [0, 1, 2].map(|unit| Reader::new(&units[unit].payload, units[unit].bits));
        let promised = read_video(video)?;
        let mut sets = Self {
            profile: promised.0,
            size: (0, 0),
            cropping: [0; 2],
            depth: 0,
            order_bits: 0,
            references: promised.1,
            blocks: (0, 0),
            transforms: (0, 0),
            depths: (0, 0),
            asymmetric_motion: false,
            offsets: false,
            strong_smoothing: false,
            sign_hiding: false,
            transform_skip: false,
            quantizer: 0,
            quantizer_varies: false,
            filter_across: false,
        };
        let colours = sets.read_sequence(sequence)?;
        require_equal("what VPS and SPS say", (sets.profile, sets.references), promised)?;
        sets.read_picture(picture)?;
        Ok((sets, colours))
    }

    fn read_sequence(&mut self, mut bits: Reader<'_>) -> Result<Colours> {
        require_equal("VPS, sub-layers, nesting", (bits.bits(4)?, bits.bits(3)?, bits.bit()?), (0, 0, true))?;
        self.profile = Profile::read(&mut bits)?;
        require_equal("SPS and chroma_format_idc", (bits.ue()?, bits.ue()?), (0, 1))?;
        self.size = (bits.ue()?, bits.ue()?);
        if bits.bit()? {
            let window = [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?];
            require_equal("left and top of the window", (window[0], window[2]), (0, 0))?;
            self.cropping = [window[1], window[3]];
        }
        self.depth = bits.ue()? + 8;
        require_equal("chroma's depth", bits.ue()? + 8, self.depth)?;
        self.order_bits = bits.ue()? + 4;
        self.references = read_ordering(&mut bits)?;
        let ranges = |bits: &mut Reader<'_>, base: u32| -> Result<(u32, u32)> {
            let start = bits.ue()? + base;
            Ok((start, start + bits.ue()?))
        };
        (self.blocks, self.transforms) = (ranges(&mut bits, 3)?, ranges(&mut bits, 2)?);
        self.depths = (bits.ue()?, bits.ue()?);
        require_equal("scaling lists", bits.bit()?, false)?;
        (self.asymmetric_motion, self.offsets) = (bits.bit()?, bits.bit()?);
        require_equal("raw blocks", bits.bit()?, false)?;
        let kept = (bits.ue()?, bits.bit()?, bits.bit()?);
        require_equal("sets of references, for long, predicted motion", kept, (0, false, false))?;
        self.strong_smoothing = bits.bit()?;
        require(bits.bit()?, || "no VUI".to_owned())?;
        let colours = read_usability(&mut bits)?;
        require_equal("sps_extension_present_flag", bits.bit()?, false)?;
        bits.trailing("the sequence parameter set")?;
        Ok(colours)
    }

    fn read_picture(&mut self, mut bits: Reader<'_>) -> Result {
        require_equal("PPS and SPS", (bits.ue()?, bits.ue()?), (0, 0))?;
        require_equal("dependent slices, output, extra bits", bits.bits(5)?, 0)?;
        self.sign_hiding = bits.bit()?;
        require_equal("cabac_init_present_flag", bits.bit()?, false)?;
        require_equal("default sizes of the lists", (bits.ue()?, bits.ue()?), (0, 0))?;
        self.quantizer = bits.se()? + 26;
        require_equal("constrained_intra_pred_flag", bits.bit()?, false)?;
        (self.transform_skip, self.quantizer_varies) = (bits.bit()?, bits.bit()?);
        if self.quantizer_varies {
            require_equal("diff_cu_qp_delta_depth", bits.ue()?, 0)?;
        }
        require_equal("chroma's quantizers", (bits.se()?, bits.se()?), (0, 0))?;
        require_equal("offsets in slices, weights, lossless, tiles, wavefronts", bits.bits(6)?, 0)?;
        self.filter_across = bits.bit()?;
        require_equal("deblocking, scaling, lists", bits.bits(3)?, 0)?;
        require_equal("merging, header extension, extension", (bits.ue()?, bits.bits(2)?), (0, 0))?;
        bits.trailing("the picture parameter set")
    }

    /// All three, of a driver that takes none from the program.
    pub(super) fn write(&self, colours: Option<&Colours>) -> Vec<u8> {
        let ordering = |bits: &mut Writer| {
            bits.bit(true);
            [self.references, 0, 0].iter().for_each(|value| bits.ue(*value));
        };
        let mut video = Writer::default();
        video.put(0b11, 6);
        video.put(1, 10);
        video.put(0xffff, 16);
        self.profile.write(&mut video);
        ordering(&mut video);
        video.put(0, 6);
        video.ue(0);
        video.put(0, 2);
        let mut sequence = Writer::default();
        sequence.put(1, 8);
        self.profile.write(&mut sequence);
        for value in [0, 1, self.size.0, self.size.1] {
            sequence.ue(value);
        }
        let [right, bottom] = self.cropping;
        sequence.bit(right + bottom > 0);
        if right + bottom > 0 {
            [0, right, 0, bottom].iter().for_each(|value| sequence.ue(*value));
        }
        for value in [self.depth - 8, self.depth - 8, self.order_bits - 4] {
            sequence.ue(value);
        }
        ordering(&mut sequence);
        for (range, base) in [(self.blocks, 3), (self.transforms, 2)] {
            sequence.ue(range.0 - base);
            sequence.ue(range.1 - range.0);
        }
        sequence.ue(self.depths.0);
        sequence.ue(self.depths.1);
        for flag in [false, self.asymmetric_motion, self.offsets, false] {
            sequence.bit(flag);
        }
        sequence.ue(0);
        for flag in [false, false, self.strong_smoothing, colours.is_some()] {
            sequence.bit(flag);
        }
        if let Some(colours) = colours {
            colours.write(&mut sequence);
        }
        sequence.bit(false);
        let mut sets = Vec::new();
        for (header, mut bits) in HEADERS.iter().zip([video, sequence, self.written_picture()]) {
            bits.trailing();
            sets.extend(nal::escape(header, &bits.bytes));
        }
        sets
    }

    fn written_picture(&self) -> Writer {
        let mut bits = Writer::default();
        bits.put(0b11, 2);
        bits.put(0, 5);
        bits.bit(self.sign_hiding);
        bits.bit(false);
        bits.put(0b11, 2);
        bits.se(self.quantizer - 26);
        for flag in [false, self.transform_skip, self.quantizer_varies] {
            bits.bit(flag);
        }
        if self.quantizer_varies {
            bits.ue(0);
        }
        bits.put(0b11, 2);
        bits.put(0, 6);
        bits.bit(self.filter_across);
        bits.put(0, 3);
        bits.ue(0);
        bits.put(0, 2);
        bits
    }
}

/// Profile, and pictures that are kept.
fn read_video(mut bits: Reader<'_>) -> Result<(Profile, u32)> {
    require_equal("VPS, and base layer", (bits.bits(4)?, bits.bits(2)?), (0, 0b11))?;
    let layers = (bits.bits(6)?, bits.bits(3)?, bits.bit()?, bits.bits(16)?);
    require_equal("layers, sub-layers, nesting", layers, (0, 0, true, 0xffff))?;
    let profile = Profile::read(&mut bits)?;
    let references = read_ordering(&mut bits)?;
    require_equal("layer sets, timing, extension", (bits.bits(6)?, bits.ue()?, bits.bits(2)?), (0, 0, 0))?;
    bits.trailing("the video parameter set")?;
    Ok((profile, references))
}

/// `*_sub_layer_ordering_info`: pictures that are kept besides the current one.
fn read_ordering(bits: &mut Reader<'_>) -> Result<u32> {
    require_equal("sub_layer_ordering_info_present_flag", bits.bit()?, true)?;
    let references = bits.ue()?;
    require_equal("reordering, and latency", (bits.ue()?, bits.ue()?), (0, 0))?;
    Ok(references)
}

impl Colours {
    /// `vui_parameters()`, of which these are all.
    fn write(&self, bits: &mut Writer) {
        bits.put(0b001, 3);
        bits.put(UNSPECIFIED_FORMAT, 3);
        bits.bit(self.full_range);
        bits.bit(true);
        self.points.iter().for_each(|point| bits.put(*point, 8));
        bits.put(0, 7);
    }
}

fn read_usability(bits: &mut Reader<'_>) -> Result<Colours> {
    require_equal("aspect ratio and overscan", bits.bits(2)?, 0)?;
    require(bits.bit()?, || "no video_signal_type".to_owned())?;
    bits.bits(3)?;
    let full_range = bits.bit()?;
    require(bits.bit()?, || "no colour description".to_owned())?;
    let points = [bits.bits(8)?, bits.bits(8)?, bits.bits(8)?];
    require_equal("chroma location, fields, window, timing, restrictions", bits.bits(7)?, 0)?;
    Ok(Colours { full_range, points })
}

/// `video_format` of what was never analogue.
const UNSPECIFIED_FORMAT: u32 = 5;

/// VPS, SPS, PPS: base layer, lowest sub-layer.
const HEADERS: [[u8; 2]; 3] = [[32 << 1, 1], [33 << 1, 1], [34 << 1, 1]];
