//! The command line: one file per command. All but serve, demo, verify, keys, config, bench and retention run DIR are
//! clients of a server.
//!
//! Exit status: 0 good, 1 a finding, 2 usage, 3 could not run.

pub mod approval;
pub mod args;
pub mod backup;
pub mod bench;
pub mod config;
pub mod controller;
pub mod demo;
pub mod export;
pub mod filter;
pub mod grant;
pub mod hold;
pub mod identity;
pub mod import;
pub mod incident;
pub mod keys;
pub mod notices;
pub mod random;
pub mod receipt;
pub mod restore;
pub mod retention;
pub mod search;
pub mod serve;
pub mod status;
pub mod text;
pub mod verify;
pub mod words;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Akta remembers who read which personal data, forgets on time, and can prove both.
#[derive(Debug, Parser)]
#[command(name = "akta", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "\
Begin with:
  akta demo                                  a school's day, its questions and the proof, in seconds
  akta serve --dev --data ./akta-data        a node to try out, on 127.0.0.1:7425

Exit status: 0 good, 1 a finding, 2 wrong usage, 3 could not run.
Logs go to stderr; AKTA_LOG sets their level (error, warn, info, debug).")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Import(import::Args),
    Export(export::Args),
    Keys(keys::Args),
    Config(config::Args),
    Search(Box<search::Args>),
    Notices(notices::Args),
    Controller(controller::Args),
    Grant(grant::Args),
    Incident(incident::Args),
    Approval(approval::Args),
    Retention(retention::Args),
    Hold(hold::Args),
    Identity(identity::Args),
    Status(status::Args),
    Verify(verify::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Bench(bench::Args),
}

/// Variables that akta reads, by their whole name: those of the flags of every command, and two that no flag shows.
pub fn variables() -> BTreeSet<String> {
    fn gather(command: &clap::Command, names: &mut BTreeSet<String>) {
        let of_flags = command.get_arguments().filter_map(clap::Arg::get_env);
        names.extend(of_flags.map(|name| name.to_string_lossy().into_owned()));
        command.get_subcommands().for_each(|command| gather(command, names));
    }
    let mut names = BTreeSet::from(["AKTA_KEK", "AKTA_LOG", "AKTA_OLD_KEK"].map(str::to_owned));
    gather(&Cli::command(), &mut names);
    names
}

/// What a command comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done, nothing to report.
    Good,
    /// Done, and something needs a look.
    Finding,
}

/// Why a command could not run; says what to do next.
#[derive(Debug)]
pub struct Failure(pub String);

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Keys(args) => keys::run(args),
        Command::Config(args) => config::run(args),
        Command::Search(args) => search::run(*args),
        Command::Notices(args) => notices::run(args),
        Command::Controller(args) => controller::run(args),
        Command::Grant(args) => grant::run(args),
        Command::Incident(args) => incident::run(args),
        Command::Approval(args) => approval::run(args),
        Command::Retention(args) => retention::run(args),
        Command::Hold(args) => hold::run(args),
        Command::Identity(args) => identity::run(args),
        Command::Status(args) => status::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Bench(args) => bench::run(args),
    };
    match outcome {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Finding) => ExitCode::from(1),
        Err(Failure(why)) => {
            text::complain(format!("akta: {why}"));
            ExitCode::from(3)
        }
    }
}

/// Runs a client's or server's work on a runtime of its own.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // A long scan whose asker is gone must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}
