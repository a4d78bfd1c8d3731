//! All routes: what the router serves and the schema describes.

use crate::host::api::route::Route;
use crate::host::api::{
    apps, clients, containers, host, icons, keyboard, latency, lobbies, memory, openapi, pairing, profiles, runners,
    screenshots, sessions, stream, system,
};
use crate::host::apps::record::AppRecord;
use crate::host::capacity::view::CapacityView;
use crate::host::encoders::EncodersView;
use crate::host::health::view::HealthView;
use crate::host::life::HostView;
use crate::host::lobbies::view::LobbyView;
use crate::host::profiles::Profile;
use crate::host::sessions::view::SessionView;

/// A handler as a function pointer that boxes its future.
macro_rules! boxed {
    ($handler:path) => {
        |context, input| Box::pin($handler(context, input))
    };
}

/// All routes, in the order of the documentation.
pub static ROUTES: &[Route] = &[
    Route::get("/api/v1/pair/pending", "Who waits for a PIN", pairing::pending)
        .lists::<pairing::PendingView>("requests"),
    Route::post("/api/v1/pair/client", "Enters the PIN that a client shows", boxed!(pairing::enter_pin))
        .takes::<pairing::EnteredPin>(),
    Route::post("/api/v1/unpair/client", "Forgets a client and ends its session", boxed!(clients::unpair))
        .takes::<clients::Unpair>(),
    Route::get("/api/v1/clients", "Who is paired", clients::list).lists::<clients::ClientView>("clients"),
    Route::post(
        "/api/v1/clients/settings",
        "Decides things for a client's next connection",
        boxed!(clients::update_settings),
    )
    .takes::<clients::UpdateSettings>(),
    Route::get("/api/v1/apps", "What clients can launch", apps::list).lists::<AppRecord>("apps"),
    Route::post("/api/v1/apps/add", "Adds an app, or replaces the one with its id", boxed!(apps::add))
        .takes::<AppRecord>(),
    Route::post(
        "/api/v1/apps/start",
        "Starts an app in a session's desktop, or in a session of its own, without waiting for a client",
        boxed!(runners::start_app),
    )
    .takes::<runners::StartApp>()
    .gives::<sessions::Begun>(),
    Route::post("/api/v1/apps/delete", "Takes an app off the list", boxed!(apps::delete)).takes::<apps::Delete>(),
    Route::get("/api/v1/profiles", "People that Wolf UI lets choose from", profiles::list).lists::<Profile>("profiles"),
    Route::post("/api/v1/profiles/add", "Adds a profile, or replaces the one with its id", boxed!(profiles::add))
        .takes::<Profile>(),
    Route::post("/api/v1/profiles/remove", "Removes a profile", boxed!(profiles::remove)).takes::<profiles::Remove>(),
    Route::get("/api/v1/sessions", "What streams", sessions::list).lists::<SessionView>("sessions"),
    Route::ask(
        "/api/v1/sessions/latency",
        "How long frames take, stage by stage",
        &[("session_id", "this session alone")],
        |context, query| Box::pin(std::future::ready(latency::list(context, query))),
    )
    .lists::<latency::LatencyView>("sessions"),
    Route::post(
        "/api/v1/sessions/add",
        "Begins a session with its desktop, before its client comes",
        boxed!(sessions::add),
    )
    .takes::<sessions::AddSession>()
    .gives::<sessions::Begun>(),
    Route::post("/api/v1/sessions/start", "Streams a session without RTSP", boxed!(sessions::start))
        .takes::<stream::StartStream>(),
    Route::post("/api/v1/sessions/pause", "Ends a session's connection; its desktop stays", boxed!(sessions::pause))
        .takes::<sessions::NameSession>(),
    Route::post("/api/v1/sessions/resume", "Gives a session new keys to connect with", boxed!(sessions::resume))
        .takes::<sessions::Resume>()
        .gives::<sessions::Resumed>(),
    Route::post("/api/v1/sessions/input", "Plays input as if the client had sent it", boxed!(sessions::input))
        .takes::<sessions::Input>(),
    Route::post("/api/v1/sessions/stop", "Ends a session and its app", boxed!(sessions::stop))
        .takes::<sessions::NameSession>(),
    Route::post(
        "/api/v1/sessions/configure",
        "Sends a client's next connection straight to a lobby",
        boxed!(lobbies::configure),
    )
    .takes::<lobbies::Configure>()
    .gives::<lobbies::Configured>(),
    Route::post("/api/v1/runners/start", "Runs another program in a session's desktop", boxed!(runners::start))
        .takes::<runners::StartRunner>()
        .gives::<runners::Running>(),
    Route::get("/api/v1/keyboard/state", "What clients hold down", keyboard::state)
        .lists::<keyboard::KeyboardView>("sessions"),
    Route::post("/api/v1/keyboard/reset", "Releases what a session's client holds down", boxed!(keyboard::reset))
        .takes::<sessions::NameSession>()
        .gives::<keyboard::Reset>(),
    Route::get("/api/v1/lobbies", "Desktops that outlive their visitors", lobbies::list).lists::<LobbyView>("lobbies"),
    Route::post("/api/v1/lobbies/create", "Starts a lobby; answers when its desktop is up", boxed!(lobbies::create))
        .takes::<lobbies::CreateLobby>()
        .gives::<lobbies::Created>(),
    Route::post(
        "/api/v1/lobbies/join",
        "Moves a session to a lobby; answers when its picture comes from there",
        boxed!(lobbies::join),
    )
    .takes::<lobbies::Join>(),
    Route::post("/api/v1/lobbies/leave", "Moves a session back", boxed!(lobbies::leave)).takes::<lobbies::Leave>(),
    Route::post("/api/v1/lobbies/renew", "Puts off the end of a lease", boxed!(lobbies::renew))
        .takes::<lobbies::Renew>(),
    Route::post("/api/v1/lobbies/stop", "Ends a lobby", boxed!(lobbies::stop)).takes::<lobbies::Stop>(),
    Route::get("/api/v1/system/health", "Whether new streams would work, and all threads", system::health)
        .gives::<HealthView>(),
    Route::get("/api/v1/wolf/health", "The same, by its older name", system::health).gives::<HealthView>(),
    Route::get("/api/v1/encoders", "What the encoders make, as their drivers say", system::encoders)
        .gives::<EncodersView>(),
    Route::get("/api/v1/capacity", "What runs, what it uses, and what still fits", system::capacity)
        .gives::<CapacityView>(),
    Route::listen(
        "/api/v1/events",
        "What happens, as server-sent events",
        &[
            ("after", "Number of an event: those after it are repeated first"),
            ("instance", "Start of the host that `after` is of; of another, all are repeated"),
        ],
    ),
    Route::post(
        "/api/v1/lobbies/set-pipewire-node-id",
        "Refused: pictures come from the lobby's compositor",
        boxed!(containers::set_pipewire_node),
    )
    .takes::<containers::PipewireNode>(),
    Route::ask(
        "/api/v1/utils/get-icon",
        "Picture of an app, a profile or a lobby",
        &[("icon_path", "As the app, the profile or the lobby names it")],
        icons::get,
    )
    .gives_bytes("image/png"),
    Route::ask(
        "/api/v1/docker/images/inspect",
        "Refused: this host has no containers",
        &[("image_name", "Which image")],
        containers::inspect,
    ),
    Route::post("/api/v1/docker/images/pull", "Refused: this host has no containers", boxed!(containers::pull))
        .takes::<containers::Pull>(),
    Route::ask("/api/v1/system/memory", "Who uses how much memory", &[], memory::get).gives::<memory::SystemMemory>(),
    Route::get("/api/v1/host", "What the host process is up to", host::show).gives::<HostView>(),
    Route::post("/api/v1/host/drain", "Takes nobody new, or everybody again", boxed!(host::drain))
        .takes::<host::DrainOrder>()
        .gives::<HostView>(),
    Route::post("/api/v1/host/reload", "Reads the configuration file again", boxed!(host::reload))
        .gives::<host::Reloaded>(),
    Route::post("/api/v1/host/hand-over", "Lets another process go on with what runs", boxed!(host::hand_over))
        .takes::<host::Heir>(),
    Route::ask(
        "/api/v1/sessions/{session_id}/screenshot",
        "What a session shows, as a picture",
        SCREENSHOT,
        screenshots::of_session,
    )
    .gives_bytes("image/png"),
    Route::ask(
        "/api/v1/lobbies/{lobby_id}/screenshot",
        "What a lobby shows, as a picture",
        SCREENSHOT,
        screenshots::of_lobby,
    )
    .gives_bytes("image/png"),
    Route::get("/api/v1/openapi-schema", "This description", openapi::schema).gives_json::<serde_json::Value>(),
];

const SCREENSHOT: &[(&str, &str)] =
    &[("format", "png (the usual), jpeg or webp"), ("width", "Pixels in a row, if fewer than there are")];
