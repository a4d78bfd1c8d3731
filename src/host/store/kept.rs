//! A value that outlives the host: read from memory, changed on disk first.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::store::versioned_file::{self, Format, LoadStateError, SaveStateError};

/// A kept value. Readers take a snapshot and wait for nobody.
#[derive(Debug)]
pub struct Kept<T> {
    path: PathBuf,
    format: Format,
    current: RwLock<Arc<T>>,
    /// Held while the disk is written, so that `current` never is.
    writer: Mutex<()>,
}

impl<T: Clone + Default + Serialize + DeserializeOwned> Kept<T> {
    /// Reads the value from `path`; an absent file is the default.
    ///
    /// # Errors
    /// [`LoadStateError`]; the file is untouched.
    pub fn open(path: &Path, format: Format) -> Result<Self, LoadStateError> {
        let value = versioned_file::load(path, format)?.unwrap_or_default();
        Ok(Self { path: path.into(), format, current: RwLock::new(Arc::new(value)), writer: Mutex::new(()) })
    }

    /// The value now.
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the value: on disk, and then for everybody.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// What `edit` says, or [`SaveStateError`]; the value is then as it was.
    pub fn change<R, E: From<SaveStateError>>(&self, edit: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut value = T::clone(&self.get());
        let outcome = edit(&mut value)?;
        versioned_file::save(&self.path, self.format, &value)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const FORMAT: Format = Format { name: "earthshine test", version: 1 };

    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    struct Numbers {
        numbers: Vec<u32>,
    }

    #[test]
    fn a_change_is_kept_or_did_not_happen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("numbers.json");
        let kept: Kept<Numbers> = Kept::open(&path, FORMAT).unwrap();
        let push = |kept: &Kept<Numbers>, number| {
            kept.change(|value| {
                value.numbers.push(number);
                Ok::<_, SaveStateError>(value.numbers.len())
            })
        };
        assert_eq!(push(&kept, 5).unwrap(), 1);
        assert_eq!(Kept::<Numbers>::open(&path, FORMAT).unwrap().get().numbers, [5]);
        drop(dir);
        assert!(push(&kept, 6).is_err());
        assert_eq!(kept.get().numbers, [5]);
    }
}
