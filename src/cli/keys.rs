//! `akta keys`: what the keyring holds, the keys that others check with, and a fresh key-encryption key.

pub(super) mod rotate;

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
use crate::trail::guard::Guard;
use crate::trail::inventory::{Count, Inventory};
use crate::trail::keyring::Keyring;

/// Show what the keyring of a data folder holds: how many keys, for which dates; never a secret one
///
/// Reads without writing, also beside a running server. A key that was destroyed leaves its place behind, so what is
/// gone is counted too.
///
/// Also shows, for each trail, the public key that its checkpoints are checked with (C2SP vkey: NAME+ID+KEY; the name
/// is the trail's origin, the key is the same for all trails of a node). Hand it out early, by another way than the
/// evidence: akta verify --vkey and any checker of signed notes take it as it is.
///
///   akta keys ./akta-data --dev
///   akta keys /var/lib/akta --kek-file /etc/akta/kek --json
///   akta keys new-kek > /etc/akta/kek
///   akta keys rotate-kek /var/lib/akta --kek-file /etc/akta/kek --old-kek-file /etc/akta/kek.old
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
}

/// Shows the keyring, or makes a key.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    match (args.command, args.data) {
        (Some(Command::NewKek), _) => new_kek(),
        (Some(Command::RotateKek(args)), _) => rotate::run(&args)?,
        (None, Some(data)) => {
            let (inventory, vkeys) = read(&data, args.guard.as_deref(), &args.kek)?;
            if args.json {
                say(text::json(&to_json(&inventory, &vkeys)));
            } else {
                say(to_text(&inventory, &vkeys));
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

/// What the keyring holds, and the key of each trail that was ever guarded: of others no checkpoint was signed.
fn read(data: &Path, guard: Option<&Path>, kek: &KekArgs) -> Result<(Inventory, Vec<Vkey>), Failure> {
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
    let signers = heads.keys().filter_map(|origin| keyring.signer(&Origin::parse(origin)?));
    let vkeys = signers.map(|signer| signer.vkey().clone()).collect();
    Ok((keyring.inventory(), vkeys))
}

fn to_text(inventory: &Inventory, vkeys: &[Vkey]) -> String {
    let sealed = if inventory.dev { "the public key of --dev: protects nothing" } else { "a key-encryption key" };
    let count = |count: Count| format!("{}, {} destroyed", number(count.keys as u64), number(count.destroyed as u64));
    // One row a fact; keys that come later (holds) get rows of their own.
    let facts = [
        ("generation", number(inventory.generation)),
        ("sealed under", sealed.to_owned()),
        ("controller slots", count(inventory.controllers)),
        ("vault buckets", count(inventory.buckets)),
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
    if !vkeys.is_empty() {
        text.push_str("\n\nVERIFICATION KEYS");
    }
    // Whole, to be copied: a table would cut them.
    vkeys.iter().for_each(|vkey| text.push_str(&format!("\n{vkey}")));
    text
}

fn to_json(inventory: &Inventory, vkeys: &[Vkey]) -> Value {
    let vkeys: Vec<_> =
        vkeys.iter().map(|vkey| json!({"origin": vkey.name(), "verification_key": vkey.to_string()})).collect();
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
           "verification_keys": vkeys})
}
