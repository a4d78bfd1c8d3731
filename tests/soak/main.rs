//! The long forms: what takes minutes and is run by `make soak` and
//! `make figures`, not by `make test`. Each prints its progress on standard
//! error and a JSON summary on standard output, and fails if it has to.

#[path = "../support/mod.rs"]
mod support;

mod churn;
mod cycles;
mod figures;
mod keystroke;
mod killer;
mod resources;
mod visitor;
