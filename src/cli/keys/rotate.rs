//! `akta keys rotate-kek`: the keyring sealed under another key-encryption key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::Failure;
use crate::cli::args::{KekArgs, OldKekArgs};
use crate::env::SystemEntropy;
use crate::server;
use crate::store::files::{Files, Folder};
use crate::trail::keyring::{self, Kek};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Data folder, which no server has open
    #[arg(value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    new: KekArgs,
    #[command(flatten)]
    old: OldKekArgs,
}

/// Rotates, and says so.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let old = args.old.at_hand()?.ok_or("there is no old key-encryption key: give --old-kek-file or AKTA_OLD_KEK")?;
    let was_old = rotate(&args.data, &old, &args.new.kek()?)?;
    println!(
        "{}",
        if was_old {
            "the keyring is sealed under the new key"
        } else {
            "the keyring was sealed under the new key already"
        }
    );
    eprintln!(
        "Now destroy the old key wherever it is kept: whoever has it and an old copy of the keyring can open what expired since."
    );
    Ok(())
}

/// Seals the keyring of a folder under the new key; whether it was under the old one until now.
pub(in crate::cli) fn rotate(data: &Path, old: &Kek, new: &Kek) -> Result<bool, Failure> {
    if !data.join("keyring").is_file() {
        return Err(Failure(format!("{} is not a data folder: it has no keyring", data.display())));
    }
    if old == new {
        return Err(Failure(
            "the old key-encryption key and the new one are the same: make one with akta keys new-kek".to_owned(),
        ));
    }
    let _lock = server::lock(data)?;
    let files: Arc<dyn Files> = Arc::new(Folder::new(data));
    Ok(keyring::rotate(&files, old, new, &SystemEntropy)?)
}
