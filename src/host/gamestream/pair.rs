//! `GET /pair`: phases 1 to 4 over HTTP, phase 5 over HTTPS.

use crate::host::context::Context;
use crate::host::gamestream::Pairs;
use crate::host::gamestream::caller::Caller;
use crate::host::gamestream::reply::Reply;
use crate::host::pairing::PairingError;
use crate::host::pairing::pending::PairingKey;
use crate::protocol::gamestream::answer;
use crate::protocol::gamestream::query::Query;
use crate::protocol::pairing::request::PairRequest;

/// One phase. Phase 1 answers when the PIN is there.
pub async fn answer(context: &Context, caller: Caller, pairs: &Pairs) -> Reply {
    let request = match PairRequest::parse(pairs) {
        Ok(request) => request,
        Err(error) => return Reply::Xml(answer::not_paired(400, &error.to_string())),
    };
    let query = Query::new(pairs);
    let key = pairing_key(caller, query);
    let pairings = &context.pairings;
    let outcome = match request {
        PairRequest::GetServerCert { salt, certificate } => pairings
            .begin(key, caller.ends.local, salt, *certificate)
            .await
            .map(|()| Some(("plaincert", hex::encode(context.identity.certificate_pem())))),
        PairRequest::ClientChallenge(challenge) => {
            pairings.answer_challenge(&key, &challenge).map(|answer| Some(("challengeresponse", hex::encode(answer))))
        }
        PairRequest::ServerChallengeResponse(response) => {
            pairings.reveal(&key, response).await.map(|secret| Some(("pairingsecret", hex::encode(secret))))
        }
        PairRequest::ClientPairingSecret { secret, signature } => {
            pairings.verify(&key, secret, signature, device_name(query)).await.map(|()| None)
        }
        PairRequest::PairChallenge => return prove_paired(context, caller),
    };
    Reply::Xml(match outcome {
        Ok(element) => answer::paired(element.as_ref().map(|(name, value)| (*name, value.as_str()))),
        Err(error) => answer::not_paired(status(&error), &error.to_string()),
    })
}

/// What the requests of one pairing have in common.
pub fn pairing_key(caller: Caller, query: Query<'_>) -> PairingKey {
    PairingKey::new(query.get("uniqueid").unwrap_or_default(), caller.ends.peer)
}

/// Phase 5: the TLS handshake has proven it, or not.
fn prove_paired(context: &Context, caller: Caller) -> Reply {
    Reply::Xml(match caller.paired(&context.clients) {
        Some(_) => answer::paired(None),
        None => answer::not_paired(401, "this certificate is not paired"),
    })
}

fn device_name(query: Query<'_>) -> String {
    let name = query.get("devicename").unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

/// A wrong PIN is no error of the host: clients expect status 200 with it.
const fn status(error: &PairingError) -> u32 {
    match error {
        PairingError::Verify(_) => 200,
        PairingError::NoPin | PairingError::OutOfOrder => 400,
        PairingError::Begin(_)
        | PairingError::Save(_)
        | PairingError::Random(_)
        | PairingError::Sign
        | PairingError::Stopping(_) => 503,
    }
}

const MAX_NAME: usize = 64;
