//! RTSP over TCP: one request per connection, then the host closes.
//!
//! RTSP carries no identity. An encrypted request belongs to the connection
//! whose key opens it; a plain one to the connection its `Session` header
//! names, or to the only one at that address that is in its handshake.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::config::live::LiveConfig;
use crate::host::events::seldom::Seldom;
use crate::host::life::Life;
use crate::host::media_ports::canonical_ip;
use crate::host::places::Places;
use crate::host::sessions::command::Command;
use crate::host::sessions::directory::Directory;
use crate::host::sessions::ticket::{ControlTerms, RtspSide, Ticket};
use crate::protocol::rtsp::handshake::Event;
use crate::protocol::rtsp::message::{Progress, Request, Response, Status, parse_request};
use crate::protocol::rtsp::sealer::Opened;
use crate::protocol::rtsp::stream_parameters::StreamParameters;

/// Serves RTSP until the task is dropped. Requests over the limit are refused;
/// where so many are being refused that this is work too, clients wait.
pub(crate) async fn listen(listener: TcpListener, directory: Arc<Directory>, config: LiveConfig, life: Life) {
    let places = Places::default();
    let mut complaints = Seldom::new(1, COMPLAINT_INTERVAL);
    loop {
        let most = || config.now().limits.rtsp_connections;
        let place = places.take(|| most() + AT_THE_DOOR).await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let full = places.taken() > most();
                if full {
                    life.refused("limits.rtsp_connections");
                    if complaints.allows(Instant::now()) {
                        warn!(connections = most(), "limits.rtsp_connections is reached: clients are refused");
                    }
                }
                let directory = Arc::clone(&directory);
                tokio::spawn(async move {
                    if timeout(CONNECTION_DEADLINE, serve(stream, peer, &directory, full)).await.is_err() {
                        debug!(%peer, "RTSP connection without a whole request in time");
                    }
                    drop(place);
                });
            }
            // Out of descriptors: let some connections end first.
            Err(error) => {
                warn!(%error, "RTSP accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection: one request, one answer, the end. A full host refuses.
async fn serve(mut stream: TcpStream, peer: SocketAddr, directory: &Directory, full: bool) {
    let address = canonical_ip(peer.ip());
    let mut bytes = Vec::with_capacity(4096);
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk).await {
            Ok(1..) if bytes.len() > LONGEST_REQUEST => return,
            // Clients probe the port with a connection that sends nothing.
            Ok(0) | Err(_) => return,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
        }
        match understand(&bytes, address, directory) {
            Understood::Incomplete => {}
            Understood::Foreign(reason) => {
                info!(%peer, reason, "RTSP request refused");
                return;
            }
            Understood::Request { ticket, request, sealed } => {
                let response = if full {
                    Response::new(Status::ServiceUnavailable, request.cseq())
                } else {
                    answer(&ticket, &request).await
                };
                let answer = written(&ticket, &response, sealed);
                if stream.write_all(&answer).await.is_ok() {
                    // The client reads to the end of the stream.
                    let _ = stream.shutdown().await;
                }
                return;
            }
        }
    }
}

/// What the bytes of a connection are so far.
enum Understood {
    Incomplete,
    Foreign(&'static str),
    Request { ticket: Arc<Ticket>, request: Request, sealed: bool },
}

fn understand(bytes: &[u8], peer: IpAddr, directory: &Directory) -> Understood {
    if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        open(bytes, peer, directory)
    } else {
        read(bytes, peer, directory)
    }
}

/// An encrypted request: whose key opens it?
fn open(bytes: &[u8], peer: IpAddr, directory: &Directory) -> Understood {
    let mut incomplete = false;
    for ticket in directory.at_address(peer) {
        let opened = match &mut side(&ticket).sealer {
            Some(sealer) => sealer.open(bytes),
            None => continue,
        };
        match opened {
            Ok(Opened::Complete { plain, .. }) => {
                return match parse_request(&plain) {
                    Ok(Progress::Complete { request, .. }) => Understood::Request { ticket, request, sealed: true },
                    Ok(Progress::Incomplete) | Err(_) => Understood::Foreign("sealed bytes are no request"),
                };
            }
            Ok(Opened::Incomplete) => incomplete = true,
            Err(_) => {}
        }
    }
    if incomplete { Understood::Incomplete } else { Understood::Foreign("no waiting session has its key") }
}

/// A plain request: by its session token, or by address if that says enough.
fn read(bytes: &[u8], peer: IpAddr, directory: &Directory) -> Understood {
    let request = match parse_request(bytes) {
        Ok(Progress::Complete { request, .. }) => request,
        Ok(Progress::Incomplete) => return Understood::Incomplete,
        Err(_) => return Understood::Foreign("not RTSP"),
    };
    let token = request.header("Session").map(|session| session.split(';').next().unwrap_or(session).trim().to_owned());
    let found = match token {
        Some(token) => directory.at_address(peer).into_iter().find(|ticket| ticket.session_token == token),
        None => {
            let waiting: Vec<_> =
                directory.in_handshake(peer).into_iter().filter(|ticket| side(ticket).sealer.is_none()).collect();
            if waiting.len() > 1 {
                return Understood::Foreign("several sessions wait at this address, and plain RTSP does not say which");
            }
            waiting.into_iter().next()
        }
    };
    // What was launched with rtspenc is spoken to sealed only.
    match found.filter(|ticket| side(ticket).sealer.is_none()) {
        Some(ticket) => Understood::Request { ticket, request, sealed: false },
        None => Understood::Foreign("no session waits for it"),
    }
}

/// Moves the handshake.
async fn answer(ticket: &Arc<Ticket>, request: &Request) -> Response {
    let reply = side(ticket).handshake.handle_request(request);
    debug!(session = %ticket.session, method = request.method, status = reply.response.status().code(), "RTSP");
    match reply.event {
        Some(Event::Announced(parameters)) => announced(ticket, *parameters, request, reply.response).await,
        Some(Event::Refused(error)) => {
            warn!(session = %ticket.session, %error, "ANNOUNCE refused");
            reply.response
        }
        Some(Event::Play) | None => reply.response,
    }
}

/// An answer as it is sent: sealed if the request was.
fn written(ticket: &Ticket, response: &Response, sealed: bool) -> Vec<u8> {
    let plain = response.to_bytes();
    if !sealed {
        return plain;
    }
    let sealed = side(ticket).sealer.as_mut().and_then(|sealer| sealer.seal(&plain).ok());
    sealed.unwrap_or_default()
}

/// The client has decided: its session starts the stream before it answers.
async fn announced(
    ticket: &Arc<Ticket>,
    parameters: StreamParameters,
    request: &Request,
    accepted: Response,
) -> Response {
    let terms = ControlTerms { v2: parameters.encryption.control_v2, sends_secrets: parameters.features.session_ids };
    let (reply, done) = oneshot::channel();
    let command = Command::Announced { connection: ticket.connection, parameters: Box::new(parameters), reply };
    let started = ticket.commands.send(command).await.is_ok() && done.await == Ok(true);
    if !started {
        return Response::new(Status::ServiceUnavailable, request.cseq());
    }
    // Control and media are expected from here on.
    let _ = ticket.terms.set(terms);
    accepted
}

fn side(ticket: &Ticket) -> std::sync::MutexGuard<'_, RtspSide> {
    ticket.rtsp.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From accept to close. Clients send within milliseconds and wait 15 s; the
/// start of the stream happens within this time too.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(10);

/// A full host says so now and then.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// Connections beyond the limit that are told so at the same time.
const AT_THE_DOOR: usize = 64;

/// Pause after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Frame header and largest message.
const LONGEST_REQUEST: usize = 66 * 1024;
