#![doc = include_str!("../ARCHITECTURE.md")]

#[cfg(feature = "server")]
pub mod env;
pub mod model;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod trail;
