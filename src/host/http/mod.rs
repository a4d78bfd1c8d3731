//! HTTP over any byte stream, with an owner and a deadline for every socket.
//!
//! A host of this field lost its HTTPS port to one thread that waited for
//! ever, and collected sockets in CLOSE_WAIT at one an hour. Here each
//! connection is one task that carries one request, passes through states that
//! each end by themselves ([`connection`]), and is counted against limits
//! ([`admission`]); [`server`] accepts and closes them, [`handshake`] keeps the
//! RSA work of TLS off the threads that serve everything else.

pub mod admission;
pub mod body;
pub mod connection;
pub mod handshake;
pub mod server;
mod stall;

use hyper::body::Incoming;

use self::body::ResponseBody;

/// A request as it arrives.
pub type Request = hyper::Request<Incoming>;

/// An answer.
pub type Response = hyper::Response<ResponseBody>;
