//! The long forms, which take minutes and are run by `make soak` and
//! `make figures`; twenty seconds of churn are in every test run. Each prints its progress on standard
//! error and a JSON summary on standard output, and fails if it has to.

#[path = "../support/mod.rs"]
mod support;

mod churn;
mod cycles;
mod driver_faults;
mod figures;
mod keystroke;
mod killer;
mod resources;
mod visitor;
