#![doc = include_str!("../ARCHITECTURE.md")]

#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod env;
#[cfg(any(feature = "client", feature = "server"))]
pub mod grpc;
#[cfg(feature = "server")]
pub mod https;
#[cfg(feature = "server")]
pub mod kek;
#[cfg(feature = "server")]
pub mod metrics;
pub mod model;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "server")]
pub mod trail;
