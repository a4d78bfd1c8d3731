//! A picture on its way out of a worker, through a pipe: a head of 12 bytes,
//! then the samples in I420, rows without padding.
//!
//! Head: `ESPIC`, colour space and range as H.264 signals them in clients'
//! requests (`Colorimetry`), a zero, width and height in 16 bits each,
//! little-endian.

use std::io::{self, Read, Write};

use crate::color::{ColorRange, ColorSpace, Colorimetry};
use crate::units::Size;

/// A picture in I420. Both sides are even.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPicture {
    /// Size in pixels.
    pub size: Size,
    /// What the samples mean.
    pub colorimetry: Colorimetry,
    /// Luma, then the two chroma planes.
    pub samples: Vec<u8>,
}

impl RawPicture {
    /// Samples of a picture of `size`.
    #[must_use]
    pub const fn len_of(size: Size) -> usize {
        size.width as usize * size.height as usize * 3 / 2
    }

    /// Writes it whole.
    ///
    /// # Errors
    /// What the pipe says; `InvalidInput` for a picture that no encoder takes.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let width = u16::try_from(self.size.width).map_err(invalid)?.to_le_bytes();
        let height = u16::try_from(self.size.height).map_err(invalid)?.to_le_bytes();
        let space = match self.colorimetry.space {
            ColorSpace::Bt601 => 0,
            ColorSpace::Bt709 => 1,
            ColorSpace::Bt2020 => 2,
        };
        let range = u8::from(self.colorimetry.range == ColorRange::Full);
        let mut head = MAGIC.to_vec();
        head.extend([space, range, 0, width[0], width[1], height[0], height[1]]);
        out.write_all(&head)?;
        out.write_all(&self.samples)
    }

    /// Reads one; `None` if nothing at all comes.
    ///
    /// # Errors
    /// What the pipe says; `InvalidData` for anything but a whole picture.
    pub fn read(mut from: impl Read) -> io::Result<Option<Self>> {
        let mut head = Vec::with_capacity(HEAD);
        from.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
        if head.is_empty() {
            return Ok(None);
        }
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let rest = head.strip_prefix(MAGIC.as_slice()).ok_or_else(invalid)?;
        let &[space, range, 0, w0, w1, h0, h1] = rest else { return Err(invalid()) };
        let space = match space {
            0 => ColorSpace::Bt601,
            1 => ColorSpace::Bt709,
            2 => ColorSpace::Bt2020,
            _ => return Err(invalid()),
        };
        let range = match range {
            0 => ColorRange::Limited,
            1 => ColorRange::Full,
            _ => return Err(invalid()),
        };
        let size = Size::new(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into());
        let side = |side: u32| (2..=LARGEST_SIDE).contains(&side) && side.is_multiple_of(2);
        if !side(size.width) || !side(size.height) {
            return Err(invalid());
        }
        let len = Self::len_of(size);
        let mut samples = Vec::new();
        from.take(len as u64).read_to_end(&mut samples)?;
        if samples.len() != len {
            return Err(invalid());
        }
        Ok(Some(Self { size, colorimetry: Colorimetry { space, range }, samples }))
    }
}

const MAGIC: [u8; 5] = *b"ESPIC";
const HEAD: usize = 12;
/// More than any encoder here takes.
const LARGEST_SIDE: u32 = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_out_as_they_went_in() {
        let size = Size::new(4, 2);
        let colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Full };
        let picture = RawPicture { size, colorimetry, samples: (0..12).collect() };
        let mut bytes = Vec::new();
        picture.write(&mut bytes).unwrap();
        assert_eq!(RawPicture::read(bytes.as_slice()).unwrap(), Some(picture));
        assert_eq!(RawPicture::read([].as_slice()).unwrap(), None);
        for cut in 1..bytes.len() {
            assert!(RawPicture::read(&bytes[..cut]).is_err(), "{cut}");
        }
        for (at, value) in [(0, 0), (5, 3), (6, 2), (7, 1), (8, 3), (8, 0), (11, 0xff)] {
            let mut broken = bytes.clone();
            broken[at] = value;
            assert!(RawPicture::read(broken.as_slice()).is_err(), "{at} {value}");
        }
    }
}
