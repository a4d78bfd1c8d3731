//! `/api/v1/apps`: what clients can launch.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::apps::AppConfig;
use crate::host::api::answer::ApiAnswer;
use crate::host::context::Context;

/// `GET /api/v1/apps`.
pub fn list(context: &Context) -> ApiAnswer {
    let apps: Vec<AppView<'_>> = context.config.apps.iter().map(AppView::from).collect();
    ApiAnswer::list("apps", &apps)
}

/// An app in Wolf's shape; its GStreamer fields are optional and left out.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AppView<'a> {
    title: &'a str,
    id: String,
    support_hdr: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_png_path: Option<String>,
    start_virtual_compositor: bool,
    start_audio_server: bool,
    runner: RunnerView<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
enum RunnerView<'a> {
    Process { run_cmd: &'a str },
}

impl<'a> From<&'a AppConfig> for AppView<'a> {
    fn from(app: &'a AppConfig) -> Self {
        Self {
            title: &app.title,
            id: app.id().to_string(),
            support_hdr: false,
            icon_png_path: app.icon.as_ref().map(|path| path.display().to_string()),
            start_virtual_compositor: !app.test_card,
            start_audio_server: !app.test_card,
            runner: RunnerView::Process { run_cmd: &app.command },
        }
    }
}
