//! What clients can launch: the configured apps and those that the API added.
//!
//! Readers take a snapshot and wait for nobody. Those who change the list read
//! icons and write the state file first, on a thread that may block, and
//! publish the new list then.

pub mod app;
pub mod record;
pub mod runner;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::config::apps::AppConfig;
use crate::host::apps::app::App;
use crate::host::apps::record::{AppRecord, AppRecordError};
use crate::host::gamestream::pictures;
use crate::host::store::versioned_file::{self, Format, LoadStateError, SaveStateError};
use crate::ids::AppId;

/// All apps; cheap to clone, every clone is the same list.
#[derive(Debug, Clone)]
pub struct Apps {
    inner: Arc<Inner>,
}

/// The apps at one moment, in the order clients list them.
pub type AppList = Arc<Vec<Arc<App>>>;

/// Why an app is not added.
#[derive(Debug, thiserror::Error)]
pub enum AddAppError {
    /// It makes no sense.
    #[error(transparent)]
    Record(#[from] AppRecordError),
    /// Its number belongs to another.
    #[error("id {id:?} has the same number as the app {other:?}; choose another id")]
    Taken {
        /// As asked for.
        id: String,
        /// Title of the other app.
        other: String,
    },
    /// Over the limit.
    #[error("{MOST_ADDED} apps were added already; delete some of them")]
    TooMany,
    /// The disk refuses.
    #[error(transparent)]
    Save(#[from] SaveStateError),
}

/// Why an app is not launched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchAppError {
    /// There is none with this number.
    #[error("This host has no app {0}. Refresh the list of apps.")]
    Unknown(AppId),
    /// Its runner is of a kind that does not run here.
    #[error("{title} cannot be started: {reason}")]
    NotHere {
        /// Title of the app.
        title: String,
        /// Why not, and what to do.
        reason: String,
    },
}

impl Apps {
    /// The configured apps and those in the state file at `path`; an absent
    /// file adds none. Reads icons.
    ///
    /// # Errors
    /// [`LoadStateError`]; the file is untouched.
    pub fn open(path: &Path, configured: &[AppConfig]) -> Result<Self, LoadStateError> {
        Self::with_file(path, versioned_file::load(path, FORMAT)?.unwrap_or_default(), configured)
    }

    /// The apps in the `content` of the file at `path`, which is not read.
    ///
    /// # Errors
    /// [`LoadStateError`].
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self, LoadStateError> {
        Self::with_file(path, versioned_file::parse(path, FORMAT, content)?, &[])
    }

    fn with_file(path: &Path, file: AddedFile, configured: &[AppConfig]) -> Result<Self, LoadStateError> {
        let inconsistent = |what| LoadStateError::Inconsistent { path: path.into(), what };
        let mut added: Vec<Arc<App>> = Vec::new();
        for record in file.apps {
            let app = App::added(record).map_err(|error| inconsistent(error.to_string()))?;
            if added.iter().any(|other| other.id() == app.id()) {
                return Err(inconsistent(format!("two apps have the number {}", app.id())));
            }
            added.push(Arc::new(app));
        }
        let lists = Lists::new(configured.iter().map(|app| Arc::new(App::configured(app))).collect(), added);
        let inner = Inner {
            path: path.into(),
            current: RwLock::new(lists),
            writer: Mutex::new(()),
            default_picture: pictures::default_picture(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// All apps now.
    #[must_use]
    pub fn list(&self) -> AppList {
        Arc::clone(&self.inner.current.read().unwrap_or_else(PoisonError::into_inner).visible)
    }

    /// The app with this number.
    #[must_use]
    pub fn get(&self, id: AppId) -> Option<Arc<App>> {
        self.list().iter().find(|app| app.id() == id).cloned()
    }

    /// The app that the API calls so.
    #[must_use]
    pub fn find(&self, api_id: &str) -> Option<Arc<App>> {
        self.list().iter().find(|app| app.record().id == api_id).cloned()
    }

    /// What a session of an app runs.
    ///
    /// # Errors
    /// [`LaunchAppError`] with a text for the user.
    pub fn launchable(&self, id: AppId) -> Result<AppConfig, LaunchAppError> {
        self.get(id).ok_or(LaunchAppError::Unknown(id))?.launchable()
    }

    /// What clients show for an app, or some picture for one that is not known:
    /// clients want an image, not an error.
    #[must_use]
    pub fn picture(&self, id: AppId) -> Bytes {
        self.get(id).map_or_else(|| self.inner.default_picture.clone(), |app| app.picture().clone())
    }

    /// Adds an app, in place of one that has the same id.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// [`AddAppError`]; the list is then as it was.
    pub fn add(&self, record: AppRecord) -> Result<AppId, AddAppError> {
        let app = Arc::new(App::added(record)?);
        let id = app.id();
        self.inner.change(|lists| {
            let other = |known: &&Arc<App>| known.id() == id && known.record().id != app.record().id;
            if let Some(other) = lists.visible.iter().find(other) {
                let other = other.record().title.clone();
                return Err(AddAppError::Taken { id: app.record().id.clone(), other });
            }
            match lists.added.iter().position(|known| known.id() == id) {
                Some(place) => lists.added[place] = Arc::clone(&app),
                None if lists.added.len() >= MOST_ADDED => return Err(AddAppError::TooMany),
                None => lists.added.push(Arc::clone(&app)),
            }
            Ok(())
        })?;
        info!(app = app.record().title, %id, "app added");
        Ok(id)
    }

    /// Takes the app that the API calls so off the list. An app of the
    /// configuration is back when that is read again. Running sessions stay.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// [`SaveStateError`]; the list is then as it was.
    pub fn delete(&self, api_id: &str) -> Result<bool, SaveStateError> {
        let Some(app) = self.find(api_id) else { return Ok(false) };
        self.inner.change(|lists| {
            lists.added.retain(|added| added.id() != app.id());
            lists.hidden.insert(app.id().0);
            Ok::<_, SaveStateError>(())
        })?;
        info!(app = app.record().title, id = %app.id(), "app deleted");
        Ok(true)
    }

    /// Other configured apps from now on, all of them shown; those that the API
    /// added stay. For a configuration that is read again.
    ///
    /// Reads icons: call it from a thread that may block.
    pub fn replace_configured(&self, configured: &[AppConfig]) {
        let configured = configured.iter().map(|app| Arc::new(App::configured(app))).collect();
        let _writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let added = self.inner.snapshot().added;
        self.inner.publish(Lists::new(configured, added));
    }
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    current: RwLock<Lists>,
    /// Held while the disk is written, so that `current` never is.
    writer: Mutex<()>,
    default_picture: Bytes,
}

impl Inner {
    fn snapshot(&self) -> Lists {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish(&self, lists: Lists) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = lists;
    }

    fn change<E: From<SaveStateError>>(&self, edit: impl FnOnce(&mut Lists) -> Result<(), E>) -> Result<(), E> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lists = self.snapshot();
        edit(&mut lists)?;
        let file = AddedFile { apps: lists.added.iter().map(|app| app.record().clone()).collect() };
        versioned_file::save(&self.path, FORMAT, &file)?;
        lists.merge();
        self.publish(lists);
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct Lists {
    configured: Vec<Arc<App>>,
    added: Vec<Arc<App>>,
    /// Numbers of configured apps that the API deleted.
    hidden: BTreeSet<u32>,
    visible: AppList,
}

impl Lists {
    fn new(configured: Vec<Arc<App>>, added: Vec<Arc<App>>) -> Self {
        let mut lists = Self { configured, added, hidden: BTreeSet::new(), visible: AppList::default() };
        lists.merge();
        lists
    }

    /// An added app takes the place of a configured one with the same number.
    fn merge(&mut self) {
        let added = |id: AppId| self.added.iter().find(|app| app.id() == id);
        let is_configured = |id: AppId| self.configured.iter().any(|app| app.id() == id);
        let is_shown = |app: &&Arc<App>| added(app.id()).is_some() || !self.hidden.contains(&app.id().0);
        let configured = self.configured.iter().filter(is_shown).map(|app| added(app.id()).unwrap_or(app));
        let more = self.added.iter().filter(|app| !is_configured(app.id()));
        self.visible = Arc::new(configured.chain(more).cloned().collect());
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct AddedFile {
    apps: Vec<AppRecord>,
}

const FORMAT: Format = Format { name: "earthshine apps", version: 1 };

/// Clients load a picture of each.
const MOST_ADDED: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::apps::record::tests::record;

    fn configured() -> Vec<AppConfig> {
        ["Desktop", "Test card"].map(|title| toml::from_str(&format!("title = {title:?}")).unwrap()).into()
    }

    fn titles(apps: &Apps) -> Vec<String> {
        apps.list().iter().map(|app| app.record().title.clone()).collect()
    }

    #[test]
    fn added_apps_survive_a_restart_and_deleted_ones_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("apps.json");
        let apps = Apps::open(&path, &configured()).unwrap();
        assert_eq!(titles(&apps), ["Desktop", "Test card"]);
        assert_eq!(apps.add(record("77", "Game")).unwrap(), AppId(77));
        apps.add(record("a-uuid", "Other")).unwrap();
        assert!(apps.delete("77").unwrap() && !apps.delete("77").unwrap());
        let again = Apps::open(&path, &configured()).unwrap();
        assert_eq!(titles(&again), ["Desktop", "Test card", "Other"]);
        let other = again.find("a-uuid").unwrap();
        assert_eq!(again.launchable(other.id()).unwrap().command, "game");
        assert_eq!(apps.launchable(AppId(77)), Err(LaunchAppError::Unknown(AppId(77))));
    }

    #[test]
    fn an_added_app_takes_the_place_of_one_with_its_id() {
        let dir = tempfile::tempdir().unwrap();
        let apps = Apps::open(&dir.path().join("apps.json"), &configured()).unwrap();
        apps.add(record("5", "First")).unwrap();
        apps.add(record("5", "Second")).unwrap();
        let desktop = configured()[0].id().to_string();
        apps.add(record(&desktop, "My desktop")).unwrap();
        assert_eq!(titles(&apps), ["My desktop", "Test card", "Second"]);
        assert!(matches!(apps.add(record("05", "Third")), Err(AddAppError::Taken { .. })));
        assert_eq!(titles(&apps).len(), 3);
    }

    #[test]
    fn deleted_configured_apps_are_back_with_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let apps = Apps::open(&dir.path().join("apps.json"), &configured()).unwrap();
        apps.add(record("5", "Added")).unwrap();
        assert!(apps.delete(&configured()[0].id().to_string()).unwrap());
        assert_eq!(titles(&apps), ["Test card", "Added"]);
        apps.replace_configured(&configured()[..1]);
        assert_eq!(titles(&apps), ["Desktop", "Added"]);
    }

    #[test]
    fn what_the_disk_refuses_is_not_added() {
        let dir = tempfile::tempdir().unwrap();
        let apps = Apps::open(&dir.path().join("gone/apps.json"), &configured()).unwrap();
        let error = apps.add(record("5", "Added")).unwrap_err().to_string();
        assert!(error.contains("apps.json"), "{error}");
        assert_eq!(titles(&apps).len(), 2);
    }

    #[test]
    fn an_edited_file_that_contradicts_itself_is_refused() {
        let content = |apps: &str| format!(r#"{{"format":"earthshine apps","version":1,"apps":[{apps}]}}"#);
        let app = r#"{"title":"a","id":"5","runner":{"type":"process","run_cmd":""}}"#;
        let parse = |apps: &str| Apps::parse(Path::new("apps.json"), content(apps).as_bytes());
        assert!(parse(app).is_ok());
        assert!(matches!(parse(&format!("{app},{app}")), Err(LoadStateError::Inconsistent { .. })));
        assert!(matches!(parse(&app.replace("\"a\"", "\"\"")), Err(LoadStateError::Inconsistent { .. })));
    }
}
