//! One app: as the API knows it, and as a session runs it.

use hyper::body::Bytes;

use crate::config::apps::AppConfig;
use crate::host::apps::LaunchAppError;
use crate::host::apps::record::{AppRecord, AppRecordError};
use crate::host::gamestream::pictures;
use crate::ids::AppId;

/// One app, complete with its picture.
#[derive(Debug)]
pub struct App {
    record: AppRecord,
    /// What a session of it runs, or why there can be none.
    program: Result<AppConfig, String>,
    id: AppId,
    picture: Bytes,
}

impl App {
    /// An app of the configuration. Reads its icon.
    #[must_use]
    pub fn configured(config: &AppConfig) -> Self {
        let picture = pictures::picture_of(config);
        Self { record: AppRecord::of(config), program: Ok(config.clone()), id: config.id(), picture }
    }

    /// An app that the API added. Reads its icon.
    ///
    /// # Errors
    /// [`AppRecordError`] if it makes no sense.
    pub fn added(record: AppRecord) -> Result<Self, AppRecordError> {
        record.check()?;
        let id = record.app_id();
        let program = record.program();
        let picture = match &program {
            Ok(config) => pictures::picture_of(config),
            Err(_) => pictures::drawn(id),
        };
        Ok(Self { record, program, id, picture })
    }

    /// The number that Moonlight clients know it by.
    #[must_use]
    pub const fn id(&self) -> AppId {
        self.id
    }

    /// The app as the API shows it.
    #[must_use]
    pub const fn record(&self) -> &AppRecord {
        &self.record
    }

    /// What clients show.
    #[must_use]
    pub const fn picture(&self) -> &Bytes {
        &self.picture
    }

    /// What a session of it runs.
    ///
    /// # Errors
    /// [`LaunchAppError::NotHere`].
    pub fn launchable(&self) -> Result<AppConfig, LaunchAppError> {
        let not_here =
            |reason: &String| LaunchAppError::NotHere { title: self.record.title.clone(), reason: reason.clone() };
        self.program.as_ref().cloned().map_err(not_here)
    }
}
