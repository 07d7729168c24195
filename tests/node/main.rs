//! A real node from outside: the binary, real RocksDB, real clients.

mod clear;
mod commands;
mod crash;
mod edits;
mod flagged;
mod foreign;
mod garbage;
mod import;
mod refusals;
mod support;
