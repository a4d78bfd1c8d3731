//! The one bounds-checked way to read and write wire bytes.
//!
//! A [`Reader`] never panics: running out of bytes is [`Truncated`]. A
//! [`Writer`] appends to a `Vec` the caller owns and reuses.

/// Wire bytes ended before the field did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ends after {have} bytes, {want} more needed")]
pub struct Truncated {
    /// Bytes left.
    pub have: usize,
    /// Bytes asked for.
    pub want: usize,
}

/// Reads fields from the front of a byte slice.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

macro_rules! read_number {
    ($($le:ident $be:ident $type:ty),* $(,)?) => {$(
        #[doc = concat!("A little-endian `", stringify!($type), "`.")]
        ///
        /// # Errors
        /// [`Truncated`].
        pub fn $le(&mut self) -> Result<$type, Truncated> {
            self.array().map(<$type>::from_le_bytes)
        }

        #[doc = concat!("A big-endian `", stringify!($type), "`.")]
        ///
        /// # Errors
        /// [`Truncated`].
        pub fn $be(&mut self) -> Result<$type, Truncated> {
            self.array().map(<$type>::from_be_bytes)
        }
    )*};
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Truncated> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Truncated { have: self.rest.len(), want: len })?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Truncated { have: self.rest.len(), want: N })?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.array().map(|[byte]| byte)
    }

    read_number! {
        u16_le u16_be u16,
        u32_le u32_be u32,
        u64_le u64_be u64,
        i16_le i16_be i16,
        f32_le f32_be f32,
    }
}

/// Appends fields to a buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

macro_rules! write_number {
    ($($le:ident $be:ident $type:ty),* $(,)?) => {$(
        #[doc = concat!("A little-endian `", stringify!($type), "`.")]
        pub fn $le(&mut self, value: $type) -> &mut Self {
            self.bytes(&value.to_le_bytes())
        }

        #[doc = concat!("A big-endian `", stringify!($type), "`.")]
        pub fn $be(&mut self, value: $type) -> &mut Self {
            self.bytes(&value.to_be_bytes())
        }
    )*};
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    write_number! {
        u16_le u16_be u16,
        u32_le u32_be u32,
        u64_le u64_be u64,
        i16_le i16_be i16,
        f32_le f32_be f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_back() {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).u8(1).u16_le(0x0203).u32_be(4).i16_be(-5).f32_le(1.5).bytes(b"end");
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16_le(), Ok(0x0203));
        assert_eq!(reader.u32_be(), Ok(4));
        assert_eq!(reader.i16_be(), Ok(-5));
        assert_eq!(reader.f32_le(), Ok(1.5));
        assert_eq!(reader.rest(), b"end");
    }

    #[test]
    fn running_out_says_how_much_is_missing() {
        let mut reader = Reader::new(&[1, 2]);
        assert_eq!(reader.u32_le(), Err(Truncated { have: 2, want: 4 }));
        assert_eq!(reader.u16_le(), Ok(0x0201));
        assert_eq!(reader.take(1), Err(Truncated { have: 0, want: 1 }));
    }
}
