//! A real node from outside: the binary, real RocksDB, real clients.

mod clear;
mod crash;
mod foreign;
mod import;
mod refusals;
mod support;
