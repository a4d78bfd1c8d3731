//! How many connections there may be, in all and of one address.
//!
//! Connections over a limit are told so, or closed at once where that cannot be
//! said or would be work too; the others go on. An address has a share of less
//! than the whole, so that one that stalls cannot lock out all others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::host::life::Life;

/// Counts connections; clones count together.
#[derive(Debug, Clone)]
pub struct Admission {
    limits: ConnectionLimits,
    counts: Arc<Mutex<Counts>>,
    /// Where refusals are counted.
    life: Option<Life>,
}

/// Most connections at one time.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Of one listener.
    pub total: usize,
    /// Of one address on one listener. Many clients may share an address
    /// behind a router, so it is generous.
    pub per_address: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { total: 512, per_address: 320 }
    }
}

impl Admission {
    /// Nobody is connected yet.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self { limits, counts: Arc::default(), life: None }
    }

    /// Counts refusals there, under the names of the limits.
    #[must_use]
    pub(crate) fn counting(mut self, life: Life) -> Self {
        self.life = Some(life);
        self
    }

    /// A place for one more connection of `address`.
    ///
    /// # Errors
    /// [`Refused`] if a limit is reached.
    pub fn admit(&self, address: IpAddr) -> Result<Place, Refused> {
        self.find_place(address).inspect_err(|refused| {
            if let Some(life) = &self.life {
                life.refused(refused.limit());
            }
        })
    }

    fn find_place(&self, address: IpAddr) -> Result<Place, Refused> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= self.limits.total {
            return Err(Refused::Total(self.limits.total));
        }
        let of_address = counts.by_address.entry(address).or_default();
        if *of_address >= self.limits.per_address {
            return Err(Refused::Address(self.limits.per_address));
        }
        *of_address += 1;
        counts.total += 1;
        Ok(Place { address, counts: Arc::clone(&self.counts) })
    }

    /// Connections now.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

/// A connection's place, free again when dropped.
#[derive(Debug)]
pub struct Place {
    address: IpAddr,
    counts: Arc<Mutex<Counts>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total -= 1;
        if let Some(of_address) = counts.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// A limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// All places are taken.
    #[error("{0} connections are open here, and more are not served ({limit}). Try again.", limit = self.limit())]
    Total(usize),
    /// The address has its share.
    #[error("{0} connections of one address are open, and more are not served ({limit}). Try again.", limit = self.limit())]
    Address(usize),
}

impl Refused {
    /// The limit's name in the configuration.
    #[must_use]
    pub const fn limit(&self) -> &'static str {
        match self {
            Self::Total(_) => "limits.connections",
            Self::Address(_) => "limits.connections_per_address",
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_all_places() {
        let admission = Admission::new(ConnectionLimits { total: 3, per_address: 2 });
        let (mallory, alice) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let held = [admission.admit(mallory).unwrap(), admission.admit(mallory).unwrap()];
        assert_eq!(admission.admit(mallory).unwrap_err(), Refused::Address(2));
        let _alice = admission.admit(alice).unwrap();
        assert_eq!(admission.admit(alice).unwrap_err(), Refused::Total(3));
        drop(held);
        assert_eq!(admission.connected(), 1);
        assert!(admission.admit(mallory).is_ok());
    }

    #[test]
    fn addresses_are_forgotten_when_they_have_left() {
        let admission = Admission::new(ConnectionLimits { total: 3, per_address: 1 });
        drop(admission.admit([10, 0, 0, 1].into()).unwrap());
        assert!(admission.counts.lock().unwrap().by_address.is_empty());
    }
}
