//! The bytes of a data folder: golden, frozen by format, and damaged in every way that we could think of.
//!
//! One module for each question; what modules share lies in `node` (a node in this process), `served` (that node
//! behind the API) and `events`.
#![allow(clippy::unwrap_used)]

mod beside;
mod events;
mod expected;
mod formats;
mod freezer;
mod frozen;
mod golden;
mod node;
mod served;
mod tamper;
