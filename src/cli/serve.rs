//! `akta serve`: runs a node.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use super::args::KekArgs;
use super::{Failure, Outcome, block_on};
use crate::config::{self, Listen, Size};
use crate::server::{Options, Server};
use crate::telemetry;
use crate::trail::base::Settings;

/// Run a node: take events, keep them, answer questions
///
/// With --dev it serves everything in plaintext on loopback, makes its keys on first start (they are public: for
/// trying out only) and opens a trail for every controller it hears of. Without --dev it needs a configuration with
/// at least data, authority and controllers, and a key-encryption key. A policy file that it names must be sound.
///
/// Prints "listening NAME ADDRESS" on stdout for each listener once it serves. SIGTERM or Ctrl-C ends it cleanly;
/// kill -9 loses nothing that was acknowledged. SIGHUP has it read the certificates again at once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Configuration file (TOML)
    #[arg(long, env = "AKTA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder; made if it is missing
    #[arg(long, env = "AKTA_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen for everything: ADDRESS:PORT (port 0 takes a free one) or unix:PATH; goes before the listeners
    /// of the configuration file; 127.0.0.1:7425 unless set
    #[arg(long, env = "AKTA_LISTEN", value_name = "ADDRESS")]
    listen: Option<Listen>,
    /// Folder of the file "guard", better on another volume; the data folder unless set
    #[arg(long, env = "AKTA_GUARD", value_name = "DIR")]
    guard: Option<PathBuf>,
    /// Begin a new guard where the old one is lost for good: what it would have noticed is not noticed any more
    #[arg(long)]
    new_guard: bool,
    /// Free space of the volume below which no event is taken, for example "512 MiB"; unless set, an eighth of
    /// the volume, at least 256 MiB and at most 512 MiB
    #[arg(long, env = "AKTA_DISK_RESERVE", value_name = "SIZE")]
    disk_reserve: Option<Size>,
    #[command(flatten)]
    kek: KekArgs,
}

/// Runs until it is told to stop.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    telemetry::start("info");
    let mut file = args.config.as_deref().map(config::File::read).transpose()?.unwrap_or_default();
    file.disk_reserve = args.disk_reserve.or(file.disk_reserve);
    let data = args.data.or(file.data.clone()).ok_or("there is no data folder: give --data DIR")?;
    if file.rules()?.is_some() {
        tracing::warn!("the policy is sound, but callers are not told apart yet: it is not in force");
    }
    let listen = config::listen::ways(args.listen.as_ref(), &file).map_err(|wrong| wrong.join("; "))?;
    let options = Options {
        data,
        guard: args.guard.or(file.guard.clone()),
        listen,
        kek: args.kek.kek(file.kek_file.clone())?,
        settings: Settings { new_guard: args.new_guard, ..file.settings(args.kek.dev)? },
        dev: args.kek.dev,
    };
    if options.dev {
        tracing::warn!("--dev: keys are public and everybody may do everything; never with real data");
    }
    block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let server = tokio::select! {
            started = Server::start(options) => started?,
            // Recovery may take long; it leaves nothing half done.
            _ = terminate.recv() => return Ok(Outcome::Good),
        };
        for (role, address) in server.addresses() {
            println!("listening {role} {address}");
        }
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = tokio::signal::ctrl_c() => break,
                _ = hangup.recv() => server.read_again().await,
            }
        }
        tracing::info!("stopping: calls under way may finish");
        if !server.stop().await {
            return Err(Failure("calls did not finish within the grace period; nothing acknowledged is lost".into()));
        }
        Ok(Outcome::Good)
    })
}
