//! A host that starts after a killed one goes on with what still lives.
//!
//! Every session and lobby writes down what it is, whenever that changes
//! ([`record_file`]); every desktop does so too (`desktop.json`). At the start
//! all of it is read ([`inventory`]): what is whole and runs still is adopted,
//! the rest is cleaned up. Between two hosts the [`keeper`] holds what only a
//! living process can hold, and ends everything if no host comes.

pub(crate) mod adoptions;
pub(crate) mod connection_state;
pub(crate) mod inventory;
pub(crate) mod keeper;
pub(crate) mod kept_stream;
pub(crate) mod lobby_state;
pub(crate) mod record_file;
pub(crate) mod session_state;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::store::versioned_file::Format;

/// What of the record of a session or lobby would be understood, written again
/// in the same words; `None` if nothing would.
#[must_use]
pub fn rewritten(content: &[u8]) -> Option<Vec<u8>> {
    rewrite::<session_state::SessionState>(content, session_state::FORMAT)
        .or_else(|| rewrite::<lobby_state::LobbyState>(content, lobby_state::FORMAT))
}

fn rewrite<T: Serialize + DeserializeOwned>(content: &[u8], format: Format) -> Option<Vec<u8>> {
    record_file::write(&record_file::parse::<T>(content, format).ok()?, format).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gpu::{GpuAddress, GpuName};
    use crate::host::adoption::adoptions::Adoptions;
    use crate::host::adoption::connection_state::{ConnectionState, StreamState};
    use crate::host::adoption::lobby_state::LobbyState;
    use crate::host::adoption::session_state::{DesktopState, SessionState};
    use crate::host::lobbies::home::LobbyHome;
    use crate::host::lobbies::spec::LobbySpec;
    use crate::host::sessions::ticket::ControlTerms;
    use crate::host::store::client_preferences::PartialClientSettings;
    use crate::ids::{ClientId, Generation, SessionId};
    use crate::ipc::counters_page::CountersPage;
    use crate::ipc::message::MediaKind;
    use crate::protocol::gamestream::ping::PingPayload;
    use crate::stream_plan::{EncoderFamily, StreamPlan};
    use crate::units::{FrameRate, Size};

    fn session() -> SessionState {
        SessionState {
            session: SessionId(7),
            client: ClientId([0xab; 32]),
            app: toml::from_str("title = \"Game\"\ncommand = \"game\"\nenvironment = { A = \"b\" }").unwrap(),
            mode: (Size::new(1280, 720), FrameRate::from_hz(60)),
            channels: 2,
            connections: 3,
            past_restarts: 1,
            desktop: Some(DesktopState { directory: "/run/earthshine/desktops/7-0".into(), restarts: 1 }),
            guest_home: Some(LobbyHome::default()),
            settings: PartialClientSettings::default(),
            connection: Some(connection()),
            adoptions: Adoptions::default(),
        }
    }

    fn connection() -> ConnectionState {
        ConnectionState {
            number: 3,
            unique_id: "0123456789ABCDEF".into(),
            peer: [192, 0, 2, 7].into(),
            local: [192, 0, 2, 1].into(),
            ping_payload: PingPayload::from_random([1, 2, 3, 4, 5, 6, 7, 8]),
            connect_data: 0xdead_beef,
            terms: ControlTerms { v2: true, sends_secrets: true },
            pings_suffice: false,
            without_control: false,
            lobby: None,
            stream: StreamState {
                plan: StreamPlan::small_test_card(vec![EncoderFamily::Software]),
                generation: Generation(2),
                restarts: 2,
                encoder: "nvenc".into(),
                gpu: Some(GpuAddress::at("0000:41:00.0")),
                peers: vec![(MediaKind::Video, ([192, 0, 2, 7], 50_000).into())],
                captured_before: 1000,
                page_layout: CountersPage::LAYOUT,
            },
        }
    }

    fn lobby() -> LobbyState {
        LobbyState {
            lobby: "0b8c3f6e-1d2a-4e5f-8a9b-0c1d2e3f4a5b".parse().unwrap(),
            number: 4,
            created: 1_763_750_000,
            spec: LobbySpec {
                name: "Agent".into(),
                profile: "helix-sessions".into(),
                icon: None,
                multi_user: true,
                pin: None,
                stop_when_everyone_leaves: false,
                size: Size::new(1920, 1080),
                frame_rate: FrameRate::from_hz(60),
                channels: 6,
                command: "agent".into(),
                environment: [("HELIX_SESSION_ID".to_owned(), "ses_1".to_owned())].into(),
                runner: serde_json::json!({"type": "process", "run_cmd": "agent"}),
                state_folder: "agent-ses_1".into(),
                run_uid: Some(1000),
                idempotency_key: Some("key".into()),
                lease: Some(Duration::from_secs(60)),
                created_by: Some(ClientId([0xab; 32])),
                gpu: Some(GpuName::RenderNode("/dev/dri/renderD129".into())),
            },
            home: LobbyHome::default(),
            visited: true,
            desktop: DesktopState { directory: "/run/earthshine/desktops/lobby-4-0".into(), restarts: 0 },
        }
    }

    #[test]
    fn records_are_understood_as_they_were_meant() {
        let session_record = record_file::write(&session(), session_state::FORMAT).unwrap();
        let lobby_record = record_file::write(&lobby(), lobby_state::FORMAT).unwrap();
        for record in [&session_record, &lobby_record] {
            println!("{}", String::from_utf8_lossy(record));
            assert_eq!(rewritten(record).as_ref(), Some(record));
        }
        assert_eq!(record_file::parse::<SessionState>(&session_record, session_state::FORMAT).unwrap(), session());
        assert_eq!(record_file::parse::<LobbyState>(&lobby_record, lobby_state::FORMAT).unwrap(), lobby());
    }

    #[test]
    fn records_of_no_session_and_no_lobby_are_not_understood() {
        for content in [b"".as_slice(), b"{}", br#"{"format":"earthshine session","version":1,"body":{}}"#] {
            assert_eq!(rewritten(content), None);
        }
    }
}
