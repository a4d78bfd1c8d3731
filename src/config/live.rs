//! The configuration in force, which may be replaced while the host runs.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::Config;

/// The configuration in force; cheap to clone, every clone sees the same one.
#[derive(Debug, Clone)]
pub struct LiveConfig(Arc<RwLock<Arc<Config>>>);

/// What is different between two configurations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys that have other values, `app` for the list of apps.
    pub changed: Vec<String>,
    /// Those of them whose new values count after a restart only.
    pub needs_restart: Vec<String>,
}

impl LiveConfig {
    /// This one, for now.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(config))))
    }

    /// The one in force now.
    #[must_use]
    pub fn now(&self) -> Arc<Config> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in force, and tells what is different. Values that need a
    /// restart are in there too: they are read at the start only.
    pub fn replace(&self, config: Config) -> Changes {
        let config = Arc::new(config);
        let old = std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), Arc::clone(&config));
        differences(&old, &config)
    }
}

fn differences(old: &Config, new: &Config) -> Changes {
    let [old, new] = [old, new].map(|config| serde_json::to_value(config).unwrap_or_default());
    let mut changes = Changes::default();
    for (section, values) in new.as_object().into_iter().flatten() {
        let before = &old[section];
        let Value::Object(values) = values else {
            if before != values {
                changes.changed.push(section.clone());
            }
            continue;
        };
        for (key, _) in values.iter().filter(|(key, value)| before[key.as_str()] != **value) {
            let key = format!("{section}.{key}");
            if AT_THE_START.contains(&key.as_str()) || SECTIONS_AT_THE_START.contains(&section.as_str()) {
                changes.needs_restart.push(key.clone());
            }
            changes.changed.push(key);
        }
    }
    changes
}

/// Sections that are read at the start only.
const SECTIONS_AT_THE_START: &[&str] = &["api"];

/// Keys that are read at the start only.
const AT_THE_START: &[&str] = &[
    "host.name",
    "host.discovery",
    "video.encoders",
    "desktop.adopt_grace",
    "limits.connections",
    "limits.connections_per_address",
    "limits.handshakes",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_changed_is_named_and_what_needs_a_restart() {
        let config = |text: &str| Config::parse(text, Path::new("test.toml")).unwrap();
        let live = LiveConfig::new(config(""));
        assert_eq!(live.replace(config("")), Changes::default());
        let changes = live.replace(config(
            "[host]\nmax_sessions = 3\nname = \"x\"\n[desktop]\nidle_limit = 7\n[[app]]\ntitle = \"More\"\n",
        ));
        assert_eq!(changes.changed, ["app", "desktop.idle_limit", "host.max_sessions", "host.name"]);
        assert_eq!(changes.needs_restart, ["host.name"]);
        assert_eq!(live.now().host.max_sessions, 3);
    }

    #[test]
    fn keys_of_the_start_exist() {
        let defaults = serde_json::to_value(Config::parse("", Path::new("defaults")).unwrap()).unwrap();
        for key in AT_THE_START {
            let (section, name) = key.split_once('.').unwrap();
            assert!(!defaults[section][name].is_null(), "{key}");
        }
    }
}
