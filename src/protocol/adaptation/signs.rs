//! What can be told of the way to the client at one moment.

/// All that the rate is decided by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signs {
    /// How long packets wait in the queue that stands, in microseconds.
    pub queue: u64,
    /// That is a guess: pings are not answered in time, and none tells why.
    pub is_silent: bool,
    /// What arrived while the queue stood, in kbit/s of datagrams.
    pub delivered: Option<f64>,
    /// What is sent, in the same.
    pub sent: f64,
    /// Part of the packets that was lost in the last fifth of a second.
    pub loss_now: f64,
    /// The same of the last second.
    pub loss: f64,
    /// The part that is always lost, whatever is sent.
    pub usual_loss: f64,
    /// The machine itself had no room to send.
    pub refused: bool,
}
