//! The bytes: format 1 as it was frozen, read by strangers, and damaged in every way that we could think of.
//!
//! One module for each question; what they share lies in `support`.
#![allow(clippy::unwrap_used)]
