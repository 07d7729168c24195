//! The bytes of a data folder: damaged in every way that we could think of, and judged by two programs.
//!
//! One module for each question; what modules share lies in `node` (a node in this process) and `events`.
#![allow(clippy::unwrap_used)]

mod beside;
mod events;
mod node;
#[path = "../node/skip.rs"]
mod skip;
mod stranger;
mod tamper;
