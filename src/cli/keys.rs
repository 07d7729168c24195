//! `akta keys`: what the keyring holds, the keys that others check with, and a fresh key-encryption key.

pub(super) mod rotate;
mod signing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::KekArgs;
use super::text::{self, number, say, table};
use super::{Failure, Outcome};
use crate::env::{SystemEntropy, random};
use crate::model::origin::Origin;
use crate::model::vkey::Vkey;
use crate::store::files::Folder;
use crate::telemetry;
use crate::trail::guard::Guard;
use crate::trail::inventory::{Count, Inventory};
use crate::trail::keyring::Keyring;

/// Show what the keyring of a data folder holds: how many keys, for which dates; never a secret one
///
/// Reads without writing, also beside a running server. A key that was destroyed leaves its place behind, so what is
/// gone is counted too.
///
/// Also shows, for each trail, the public key that its checkpoints are checked with (C2SP vkey: NAME+ID+KEY; the name
/// is the trail's origin, the key is the same for all trails of a node), and those that signed before. Hand it out early, by another way than the
/// evidence: akta verify --vkey and any checker of signed notes take it as it is.
///
///   akta keys ./akta-data --dev
///   akta keys /var/lib/akta --kek-file /etc/akta/kek --json
///   akta keys new-kek > /etc/akta/kek
///   akta keys rotate-kek /var/lib/akta --kek-file /etc/akta/kek --old-kek-file /etc/akta/kek.old
///   akta keys rotate-signing /var/lib/akta --kek-file /etc/akta/kek
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Data folder
    #[arg(value_name = "DIR", required = true)]
    data: Option<PathBuf>,
    /// Folder of the guard, which knows the trails, where it is not the data folder
    #[arg(long, env = "AKTA_GUARD", value_name = "DIR")]
    guard: Option<PathBuf>,
    #[command(flatten)]
    kek: KekArgs,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a fresh key-encryption key: 32 random bytes as base64
    ///
    /// Give it to akta serve as kek_file, AKTA_KEK_FILE or AKTA_KEK. Whoever has it and the data folder can read
    /// everything; without it nobody can read anything. Keep it apart from the data, and keep a copy.
    NewKek,
    /// Seal the keyring under another key-encryption key; nothing else changes, and no record is written anew
    ///
    /// --kek-file, --kek-kms-file or AKTA_KEK give the new key, --old-kek-file, --old-kek-kms-file or AKTA_OLD_KEK the one
    /// until now. For a folder that no server has open; a running server does it on SIGHUP when its key has changed, and at
    /// start when it is given the old key too.
    ///
    /// Stopped half-way, the keyring opens under one of the two: keep both and call it again. Afterwards destroy the old key.
    RotateKek(rotate::Args),
    /// Sign checkpoints with a new key, which the old one signs in; the old one is destroyed
    ///
    /// Every trail tells of it (notice "signing key rotated"), so that akta verify --vkey goes on from a key that you trust
    /// to the new one. For a folder that no server has open; a running server does it on SIGUSR1. Stopped half-way, the next
    /// start goes on with it. Hand out the new verification keys afterwards, and do it after each theft of a signing key.
    RotateSigning(signing::Args),
}

/// Shows the keyring, or makes a key.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match (args.command, args.data) {
        (Some(Command::NewKek), _) => new_kek(),
        (Some(Command::RotateKek(args)), _) => rotate::run(&args)?,
        (Some(Command::RotateSigning(args)), _) => signing::run(args)?,
        (None, Some(data)) => {
            telemetry::start("info");
            let (inventory, signers) = read(&data, args.guard.as_deref(), &args.kek)?;
            if args.json {
                say(text::json(&to_json(&inventory, &signers)));
            } else {
                say(to_text(&inventory, &signers));
            }
        }
        (None, None) => return Err(Failure("there is no data folder: give DIR".to_owned())),
    }
    Ok(Outcome::Good)
}

fn new_kek() {
    let key = Zeroizing::new(random::<32>(&SystemEntropy));
    let text = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(key.as_slice()));
    println!("{}", text.as_str());
    eprintln!("A key-encryption key. Keep it apart from the data, and keep a copy: without it nothing can be read.");
}

/// What the keyring holds, and the keys of each trail that was ever guarded, oldest first: of others no checkpoint was
/// signed.
fn read(data: &Path, guard: Option<&Path>, kek: &KekArgs) -> Result<(Inventory, Vec<Vec<Vkey>>), Failure> {
    if !data.join("keyring").is_file() {
        return Err(Failure(format!("{} is not a data folder: it has no keyring", data.display())));
    }
    // Which generation the store has used stands in db/, which is left alone: a server may have it open.
    let keyring = Keyring::open_read_only(Arc::new(Folder::new(data)), kek.kek()?, 0)?;
    let guard = Guard::open(Arc::new(Folder::new(guard.unwrap_or(data))))?;
    if guard.is_none() {
        eprintln!("no guard there, so nobody knows which trails there are: give its folder with --guard");
    }
    let heads = guard.map(|guard| guard.heads()).transpose()?.unwrap_or_default();
    let vkeys = heads.keys().filter_map(|origin| Some(keyring.vkeys(&Origin::parse(origin)?)));
    Ok((keyring.inventory(), vkeys.collect()))
}

fn to_text(inventory: &Inventory, signers: &[Vec<Vkey>]) -> String {
    let sealed = if inventory.dev { "the public key of --dev: protects nothing" } else { "a key-encryption key" };
    let count = |count: Count| format!("{}, {} destroyed", number(count.keys as u64), number(count.destroyed as u64));
    // One row a fact.
    let facts = [
        ("generation", number(inventory.generation)),
        ("sealed under", sealed.to_owned()),
        ("controller slots", count(inventory.controllers)),
        ("vault buckets", count(inventory.buckets)),
        ("holds", number(inventory.holds as u64)),
    ];
    let mut text: String = facts.iter().map(|(name, value)| format!("{name:<18}{value}\n")).collect();
    let rows: Vec<Vec<String>> = inventory
        .zones
        .iter()
        .map(|zone| {
            let dates = zone.dates;
            let numbers = [dates.keys, dates.destroyed].map(|keys| number(keys as u64));
            [zone.zone.clone(), zone.first.to_string(), zone.last.to_string()].into_iter().chain(numbers).collect()
        })
        .collect();
    text.push('\n');
    text.push_str(&match rows.is_empty() {
        true => "no date keys yet: they are made with the first trail".to_owned(),
        false => table(&["ZONE", "FIRST DATE", "LAST DATE", "KEYS", "DESTROYED"], &rows),
    });
    let (now, earlier): (Vec<_>, Vec<_>) =
        signers.iter().filter_map(|vkeys| vkeys.split_last()).map(|(now, earlier)| (now, earlier.iter().rev())).unzip();
    // Whole, to be copied: a table would cut them.
    let mut list = |title: &str, vkeys: &mut dyn Iterator<Item = &Vkey>| {
        let lines: String = vkeys.map(|vkey| format!("\n{vkey}")).collect();
        if !lines.is_empty() {
            text.push_str(&format!("\n\n{title}{lines}"));
        }
    };
    list("VERIFICATION KEYS", &mut now.into_iter());
    list("EARLIER ONES, newest first; each signed the next one in", &mut earlier.into_iter().flatten());
    text
}

fn to_json(inventory: &Inventory, signers: &[Vec<Vkey>]) -> Value {
    let one = |(now, earlier): (&Vkey, &[Vkey])| {
        let earlier: Vec<_> = earlier.iter().rev().map(Vkey::to_string).collect();
        json!({"origin": now.name(), "verification_key": now.to_string(), "earlier_verification_keys": earlier})
    };
    let vkeys: Vec<_> = signers.iter().filter_map(|vkeys| vkeys.split_last()).map(one).collect();
    let count = |count: Count| json!({"keys": count.keys, "destroyed": count.destroyed});
    let zones: Vec<_> = inventory
        .zones
        .iter()
        .map(|zone| {
            json!({"zone": zone.zone, "first": zone.first.to_string(), "last": zone.last.to_string(),
                   "keys": zone.dates.keys, "destroyed": zone.dates.destroyed})
        })
        .collect();
    json!({"generation": inventory.generation, "dev": inventory.dev, "zones": zones,
           "controller_slots": count(inventory.controllers), "vault_buckets": count(inventory.buckets),
           "holds": inventory.holds,
           "verification_keys": vkeys})
}
