//! Profiles: the people that Wolf UI lets choose from, each with a list of apps.
//!
//! They are kept for the clients of the API. What Moonlight lists is the
//! profile with the id [`MOONLIGHT_PROFILE`], which is not shown among them:
//! it is [`Apps`](crate::host::apps::Apps).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::host::apps::record::{AppRecord, AppRecordError, text_or_null, text_or_number};
use crate::host::lobbies::spec::Pin;
use crate::host::store::kept::Kept;
use crate::host::store::versioned_file::{self, Format, LoadStateError, SaveStateError};

/// All profiles; cheap to clone, every clone is the same list.
#[derive(Debug, Clone)]
pub struct Profiles {
    kept: Arc<Kept<ProfileList>>,
}

/// The profiles at one moment, in the order they were added.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ProfileList {
    /// All of them.
    pub profiles: Vec<Profile>,
}

/// One profile, in the shape that Wolf's API has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Names it.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// Name that people see.
    pub name: String,
    /// Picture that people see.
    #[serde(default, deserialize_with = "text_or_null")]
    pub icon_png_path: String,
    /// What people have to enter to choose it. Whoever asks people checks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// What they can choose then.
    pub apps: Vec<AppRecord>,
    /// Whatever else was there.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// Why a profile is not added.
#[derive(Debug, thiserror::Error)]
pub enum AddProfileError {
    /// The list that Moonlight clients see.
    #[error("{MOONLIGHT_PROFILE:?} is the list of apps that Moonlight clients see; use apps/add and apps/delete")]
    Moonlight,
    /// Its id.
    #[error("id is {0:?}, expected 1 to 64 bytes without control characters")]
    Id(String),
    /// One of its apps.
    #[error("app {title:?}: {error}")]
    App {
        /// Title of the app.
        title: String,
        /// What is wrong.
        error: AppRecordError,
    },
    /// Its size.
    #[error("the profile is {0} bytes of JSON, expected at most {MAX_BYTES}")]
    TooLong(usize),
    /// Over the limit.
    #[error("there are {MOST} profiles already; remove some of them")]
    TooMany,
    /// The disk refuses.
    #[error(transparent)]
    Save(#[from] SaveStateError),
}

impl Profiles {
    /// Reads the list from `path`; an absent file is an empty list.
    ///
    /// # Errors
    /// [`LoadStateError`]; the file is untouched.
    pub fn open(path: &Path) -> Result<Self, LoadStateError> {
        Ok(Self { kept: Arc::new(Kept::open(path, FORMAT)?) })
    }

    /// What a list with this content says.
    ///
    /// # Errors
    /// [`LoadStateError`].
    pub fn parse(path: &Path, content: &[u8]) -> Result<ProfileList, LoadStateError> {
        versioned_file::parse(path, FORMAT, content)
    }

    /// All profiles now.
    #[must_use]
    pub fn list(&self) -> Arc<ProfileList> {
        self.kept.get()
    }

    /// The first app with this id in any profile.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<AppRecord> {
        let list = self.list();
        list.profiles.iter().flat_map(|profile| &profile.apps).find(|app| app.id == id).cloned()
    }

    /// Adds a profile, in place of one that has the same id.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// [`AddProfileError`]; the list is then as it was.
    pub fn add(&self, profile: Profile) -> Result<(), AddProfileError> {
        profile.check()?;
        self.kept.change(|list| {
            match list.profiles.iter().position(|known| known.id == profile.id) {
                Some(place) => list.profiles[place] = profile,
                None if list.profiles.len() >= MOST => return Err(AddProfileError::TooMany),
                None => list.profiles.push(profile),
            }
            Ok(())
        })
    }

    /// Removes a profile; false if there is none.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// [`SaveStateError`]; the list is then as it was.
    pub fn remove(&self, id: &str) -> Result<bool, SaveStateError> {
        if !self.list().profiles.iter().any(|profile| profile.id == id) {
            return Ok(false);
        }
        self.kept.change(|list| {
            list.profiles.retain(|profile| profile.id != id);
            Ok(true)
        })
    }
}

impl Profile {
    fn check(&self) -> Result<(), AddProfileError> {
        if self.id == MOONLIGHT_PROFILE {
            return Err(AddProfileError::Moonlight);
        }
        if !(1..=64).contains(&self.id.len()) || self.id.contains(char::is_control) {
            return Err(AddProfileError::Id(self.id.chars().take(64).collect()));
        }
        for app in &self.apps {
            app.check().map_err(|error| AddProfileError::App { title: app.title.clone(), error })?;
        }
        let length = serde_json::to_vec(self).map_or(0, |json| json.len());
        if length > MAX_BYTES {
            return Err(AddProfileError::TooLong(length));
        }
        Ok(())
    }
}

/// Wolf's name for the list that Moonlight clients see.
pub const MOONLIGHT_PROFILE: &str = "moonlight-profile-id";

const FORMAT: Format = Format { name: "earthshine profiles", version: 1 };

/// The whole file stays far below what can be read again.
const MOST: usize = 64;
const MAX_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(id: &str) -> Profile {
        let app = json!({"title": "Game", "id": "g1", "runner": {"type": "docker", "name": "n", "image": "i"},
            "render_node": null, "icon_png_path": null, "start_virtual_compositor": true});
        serde_json::from_value(json!({"id": id, "name": "Ann", "pin": [1, 2, 3, 4], "apps": [app], "theme": "dark"}))
            .unwrap()
    }

    #[test]
    fn profiles_are_kept_replaced_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profiles.json");
        let profiles = Profiles::open(&path).unwrap();
        profiles.add(profile("ann")).unwrap();
        profiles.add(profile("bob")).unwrap();
        profiles.add(Profile { name: "Anna".into(), ..profile("ann") }).unwrap();
        let again = Profiles::open(&path).unwrap().list();
        assert_eq!(again.profiles.iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>(), ["Anna", "Ann"]);
        let shown = serde_json::to_value(&again.profiles[0]).unwrap();
        assert_eq!(
            (&shown["pin"], &shown["theme"], &shown["icon_png_path"]),
            (&json!([1, 2, 3, 4]), &json!("dark"), &json!(""))
        );
        assert_eq!(profiles.app("g1").unwrap().title, "Game");
        assert!(profiles.remove("ann").unwrap() && !profiles.remove("ann").unwrap());
        assert_eq!(profiles.list().profiles.len(), 1);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let profiles = Profiles::open(&dir.path().join("profiles.json")).unwrap();
        let error = |profile: Profile| profiles.add(profile).unwrap_err().to_string();
        assert!(error(profile(MOONLIGHT_PROFILE)).contains("apps/add"));
        assert!(error(profile("")).starts_with("id is"));
        let mut bad = profile("ann");
        bad.apps[0].title.clear();
        assert!(error(bad).contains("title is"));
        assert!(error(Profile { name: "x".repeat(MAX_BYTES), ..profile("ann") }).contains("bytes of JSON"));
        assert!(profiles.list().profiles.is_empty());
    }
}
