//! What starts an app, as Wolf has it: a command line runs here, a container
//! does not.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// A runner as callers write it. It is kept and shown as they wrote it; this
/// is what it means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Runner {
    /// A command line, run by `sh -c` inside the desktop.
    Process {
        /// The command line; empty for the desktop alone.
        run_cmd: String,
        /// Ours: `NAME=value`, as containers have it.
        #[serde(default)]
        env: Vec<String>,
    },
    /// A container. Kept and shown, and not started: this host runs none.
    Docker {
        /// Name of the container.
        name: String,
        /// Image it is made of.
        image: String,
        /// Bind mounts.
        #[serde(default)]
        mounts: Vec<String>,
        /// `NAME=value`.
        #[serde(default)]
        env: Vec<String>,
        /// Device nodes.
        #[serde(default)]
        devices: Vec<String>,
        /// Published ports.
        #[serde(default)]
        ports: Vec<String>,
        /// More of Docker's own options, as JSON.
        #[serde(default)]
        base_create_json: Option<String>,
    },
    /// Another session's desktop. Kept and shown, and not started: lobbies are
    /// for that.
    ChildSession {
        /// The session.
        parent_session_id: String,
    },
}

/// A command line with what is added to its environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// For `sh -c`.
    pub command: String,
    /// Variables added to the environment of compositor and application.
    pub environment: BTreeMap<String, String>,
}

/// Why a runner is not taken, or not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunnerError {
    /// Not a runner.
    #[error("runner: {0}")]
    Malformed(String),
    /// A command line that cannot be run.
    #[error("runner: {0}")]
    Unusable(String),
    /// A container.
    #[error(
        "runner: type \"docker\": containers are not supported by this host; \
         use {{\"type\":\"process\",\"run_cmd\":\"..\"}}"
    )]
    Container,
    /// Another session's desktop.
    #[error(
        "runner: type \"child_session\" is not supported by this host; create a lobby and let both sessions join it"
    )]
    ChildSession,
}

impl Runner {
    /// What a caller wrote.
    ///
    /// # Errors
    /// [`RunnerError::Malformed`], [`RunnerError::Unusable`].
    pub fn parse(written: &Value) -> Result<Self, RunnerError> {
        let runner = Self::deserialize(written).map_err(|error| RunnerError::Malformed(error.to_string()))?;
        if let Self::Process { run_cmd, env } = &runner {
            if run_cmd.contains('\0') {
                return Err(RunnerError::Unusable("run_cmd has a NUL character".into()));
            }
            let nameless = |entry: &&String| entry.starts_with('=') || entry.is_empty() || entry.contains('\0');
            if let Some(entry) = env.iter().find(nameless) {
                return Err(RunnerError::Unusable(format!("env {entry:?} has no name")));
            }
        }
        Ok(runner)
    }

    /// What there is to run.
    ///
    /// # Errors
    /// [`RunnerError::Container`], [`RunnerError::ChildSession`].
    pub fn program(&self) -> Result<Program, RunnerError> {
        match self {
            Self::Process { run_cmd, env } => {
                let split = |entry: &String| {
                    let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
                    (name.to_owned(), value.to_owned())
                };
                Ok(Program { command: run_cmd.clone(), environment: env.iter().map(split).collect() })
            }
            Self::Docker { .. } => Err(RunnerError::Container),
            Self::ChildSession { .. } => Err(RunnerError::ChildSession),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_process_is_a_command_line_with_its_environment() {
        let written = json!({"type": "process", "run_cmd": "exec foot", "env": ["A=b=c", "B="], "more": 1});
        let program = Runner::parse(&written).unwrap().program().unwrap();
        assert_eq!(program.command, "exec foot");
        let environment = [("A", "b=c"), ("B", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(program.environment, environment.into());
        for bad in [json!({"type": "process"}), json!({"type": "process", "run_cmd": "a", "env": ["=b"]}), json!(null)]
        {
            assert!(Runner::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn containers_are_understood_and_not_run() {
        let written = json!({"type": "docker", "name": "a", "image": "b", "mounts": [], "env": ["X=1"], "devices": [],
            "ports": [], "base_create_json": "{}"});
        assert_eq!(Runner::parse(&written).unwrap().program(), Err(RunnerError::Container));
        let child = json!({"type": "child_session", "parent_session_id": "1"});
        assert_eq!(Runner::parse(&child).unwrap().program(), Err(RunnerError::ChildSession));
        let error = Runner::parse(&json!({"type": "docker", "name": "a"})).unwrap_err().to_string();
        assert!(error.contains("missing field `image`"), "{error}");
        let error = Runner::parse(&json!({"type": "vm"})).unwrap_err().to_string();
        assert!(error.contains("unknown variant `vm`") && error.contains("`process`"), "{error}");
    }
}
