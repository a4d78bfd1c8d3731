//! The parity matrices of video and audio, and a cache of the former.
//!
//! Video: `1 / ((parity + column) XOR row)`, a Cauchy matrix whose elements
//! depend on the parity count (nanors `rs.c`, `reed_solomon_new`; vectors in
//! `fec_video.json`). Audio: fixed coefficients (moonlight-common-c
//! `RtpAudioQueue.c`; `fec_audio.json`).

use earthshine_ffi::simd::{Coefficients, ShapeError};

use super::galois::INVERSE;

/// Shards of one code, data and parity together, at most.
pub const MAX_SHARDS: usize = 255;

/// Data shards of an audio block.
pub const AUDIO_DATA: usize = 4;

/// Parity shards of an audio block.
pub const AUDIO_PARITY: usize = 2;

/// Coefficients over GF(2⁸): output row = sum over columns of coefficient times
/// input. Stored column by column, as the kernels read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    rows: usize,
    by_column: Vec<u8>,
    /// It is one of video, which some kernels multiply by faster.
    is_video: bool,
}

impl Matrix {
    /// The matrix that makes `parity` shards from `data` shards of video.
    ///
    /// # Errors
    /// [`ShardCountError`] outside of `1 ..= 255` shards in all.
    pub fn video(data: usize, parity: usize) -> Result<Self, ShardCountError> {
        let mut matrix = Self { rows: 0, by_column: Vec::new(), is_video: true };
        matrix.become_video(data, parity)?;
        Ok(matrix)
    }

    /// The matrix that makes the 2 parity packets from 4 audio packets.
    #[must_use]
    pub fn audio() -> Self {
        let by_column = AUDIO_ROWS[0].into_iter().zip(AUDIO_ROWS[1]).flat_map(|(first, second)| [first, second]);
        Self { rows: AUDIO_PARITY, by_column: by_column.collect(), is_video: false }
    }

    /// From coefficients column by column.
    pub(super) fn from_columns(rows: usize, by_column: Vec<u8>) -> Self {
        debug_assert!(rows > 0 && by_column.len().is_multiple_of(rows));
        Self { rows, by_column, is_video: false }
    }

    /// Output shards.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Input shards.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.by_column.len() / self.rows
    }

    /// One coefficient.
    ///
    /// # Panics
    /// Outside of the matrix.
    #[must_use]
    pub fn at(&self, row: usize, column: usize) -> u8 {
        assert!(row < self.rows);
        self.by_column[column * self.rows + row]
    }

    pub(super) fn coefficients(&self) -> Result<Coefficients<'_>, ShapeError> {
        if self.is_video {
            Coefficients::cauchy(self.rows, &self.by_column)
        } else {
            Coefficients::new(self.rows, &self.by_column)
        }
    }

    /// Turns into another video matrix and keeps the memory.
    fn become_video(&mut self, data: usize, parity: usize) -> Result<(), ShardCountError> {
        let (Ok(columns), Ok(rows)) = (u8::try_from(data), u8::try_from(parity)) else {
            return Err(ShardCountError { data, parity });
        };
        if columns == 0 || rows == 0 || data + parity > MAX_SHARDS {
            return Err(ShardCountError { data, parity });
        }
        self.rows = parity;
        self.by_column.clear();
        for column in rows..rows + columns {
            self.by_column.extend((0..rows).map(|row| INVERSE[usize::from(column ^ row)]));
        }
        Ok(())
    }
}

/// No code has these shard counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{data} data and {parity} parity shards: both must be at least 1 and together at most {MAX_SHARDS}")]
pub struct ShardCountError {
    /// Data shards asked for.
    pub data: usize,
    /// Parity shards asked for.
    pub parity: usize,
}

/// The video matrices used last, because frame sizes repeat and a matrix costs
/// about a tenth of the encoding it is for. Most recently used first; its
/// memory is bounded (at most 16 kB each) and reused.
#[derive(Debug, Default)]
pub struct MatrixCache {
    recent: Vec<Matrix>,
}

impl MatrixCache {
    /// The matrix for these counts.
    ///
    /// # Errors
    /// [`ShardCountError`] outside of `1 ..= 255` shards in all.
    pub fn video(&mut self, data: usize, parity: usize) -> Result<&Matrix, ShardCountError> {
        match self.recent.iter().position(|matrix| matrix.rows() == parity && matrix.columns() == data) {
            Some(found) => self.recent[..=found].rotate_right(1),
            None => self.replace_oldest(data, parity)?,
        }
        Ok(&self.recent[0])
    }

    fn replace_oldest(&mut self, data: usize, parity: usize) -> Result<(), ShardCountError> {
        if self.recent.len() < CACHED {
            // Room for any, so that later ones need no more.
            let mut matrix = Matrix { rows: 0, by_column: Vec::with_capacity(MOST_COEFFICIENTS), is_video: true };
            matrix.become_video(data, parity)?;
            self.recent.push(matrix);
        } else if let Some(oldest) = self.recent.last_mut() {
            oldest.become_video(data, parity)?;
        }
        self.recent.rotate_right(1);
        Ok(())
    }
}

/// Matrices to keep: a stream's frames vary over some tens of sizes.
const CACHED: usize = 32;

/// Of 127 data and 128 parity shards.
const MOST_COEFFICIENTS: usize = (MAX_SHARDS / 2) * MAX_SHARDS.div_ceil(2);

/// Rows of the audio matrix.
const AUDIO_ROWS: [[u8; AUDIO_DATA]; AUDIO_PARITY] = [[0x77, 0x40, 0x38, 0x0E], [0xC7, 0xA7, 0x0D, 0x6C]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_counts_are_refused() {
        for (data, parity) in [(0, 1), (1, 0), (200, 56), (255, 1), (300, 1), (1, 300), (usize::MAX, 1)] {
            assert_eq!(Matrix::video(data, parity), Err(ShardCountError { data, parity }));
        }
        assert!(Matrix::video(254, 1).is_ok());
    }

    #[test]
    fn the_element_depends_on_the_parity_count() {
        assert_ne!(Matrix::video(5, 1).unwrap().at(0, 0), Matrix::video(5, 2).unwrap().at(0, 0));
    }

    #[test]
    fn cached_matrices_stay_right_when_they_are_replaced() {
        let mut cache = MatrixCache::default();
        for round in 0..3 {
            for data in 1..=CACHED + 8 {
                let parity = 1 + (data + round) % 7;
                assert_eq!(cache.video(data, parity).unwrap(), &Matrix::video(data, parity).unwrap());
                assert_eq!(cache.video(1, 1).unwrap().columns(), 1);
            }
        }
        assert_eq!(cache.recent.len(), CACHED);
        assert!(cache.video(0, 1).is_err());
    }
}
