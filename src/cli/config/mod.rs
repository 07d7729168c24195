//! `akta config`: what a node would be started with, checked and explained.

mod check;
mod effective;
mod who_can;

use std::path::PathBuf;

use serde_json::json;

use self::effective::{Effective, From};
use super::text::{self, say, table};
use super::{Failure, Outcome};

/// An example of a configuration, which `akta config check` takes.
pub const EXAMPLE: &str = include_str!("example.toml");
/// An example of a policy, likewise.
pub const EXAMPLE_POLICY: &str = include_str!("../../../examples/two-schools/policy.toml");

/// Check the configuration of a node, show its settings and who may what, or print an example
///
/// Settings come from flags, from AKTA_* variables and from one TOML file, in this order. Who may
/// what stands in a file of its own, which the setting policy names.
///
///   akta config example > akta.toml
///   akta config example --policy > policy.toml
///   akta config check --config akta.toml
///   akta config who-can search school-1 --config akta.toml
///   akta config show --config akta.toml --listen unix:/run/akta/akta.sock
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether akta serve would start with this configuration: exit 0 if it would, 1 if not, with each remedy
    ///
    /// Reads the configuration file, the AKTA_* variables and the flags as akta serve does, the key-encryption key and
    /// the policy file; opens no data folder and no port, and asks no KMS. Notes name what serve takes all the same and
    /// somebody should look at: roles that nobody has, controllers without a contact, grants that are over.
    Check(Options),
    /// Show each setting in force and where it comes from: flag, variable, file or default; secrets are never shown
    Show(Options),
    WhoCan(Box<who_can::Args>),
    /// Print an example of a configuration file, with comments
    Example {
        /// An example of a policy file instead: two schools and their vendor
        #[arg(long)]
        policy: bool,
    },
}

/// The flags of `akta serve`. Their variables are read here and not by the parser: it would not say which of the two
/// a value came from.
#[derive(Debug, Clone, Default, clap::Args)]
struct Options {
    /// Configuration file (TOML); AKTA_CONFIG unless given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder, as akta serve takes it
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen, as akta serve takes it
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Folder of the guard, as akta serve takes it
    #[arg(long, value_name = "DIR")]
    guard: Option<PathBuf>,
    /// Free space below which no event is taken, as akta serve takes it
    #[arg(long, value_name = "SIZE")]
    disk_reserve: Option<String>,
    /// As akta serve --dev: public keys, for trying out
    #[arg(long)]
    dev: bool,
    /// File with the key-encryption key, as akta serve takes it
    #[arg(long, value_name = "FILE")]
    kek_file: Option<PathBuf>,
    /// File with the key as a KMS encrypted it, as akta serve takes it
    #[arg(long, value_name = "FILE")]
    kek_kms_file: Option<PathBuf>,
    /// JSON: of check one object, of show one object per setting
    #[arg(long)]
    json: bool,
}

/// Checks, shows or prints.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::Check(options) => run_check(&options),
        Command::Show(options) => show(&options),
        Command::WhoCan(args) => who_can::run(&args),
        Command::Example { policy } => {
            print!("{}", if policy { EXAMPLE_POLICY } else { EXAMPLE });
            Ok(Outcome::Good)
        }
    }
}

fn run_check(options: &Options) -> Result<Outcome, Failure> {
    let report = check::check(options, &effective::variables())?;
    let good = report.problems.is_empty();
    if options.json {
        say(text::json(&json!({"good": good, "problems": report.problems, "notes": report.notes})));
    } else {
        report.problems.iter().for_each(|problem| say(format!("BAD   {problem}")));
        report.notes.iter().for_each(|note| say(format!("note  {note}")));
        say(if good { "good: akta serve would start with this" } else { "akta serve would not start" });
    }
    Ok(if good { Outcome::Good } else { Outcome::Finding })
}

fn show(options: &Options) -> Result<Outcome, Failure> {
    let effective = Effective::read(options, &effective::variables())?;
    if options.json {
        for setting in &effective.settings {
            let from = (setting.from != From::Unset).then(|| setting.from.to_string());
            say(text::json(&json!({"setting": setting.name, "value": setting.value, "from": from})));
        }
    } else {
        let rows: Vec<Vec<String>> = effective
            .settings
            .iter()
            .map(|setting| {
                let value = setting.value.clone().unwrap_or_else(|| "-".to_owned());
                vec![setting.name.to_owned(), setting.from.to_string(), value]
            })
            .collect();
        say(table(&["SETTING", "FROM", "VALUE"], &rows));
    }
    Ok(Outcome::Good)
}
