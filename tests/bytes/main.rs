//! The bytes: format 1 as it was frozen, read by strangers, and damaged in every way that we could think of.
//!
//! One module for each question; what they share lies in `node` (a node in this process) and `events`.
#![allow(clippy::unwrap_used)]

mod events;
mod node;
mod tamper;
