//! The control stream: messages both ways, sealing, input.
//!
//! Carried by ENet, which lives at the edge. [`session`] joins the parts:
//! sealed packets in, events out; host messages in, sealed packets out.

pub mod client_session;
pub mod client_stats;
mod device_packet;
pub mod feedback;
pub mod input_event;
pub mod input_packet;
pub mod keymap;
pub mod message;
pub mod replay_window;
pub mod sealer;
pub mod session;
