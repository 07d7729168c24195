//! Starting the real binary, and events to send it.
#![allow(clippy::unwrap_used)]
