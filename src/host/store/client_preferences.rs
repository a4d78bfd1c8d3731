//! What an operator decided for single clients: `clients/settings` of the API.
//!
//! Kept apart from the list of paired clients: losing these un-pairs nobody.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::store::kept::Kept;
use crate::host::store::versioned_file::{Format, LoadStateError, SaveStateError};
use crate::ids::ClientId;
use crate::stream_plan::PointerSpeed;

/// The preferences of all clients; cheap to clone, every clone is the same.
#[derive(Debug, Clone)]
pub struct ClientPreferences {
    kept: Arc<Kept<All>>,
}

/// What was decided for one client; the rest is as usual.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preferences {
    /// Directory that the homes of its apps are in, instead of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_state_folder: Option<String>,
    /// All else.
    #[serde(default)]
    pub settings: PartialClientSettings,
}

/// Settings in the shape of Wolf's API; what is not given stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartialClientSettings {
    /// Shown again, and no more: each client has a user of its own here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_uid: Option<u32>,
    /// Shown again, and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_gid: Option<u32>,
    /// Shown again, and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controllers_override: Option<Vec<Controller>>,
    /// Factor for relative mouse motion, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mouse_acceleration: Option<f32>,
    /// Factor for the vertical wheel, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v_scroll_acceleration: Option<f32>,
    /// Factor for the horizontal wheel, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub h_scroll_acceleration: Option<f32>,
}

/// Settings of a client; what nobody decided is at Wolf's default, and the user
/// is the one that its desktops run as.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct ClientSettings {
    /// User that its desktops run as.
    pub run_uid: u32,
    /// Group that its desktops run as.
    pub run_gid: u32,
    /// Kinds of its gamepads.
    pub controllers_override: Vec<Controller>,
    /// Factor for relative mouse motion.
    pub mouse_acceleration: f32,
    /// Factor for the vertical wheel.
    pub v_scroll_acceleration: f32,
    /// Factor for the horizontal wheel.
    pub h_scroll_acceleration: f32,
}

impl ClientSettings {
    /// What is decided, and the rest as usual for a client with this user.
    #[must_use]
    pub fn complete(decided: PartialClientSettings, uid: u32) -> Self {
        Self {
            run_uid: decided.run_uid.unwrap_or(uid),
            run_gid: decided.run_gid.unwrap_or(uid),
            controllers_override: decided.controllers_override.unwrap_or_default(),
            mouse_acceleration: decided.mouse_acceleration.unwrap_or(1.0),
            v_scroll_acceleration: decided.v_scroll_acceleration.unwrap_or(1.0),
            h_scroll_acceleration: decided.h_scroll_acceleration.unwrap_or(1.0),
        }
    }
}

/// A kind of gamepad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Controller {
    /// Microsoft's.
    Xbox,
    /// Sony's.
    Ps,
    /// Nintendo's.
    Nintendo,
    /// What the client says.
    Auto,
}

/// Why preferences are not taken.
#[derive(Debug, thiserror::Error)]
pub enum SetPreferencesError {
    /// A factor out of range.
    #[error("{name} is {value}, expected 0 to 100")]
    Factor {
        /// Which.
        name: &'static str,
        /// Its value.
        value: f32,
    },
    /// A folder that is too long.
    #[error("app_state_folder has {0} bytes, expected at most {LONGEST_FOLDER}")]
    Folder(usize),
    /// The disk refuses.
    #[error(transparent)]
    Save(#[from] SaveStateError),
}

impl ClientPreferences {
    /// Reads the preferences from `path`; an absent file has none.
    ///
    /// # Errors
    /// [`LoadStateError`]; the file is untouched.
    pub fn open(path: &Path) -> Result<Self, LoadStateError> {
        Ok(Self { kept: Arc::new(Kept::open(path, FORMAT)?) })
    }

    /// What was decided for a client.
    #[must_use]
    pub fn get(&self, client: ClientId) -> Preferences {
        self.kept.get().clients.get(&client).cloned().unwrap_or_default()
    }

    /// Lays `change` over what was decided for a client.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// [`SetPreferencesError`]; nothing is changed then.
    pub fn set(&self, client: ClientId, change: Preferences) -> Result<(), SetPreferencesError> {
        change.check()?;
        self.kept.change(|all| {
            all.clients.entry(client).or_default().overlay(change);
            Ok(())
        })
    }

    /// Forgets a client.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// [`SaveStateError`]; they are then still there.
    pub fn forget(&self, client: ClientId) -> Result<(), SaveStateError> {
        if !self.kept.get().clients.contains_key(&client) {
            return Ok(());
        }
        self.kept.change(|all| {
            all.clients.remove(&client);
            Ok(())
        })
    }
}

impl Preferences {
    fn check(&self) -> Result<(), SetPreferencesError> {
        if let Some(folder) = self.app_state_folder.as_ref().filter(|folder| folder.len() > LONGEST_FOLDER) {
            return Err(SetPreferencesError::Folder(folder.len()));
        }
        self.settings.check()
    }

    fn overlay(&mut self, change: Self) {
        self.app_state_folder = change.app_state_folder.or(self.app_state_folder.take());
        self.settings = change.settings.over(std::mem::take(&mut self.settings));
    }
}

impl PartialClientSettings {
    /// Whether all factors are in range.
    ///
    /// # Errors
    /// [`SetPreferencesError::Factor`] for the first that is not.
    pub fn check(&self) -> Result<(), SetPreferencesError> {
        let factors = [
            ("mouse_acceleration", self.mouse_acceleration),
            ("v_scroll_acceleration", self.v_scroll_acceleration),
            ("h_scroll_acceleration", self.h_scroll_acceleration),
        ];
        for (name, value) in factors.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            if !(0.0..=100.0).contains(&value) {
                return Err(SetPreferencesError::Factor { name, value });
            }
        }
        Ok(())
    }

    /// These, and `base` where they say nothing.
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        Self {
            run_uid: self.run_uid.or(base.run_uid),
            run_gid: self.run_gid.or(base.run_gid),
            controllers_override: self.controllers_override.or(base.controllers_override),
            mouse_acceleration: self.mouse_acceleration.or(base.mouse_acceleration),
            v_scroll_acceleration: self.v_scroll_acceleration.or(base.v_scroll_acceleration),
            h_scroll_acceleration: self.h_scroll_acceleration.or(base.h_scroll_acceleration),
        }
    }

    /// How fast the pointer goes.
    #[must_use]
    pub fn pointer_speed(&self) -> PointerSpeed {
        PointerSpeed {
            motion: self.mouse_acceleration.unwrap_or(1.0),
            vertical_scroll: self.v_scroll_acceleration.unwrap_or(1.0),
            horizontal_scroll: self.h_scroll_acceleration.unwrap_or(1.0),
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct All {
    clients: BTreeMap<ClientId, Preferences>,
}

const FORMAT: Format = Format { name: "earthshine client preferences", version: 1 };

const LONGEST_FOLDER: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_touches_what_it_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preferences.json");
        let client = ClientId([7; 32]);
        let preferences = ClientPreferences::open(&path).unwrap();
        let settings = |text: &str| serde_json::from_str(text).unwrap();
        let first = Preferences {
            app_state_folder: Some("shared".into()),
            settings: settings(r#"{"run_uid":1,"run_gid":2,"controllers_override":["PS","AUTO"]}"#),
        };
        preferences.set(client, first).unwrap();
        preferences
            .set(client, Preferences { settings: settings(r#"{"run_uid":3}"#), ..Preferences::default() })
            .unwrap();
        let again = ClientPreferences::open(&path).unwrap().get(client);
        assert_eq!((again.settings.run_uid, again.settings.run_gid), (Some(3), Some(2)));
        assert_eq!(again.settings.controllers_override, Some(vec![Controller::Ps, Controller::Auto]));
        assert_eq!(again.app_state_folder.as_deref(), Some("shared"));
        assert_eq!(preferences.get(ClientId([8; 32])), Preferences::default());
        preferences.forget(client).unwrap();
        preferences.forget(client).unwrap();
        assert_eq!(ClientPreferences::open(&path).unwrap().get(client), Preferences::default());
    }

    #[test]
    fn factors_have_a_range() {
        let dir = tempfile::tempdir().unwrap();
        let preferences = ClientPreferences::open(&dir.path().join("preferences.json")).unwrap();
        for value in [-1.0, 101.0, f32::NAN, f32::INFINITY] {
            let settings =
                PartialClientSettings { v_scroll_acceleration: Some(value), ..PartialClientSettings::default() };
            let error =
                preferences.set(ClientId([1; 32]), Preferences { settings, ..Preferences::default() }).unwrap_err();
            assert!(error.to_string().starts_with("v_scroll_acceleration is"), "{error}");
        }
        let folder = Some("x".repeat(256));
        assert!(
            preferences
                .set(ClientId([1; 32]), Preferences { app_state_folder: folder, ..Preferences::default() })
                .is_err()
        );
        assert_eq!(preferences.get(ClientId([1; 32])), Preferences::default());
    }
}
