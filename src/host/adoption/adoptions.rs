//! How often something outlived its host lately.
//!
//! What makes hosts crash must not be handed from each to the next for ever.

use serde::{Deserialize, Serialize};

use crate::clock::Micros;

/// The last adoptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Adoptions(Vec<Micros>);

impl Adoptions {
    /// Notes one.
    pub(crate) fn count(&mut self) {
        self.0.push(Micros::now());
        let surplus = self.0.len().saturating_sub(MOST);
        self.0.drain(..surplus);
    }

    /// Whether another would be one too many.
    pub(crate) fn are_too_many(&self) -> bool {
        let now = Micros::now();
        self.0.iter().filter(|at| now.since(**at) < WINDOW_MICROS).count() >= MOST
    }
}

/// Adoptions within [`WINDOW_MICROS`].
const MOST: usize = 5;
const WINDOW_MICROS: u64 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_within_a_minute_are_enough() {
        let mut adoptions = Adoptions::default();
        for _ in 0..MOST {
            assert!(!adoptions.are_too_many());
            adoptions.count();
        }
        assert!(adoptions.are_too_many());
        let long_ago = Adoptions(vec![Micros(0); MOST]);
        assert_eq!(long_ago.are_too_many(), Micros::now().0 < WINDOW_MICROS);
    }
}
