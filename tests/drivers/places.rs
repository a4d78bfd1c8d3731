//! Encode sessions of all processes, by GPU: each holds the lock of a file for as long as it
//! is open.

use std::fs::File;
use std::path::Path;

/// A free place, locked, if there is one, and how many are held by others.
///
/// # Errors
/// What the file system says.
pub fn take(directory: &Path, device: u32) -> std::io::Result<(Option<File>, usize)> {
    let survey = Survey::make(directory, device)?;
    Ok((survey.free, survey.held))
}

/// How many are held.
///
/// # Errors
/// What the file system says.
pub fn held(directory: &Path, device: u32) -> std::io::Result<usize> {
    let survey = Survey::make(directory, device)?;
    // Before the gate opens: it would look held to another.
    drop(survey.free);
    Ok(survey.held)
}

struct Survey {
    free: Option<File>,
    held: usize,
    /// One survey at a time: what it tries to lock looks held to another.
    _gate: File,
}

impl Survey {
    fn make(directory: &Path, device: u32) -> std::io::Result<Self> {
        let directory = directory.join(format!("sessions-{device}"));
        std::fs::create_dir_all(&directory)?;
        let gate = File::create(directory.join("gate"))?;
        gate.lock()?;
        let (mut free, mut held) = (None, 0);
        for place in 0..PLACES {
            let file = File::create(directory.join(place.to_string()))?;
            if file.try_lock().is_err() {
                held += 1;
            } else if free.is_none() {
                free = Some(file);
            }
        }
        Ok(Self { free, held, _gate: gate })
    }
}

/// More than any test opens.
const PLACES: usize = 64;
