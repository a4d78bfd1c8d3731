//! From files to a checked [`Config`].
//!
//! Tables of the file are laid over the embedded defaults key by key; an
//! `[[app]]` of the file replaces the built-in one with the same title, or is
//! added. Each key is tried on its own over the defaults first, so an error
//! names the very key, its line, its value and what is allowed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::apps::AppConfig;
use super::{Config, ranges};

/// The embedded configuration.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// Why a configuration is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not TOML.
    #[error("{at}: {message}")]
    Syntax {
        /// Where.
        at: Location,
        /// What the parser said.
        message: String,
    },
    /// A key that means nothing.
    #[error("{at}: unknown key {key}; known here: {known}")]
    Unknown {
        /// Where.
        at: Location,
        /// The key, with its section.
        key: String,
        /// What there is instead.
        known: String,
    },
    /// A value of the wrong type or out of range.
    #[error("{at}: {key} = {value} is not allowed; expected {allowed}")]
    Value {
        /// Where.
        at: Location,
        /// The key, with its section.
        key: String,
        /// The value as written.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// Values that do not fit together.
    #[error("{at}: {problem}")]
    Together {
        /// Where their section begins.
        at: Location,
        /// Which, and what to do.
        problem: String,
    },
    /// An app without a title.
    #[error("{at}: this [[app]] has no title")]
    Untitled {
        /// Where.
        at: Location,
    },
    /// Two apps that clients could not tell apart.
    #[error("{at}: app \"{title}\" has the same {what} as \"{other}\"; change one of them")]
    Duplicate {
        /// Where.
        at: Location,
        /// The app.
        title: String,
        /// The other.
        other: String,
        /// `title` or `id`.
        what: &'static str,
    },
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

impl Config {
    /// The defaults, with a file's values over them.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing in the file that is not right.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::parse("", Path::new("defaults")) };
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// The defaults, with the values of `text` over them; `path` is for error
    /// messages.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing in it that is not right.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let shown = path.to_string_lossy();
        let source = Source { text, path: &shown };
        let file = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
        let values: Table = text.parse().map_err(|error| source.syntax(&error))?;
        let mut merged: Table = DEFAULTS.parse().map_err(|error| DEFAULT_SOURCE.syntax(&error))?;
        let mut apps = embedded_apps(&merged)?;
        for (section, spanned) in file.get_ref() {
            let name: &str = section.get_ref();
            match (name, spanned.get_ref(), &values[name]) {
                ("app", DeValue::Array(spans), Value::Array(values)) => {
                    let own = spans.iter().zip(values).map(|(span, value)| source.app(span, value));
                    merge_apps(&mut apps, own.collect::<Result<_, _>>()?)?;
                }
                (_, DeValue::Table(spans), Value::Table(values)) if name != "app" => {
                    source.merge_section(&mut merged, name, section.span().start, spans, values)?;
                }
                _ => return Err(source.unknown(section.span().start, name.to_owned(), SECTIONS.to_owned())),
            }
        }
        let mut config = from_table(merged).map_err(|error| DEFAULT_SOURCE.syntax(&error))?;
        config.apps = apps.into_iter().map(|(app, _)| app).collect();
        match config.api.problem() {
            Some(problem) => {
                let section = file.get_ref().keys().find(|key| key.get_ref() == "api");
                let at = source.at(section.map_or(0, |section| section.span().start));
                Err(ConfigError::Together { at, problem })
            }
            None => Ok(config),
        }
    }
}

/// A text and where it is from.
#[derive(Clone, Copy)]
struct Source<'a> {
    text: &'a str,
    path: &'a str,
}

type Found = (AppConfig, Location);

impl Source<'_> {
    fn at(&self, offset: usize) -> Location {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        Location { path: self.path.into(), line }
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let offset = error.span().map_or(0, |span| span.start);
        ConfigError::Syntax { at: self.at(offset), message: error.message().to_owned() }
    }

    fn unknown(&self, offset: usize, key: String, known: String) -> ConfigError {
        ConfigError::Unknown { at: self.at(offset), key, known }
    }

    fn value(&self, offset: usize, key: &str, value: &Value) -> ConfigError {
        let allowed = ranges::allowed(key);
        ConfigError::Value { at: self.at(offset), key: key.to_owned(), value: value.to_string(), allowed }
    }

    fn merge_section(
        &self,
        merged: &mut Table,
        section: &str,
        offset: usize,
        spans: &DeTable<'_>,
        values: &Table,
    ) -> Result<(), ConfigError> {
        let Some(Value::Table(known)) = merged.get(section).cloned() else {
            return Err(self.unknown(offset, section.to_owned(), SECTIONS.to_owned()));
        };
        for span in spans.keys() {
            let key: &str = span.get_ref();
            let offset = span.span().start;
            let name = format!("{section}.{key}");
            if !known.contains_key(key) {
                return Err(self.unknown(offset, name, join(known.keys())));
            }
            set(merged, section, key, &values[key]);
            let good = from_table(merged.clone()).is_ok_and(|config| config.key_out_of_range().is_none());
            if !good {
                return Err(self.value(offset, &name, &values[key]));
            }
        }
        Ok(())
    }

    fn app(&self, span: &Spanned<DeValue<'_>>, value: &Value) -> Result<Found, ConfigError> {
        let (DeValue::Table(spans), Value::Table(values)) = (span.get_ref(), value) else {
            return Err(self.unknown(span.span().start, "app".to_owned(), SECTIONS.to_owned()));
        };
        let begin = spans.keys().map(|key| key.span().start).min().unwrap_or(span.span().start);
        if !values.contains_key("title") {
            return Err(ConfigError::Untitled { at: self.at(begin) });
        }
        for span in spans.keys() {
            let key: &str = span.get_ref();
            let offset = span.span().start;
            let name = format!("app.{key}");
            if !APP_KEYS.contains(&key) {
                return Err(self.unknown(offset, name, APP_KEYS.join(", ")));
            }
            let alone =
                Table::from_iter([("title".to_owned(), Value::from("x")), (key.to_owned(), values[key].clone())]);
            if !app_from_table(alone).is_ok_and(|app| app.is_plausible()) {
                return Err(self.value(offset, &name, &values[key]));
            }
        }
        let app = app_from_table(values.clone()).map_err(|error| self.syntax(&error))?;
        if !app.is_plausible() {
            return Err(self.value(begin, "app.test_card", &Value::Boolean(app.test_card)));
        }
        Ok((app, self.at(begin)))
    }
}

impl AppConfig {
    /// Whether all values are in their ranges, and fit together.
    fn is_plausible(&self) -> bool {
        let absolute = |path: &Option<PathBuf>| path.as_ref().is_none_or(|path| path.is_absolute());
        let variable = |(name, value): (&String, &String)| {
            !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
        };
        (1..=64).contains(&self.title.len())
            && !self.title.contains(char::is_control)
            && self.id.is_none_or(|id| (1..=0x7fff_ffff).contains(&id.0))
            && !self.command.contains('\0')
            && (!self.test_card || self.command.is_empty())
            && self.environment.iter().all(variable)
            && absolute(&self.icon)
            && absolute(&self.working_directory)
    }
}

fn embedded_apps(defaults: &Table) -> Result<Vec<Found>, ConfigError> {
    let apps = defaults.get("app").and_then(Value::as_array).into_iter().flatten();
    apps.filter_map(Value::as_table)
        .map(|app| app_from_table(app.clone()).map(|app| (app, DEFAULT_SOURCE.at(0))))
        .collect::<Result<_, _>>()
        .map_err(|error| DEFAULT_SOURCE.syntax(&error))
}

/// Replaces by title or adds, and refuses what clients could not tell apart.
fn merge_apps(apps: &mut Vec<Found>, own: Vec<Found>) -> Result<(), ConfigError> {
    for (index, (app, at)) in own.iter().enumerate() {
        if own[..index].iter().any(|(other, _)| other.title == app.title) {
            return Err(duplicate(app, at, app, "title"));
        }
    }
    for found in own {
        match apps.iter_mut().find(|(app, _)| app.title == found.0.title) {
            Some(app) => *app = found,
            None => apps.push(found),
        }
    }
    for (index, (app, at)) in apps.iter().enumerate() {
        if let Some((other, _)) = apps[..index].iter().find(|(other, _)| other.id() == app.id()) {
            return Err(duplicate(app, at, other, "id"));
        }
    }
    Ok(())
}

fn duplicate(app: &AppConfig, at: &Location, other: &AppConfig, what: &'static str) -> ConfigError {
    ConfigError::Duplicate { at: at.clone(), title: app.title.clone(), other: other.title.clone(), what }
}

fn set(table: &mut Table, section: &str, key: &str, value: &Value) {
    if let Some(Value::Table(section)) = table.get_mut(section) {
        section.insert(key.to_owned(), value.clone());
    }
}

fn from_table(table: Table) -> Result<Config, toml::de::Error> {
    Config::deserialize(Value::Table(table))
}

fn app_from_table(table: Table) -> Result<AppConfig, toml::de::Error> {
    AppConfig::deserialize(Value::Table(table))
}

fn join<'a>(keys: impl Iterator<Item = &'a String>) -> String {
    keys.map(String::as_str).collect::<Vec<_>>().join(", ")
}

const DEFAULT_SOURCE: Source<'static> = Source { text: DEFAULTS, path: "defaults.toml" };
const SECTIONS: &str = "[host], [api], [video], [network], [desktop], [admission], [health], [limits], [[app]]";
const APP_KEYS: &[&str] =
    &["title", "id", "command", "test_card", "compositor", "gpu", "environment", "icon", "working_directory"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::GpuName;
    use crate::ids::AppId;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("my.toml"))
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_embedded_configuration_is_complete_and_in_range() {
        let config = Config::load(None).unwrap();
        assert_eq!(config.key_out_of_range(), None);
        assert!(config.apps.iter().all(AppConfig::is_plausible));
        assert_eq!(config.apps.iter().map(|app| app.title.as_str()).collect::<Vec<_>>(), ["Desktop", "Test card"]);
        assert!(config.apps[1].test_card);
    }

    #[test]
    fn a_file_overrides_single_values_and_adds_apps() {
        let config = parse(
            "[video]\nfec_percent = 30\n[desktop]\nidle_limit = 0.5\n\
             [[app]]\ntitle = \"Desktop\"\ncommand = \"weston-terminal\"\n\
             [[app]]\ntitle = \"Game\"\nid = 77\ncommand = \"game\"\ngpu = \"41:00.0\"\nenvironment = { A = \"b\" }\n",
        )
        .unwrap();
        assert_eq!(config.video.fec_percent, 30);
        assert_eq!(config.video.minimum_frame_rate, 10);
        assert_eq!(config.desktop.idle_limit.as_millis(), 500);
        let titles: Vec<_> = config.apps.iter().map(|app| app.title.as_str()).collect();
        assert_eq!(titles, ["Desktop", "Test card", "Game"]);
        assert_eq!(config.apps[0].command, "weston-terminal");
        assert_eq!(config.apps[2].id(), AppId(77));
        assert_eq!(config.apps[2].gpu, Some(GpuName::BusId("0000:41:00.0".to_owned())));
        assert_eq!((&config.video.gpu, &config.apps[0].gpu), (&GpuName::Auto, &None));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_its_neighbours() {
        let text = error("[video]\nfec_percent = 1\nfec_procent = 30\n");
        assert!(text.starts_with("my.toml:3: unknown key video.fec_procent; known here: "), "{text}");
        assert!(text.contains("fec_percent"), "{text}");
        assert!(error("[vidio]\n").starts_with("my.toml:1: unknown key vidio"));
        assert!(error("video = 3\n").starts_with("my.toml:1: unknown key video"));
        assert!(error("[[app]]\ntitle = \"a\"\ncomand = \"b\"\n").starts_with("my.toml:3: unknown key app.comand"));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        assert_eq!(
            error("[video]\nfec_percent = 300\n"),
            "my.toml:2: video.fec_percent = 300 is not allowed; expected 0 to 255"
        );
        assert_eq!(
            error("[network]\nmaximum_fec_percent = 101\n"),
            "my.toml:2: network.maximum_fec_percent = 101 is not allowed; expected 0 to 100"
        );
        assert_eq!(
            error("[host]\n\nmax_sessions = 0\n"),
            "my.toml:3: host.max_sessions = 0 is not allowed; expected 1 to 256"
        );
        assert!(error("[desktop]\ncompositor = \"kwin\"\n").contains("expected \"sway\", \"cage\" or \"labwc\""));
        assert!(error("[desktop]\nready_deadline = -1\n").contains("1 to 120 seconds"));
        assert!(error("[video]\nencoders = []\n").contains("at least one"));
        for text in ["[video]\ngpu = \"gpu1\"\n", "[[app]]\ntitle = \"a\"\ngpu = \"gpu1\"\n"] {
            assert!(error(text).contains("a render node as in \"/dev/dri/renderD129\" or a place"), "{}", error(text));
        }
        assert!(error("[[app]]\ntitle = \"a\"\nid = 0\n").starts_with("my.toml:3: app.id = 0"));
        assert!(error("[[app]]\ntitle = \"a\"\nenvironment = { \"a=b\" = \"c\" }\n").contains("app.environment"));
        assert!(error("[[app]]\ntitle = \"a\"\ntest_card = true\ncommand = \"x\"\n").contains("without a command"));
    }

    #[test]
    fn apps_that_clients_could_not_tell_apart_are_refused() {
        let twice = error("[[app]]\ntitle = \"a\"\n[[app]]\ntitle = \"a\"\n");
        assert!(twice.contains("my.toml:4: app \"a\" has the same title"), "{twice}");
        let same_id = error("[[app]]\ntitle = \"a\"\nid = 5\n[[app]]\ntitle = \"b\"\nid = 5\n");
        assert!(same_id.contains("app \"b\" has the same id as \"a\""), "{same_id}");
        assert!(error("[[app]]\ncommand = \"a\"\n").contains("my.toml:2: this [[app]] has no title"));
    }

    #[test]
    fn what_is_not_toml_is_named_with_its_line() {
        assert!(error("[video]\nfec_percent = = 3\n").starts_with("my.toml:2: "));
        assert!(matches!(Config::load(Some(Path::new("/no/such/file"))), Err(ConfigError::Read { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = parse(&text);
        }
    }
}
