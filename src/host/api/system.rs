//! `/api/v1/system`, `/api/v1/encoders` and `/api/v1/capacity`: how the host is, what
//! its encoders make, and what it can still take. All of it was collected before anybody asked.

use crate::host::api::answer::ApiAnswer;
use crate::host::capacity::view::{CapacityView, Counts};
use crate::host::context::Context;

/// `GET /api/v1/system/health`, and `GET /api/v1/wolf/health`, as older
/// documents call it.
pub fn health(context: &Context) -> ApiAnswer {
    let supervision = &context.supervision;
    ApiAnswer::object(&supervision.health.view(&supervision.quarantine, supervision.capacity.quarantine_limit()))
}

/// `GET /api/v1/encoders`.
pub fn encoders(context: &Context) -> ApiAnswer {
    ApiAnswer::object(&context.encoders.view())
}

/// `GET /api/v1/capacity`.
pub fn capacity(context: &Context) -> ApiAnswer {
    ApiAnswer::object(&capacity_view(context))
}

/// What is answered.
pub(crate) fn capacity_view(context: &Context) -> CapacityView {
    let config = context.config.now();
    let host = &config.host;
    let sessions = context.sessions.list();
    let view = context.supervision.capacity.view(Counts {
        sessions: sessions.len(),
        starting: sessions.iter().filter(|session| session.state.is_starting()).count(),
        lobbies: context.lobbies.list().len(),
        max_sessions: host.max_sessions,
        max_lobbies: host.max_lobbies,
    });
    CapacityView { placement: context.placement().views(), ..view }
}
