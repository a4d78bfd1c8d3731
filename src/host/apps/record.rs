//! An app in the shape that Wolf's API has: read from requests, kept in the
//! state file, and shown again.
//!
//! The fields of GStreamer's pipelines mean nothing here. They are kept and
//! shown as they came, like members that nobody here knows.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::config::apps::AppConfig;
use crate::gpu::{GpuName, GpuNameError};
use crate::host::apps::runner::{Program, Runner, RunnerError};
use crate::ids::AppId;

/// An app as the API shows and takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppRecord {
    /// Title that clients show, 1 to 64 bytes.
    pub title: String,
    /// Names the app in the API. Moonlight clients know it by this number, or
    /// by one made from this text.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// Shown again, and no more: HDR depends on the encoder.
    #[serde(default)]
    pub support_hdr: bool,
    /// PNG file that clients show, if it is an absolute path on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon_png_path: Option<String>,
    /// Without a compositor there is the test card.
    #[serde(default = "yes")]
    pub start_virtual_compositor: bool,
    /// Shown again, and no more: every desktop has a sound server.
    #[serde(default = "yes")]
    pub start_audio_server: bool,
    /// GPU that it draws on and is encoded on: a render node as with Wolf, or, ours, a
    /// place on the PCI bus; `auto` for the one with most room, empty for the host's
    /// default.
    #[serde(default, deserialize_with = "text_or_null")]
    pub render_node: String,
    /// Shown again, and no more.
    #[serde(default, deserialize_with = "text_or_null")]
    pub video_producer_buffer_caps: String,
    /// Shown again, and no more.
    #[serde(default, deserialize_with = "text_or_null")]
    pub h264_gst_pipeline: String,
    /// Shown again, and no more.
    #[serde(default, deserialize_with = "text_or_null")]
    pub hevc_gst_pipeline: String,
    /// Shown again, and no more.
    #[serde(default, deserialize_with = "text_or_null")]
    pub av1_gst_pipeline: String,
    /// Shown again, and no more.
    #[serde(default, deserialize_with = "text_or_null")]
    pub opus_gst_pipeline: String,
    /// What runs in it, shown again word for word.
    #[schemars(with = "Runner")]
    pub runner: Value,
    /// Whatever else was there.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// Why an app makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppRecordError {
    /// Its title.
    #[error("title is {0:?}, expected 1 to 64 bytes without control characters")]
    Title(String),
    /// Its id.
    #[error("id is {0:?}, expected 1 to 64 bytes without control characters")]
    Id(String),
    /// Its size.
    #[error("the app is {0} bytes of JSON, expected at most {MAX_BYTES}")]
    TooLong(usize),
    /// Its runner.
    #[error(transparent)]
    Runner(#[from] RunnerError),
}

impl AppRecord {
    /// A configured app in this shape.
    #[must_use]
    pub fn of(config: &AppConfig) -> Self {
        let mut runner = json!({"type": "process", "run_cmd": config.command});
        if !config.environment.is_empty() {
            runner["env"] = config.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        }
        Self {
            title: config.title.clone(),
            id: config.id().to_string(),
            support_hdr: false,
            icon_png_path: config.icon.as_ref().map(|path| path.display().to_string()),
            start_virtual_compositor: !config.test_card,
            start_audio_server: !config.test_card,
            render_node: config.gpu.as_ref().map(ToString::to_string).unwrap_or_default(),
            video_producer_buffer_caps: String::new(),
            h264_gst_pipeline: String::new(),
            hevc_gst_pipeline: String::new(),
            av1_gst_pipeline: String::new(),
            opus_gst_pipeline: String::new(),
            runner,
            more: BTreeMap::new(),
        }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// [`AppRecordError`] for the first thing that does not.
    pub fn check(&self) -> Result<(), AppRecordError> {
        let is_text = |text: &str| (1..=64).contains(&text.len()) && !text.contains(char::is_control);
        if !is_text(&self.title) {
            return Err(AppRecordError::Title(self.title.chars().take(64).collect()));
        }
        if !is_text(&self.id) {
            return Err(AppRecordError::Id(self.id.chars().take(64).collect()));
        }
        let length = serde_json::to_vec(self).map_or(0, |json| json.len());
        if length > MAX_BYTES {
            return Err(AppRecordError::TooLong(length));
        }
        Runner::parse(&self.runner)?;
        Ok(())
    }

    /// The GPU that it names, if it names one.
    ///
    /// # Errors
    /// [`GpuNameError`] if that is none.
    pub fn gpu(&self) -> Result<Option<GpuName>, GpuNameError> {
        if self.render_node.is_empty() { Ok(None) } else { self.render_node.parse().map(Some) }
    }

    /// The number that Moonlight clients know it by.
    #[must_use]
    pub fn app_id(&self) -> AppId {
        let number = self.id.parse().ok().filter(|number| (1..=0x7fff_ffff).contains(number));
        number.map_or_else(|| AppId::of_text(&self.id), AppId)
    }

    /// What a session of it runs.
    ///
    /// # Errors
    /// Why there can be none, and what to do.
    pub fn program(&self) -> Result<AppConfig, String> {
        let program = Runner::parse(&self.runner).and_then(|runner| runner.program());
        let Program { command, environment } = program.map_err(|error| error.to_string())?;
        let test_card = !self.start_virtual_compositor;
        Ok(AppConfig {
            title: self.title.clone(),
            id: Some(self.app_id()),
            command: if test_card { String::new() } else { command },
            test_card,
            compositor: None,
            gpu: self.gpu().map_err(|error| format!("render_node: {error}"))?,
            environment,
            icon: self.icon_png_path.as_ref().map(PathBuf::from).filter(|path| path.is_absolute()),
            working_directory: None,
        })
    }
}

const fn yes() -> bool {
    true
}

/// Reads a text that may be null.
///
/// # Errors
/// What the deserializer says.
pub(crate) fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads an id: they are strings, and some callers have numbers.
///
/// # Errors
/// What the deserializer says.
pub(crate) fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct TextOrNumber;

    impl Visitor<'_> for TextOrNumber {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an id as a string or a number")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }
    }

    deserializer.deserialize_any(TextOrNumber)
}

/// Far more than any app needs.
const MAX_BYTES: usize = 64 << 10;

#[cfg(test)]
pub(in crate::host) mod tests {
    use super::*;

    pub(in crate::host) fn record(id: &str, title: &str) -> AppRecord {
        serde_json::from_value(json!({"id": id, "title": title, "runner": {"type": "process", "run_cmd": "game"}}))
            .unwrap()
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        let written = json!({"title": "Game", "id": 12, "support_hdr": true, "icon_png_path": null,
            "h264_gst_pipeline": "a ! b", "render_node": null, "default_display_fps": 60,
            "runner": {"type": "docker", "name": "n", "image": "i", "env": ["HELIX_SESSION_ID=ses_1"]}});
        let record: AppRecord = serde_json::from_value(written.clone()).unwrap();
        record.check().unwrap();
        assert_eq!((record.id.as_str(), record.app_id()), ("12", AppId(12)));
        let shown = serde_json::to_value(&record).unwrap();
        assert_eq!(shown["runner"], written["runner"]);
        assert_eq!((&shown["h264_gst_pipeline"], &shown["default_display_fps"]), (&json!("a ! b"), &json!(60)));
        assert_eq!((&shown["av1_gst_pipeline"], &shown["render_node"]), (&json!(""), &json!("")));
        assert_eq!(serde_json::from_value::<AppRecord>(shown).unwrap(), record);
        assert!(record.program().unwrap_err().contains("containers are not supported by this host"));
    }

    #[test]
    fn ids_that_are_no_numbers_become_one() {
        let id = |text: &str| record(text, "x").app_id().0;
        assert_eq!(id("2147483647"), 0x7fff_ffff);
        for text in ["0", "2147483648", "-1", "a-uuid"] {
            assert!((1..=0x7fff_ffff).contains(&id(text)) && id(text) == id(text), "{text}");
        }
        assert_ne!(id("a"), id("b"));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let error = |change: &dyn Fn(&mut AppRecord)| {
            let mut record = record("1", "Game");
            change(&mut record);
            record.check().unwrap_err().to_string()
        };
        assert!(error(&|record| record.title.clear()).starts_with("title is"));
        assert!(error(&|record| record.title = "a\n".into()).starts_with("title is"));
        assert!(error(&|record| record.id = "x".repeat(65)).starts_with("id is"));
        assert!(error(&|record| record.runner = json!({"type": "process"})).contains("missing field `run_cmd`"));
        assert!(error(&|record| record.h264_gst_pipeline = "x".repeat(MAX_BYTES)).contains("bytes of JSON"));
        // Kept, because files of earlier versions may have anything there; and not launched.
        let nowhere = AppRecord { render_node: "gpu1".into(), ..record("1", "Game") };
        assert_eq!(nowhere.check(), Ok(()));
        assert!(nowhere.program().unwrap_err().starts_with("render_node: \"gpu1\" names no GPU"));
        let missing = serde_json::from_str::<AppRecord>(r#"{"id":"1"}"#).unwrap_err().to_string();
        assert!(missing.contains("missing field `title`"), "{missing}");
    }

    #[test]
    fn a_configured_app_shows_as_itself() {
        let config: AppConfig = toml::from_str(
            "title = \"Game\"\nid = 9\ngpu = \"01:00.0\"\ncommand = \"game\"\nenvironment = { A = \"b\" }",
        )
        .unwrap();
        let record = AppRecord::of(&config);
        record.check().unwrap();
        let program = record.program().unwrap();
        assert_eq!(
            (program.id(), program.command, program.environment, program.gpu),
            (AppId(9), config.command, config.environment, config.gpu)
        );
        let card: AppConfig = toml::from_str("title = \"Card\"\ntest_card = true").unwrap();
        assert!(AppRecord::of(&card).program().unwrap().test_card);
    }
}
