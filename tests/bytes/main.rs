//! The bytes of a data folder, damaged in every way that we could think of.
//!
//! One module for each question; what modules share lies in `node` (a node in this process) and `events`.
#![allow(clippy::unwrap_used)]

mod corpora;
mod events;
mod node;
mod tamper;
