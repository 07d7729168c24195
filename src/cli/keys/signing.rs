//! `akta keys rotate-signing`: checkpoints signed by a new key, on a folder that no server has open.

use std::path::PathBuf;

use crate::cli::args::{KekArgs, is_data};
use crate::cli::{Failure, block_on};
use crate::config;
use crate::server;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Data folder, which no server has open
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// Folder of the guard, where it is not the data folder
    #[arg(long, env = "AKTA_GUARD", value_name = "DIR")]
    guard: Option<PathBuf>,
    #[command(flatten)]
    kek: KekArgs,
}

/// Replaces the key, and says so.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    telemetry::start("info");
    is_data(&args.data)?;
    let kek = args.kek.kek()?;
    // No trail is opened but those that are there, so names and rules of new ones do not matter.
    let settings = config::File::default().settings(true)?;
    let rotated = block_on(async {
        let done = server::alone(args.data, args.guard, kek, settings, async |node| node.rotate_signing_key().await);
        Ok(done.await?)
    });
    rotated??;
    println!("checkpoints are signed by a new key, and every trail tells of it");
    eprintln!("Hand out the new verification keys (akta keys); whoever trusts an old one can go on from it.");
    Ok(())
}
