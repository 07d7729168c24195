//! `akta restore`: an older copy of the history, beside the newest keyring and vault.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::args::{Ahead, KekArgs};
use super::text::{self, Progress, complain, number, say, table};
use super::{Failure, Outcome};
use crate::config;
use crate::env::SystemEntropy;
use crate::server;
use crate::store::disk::{Disk, GUARD};
use crate::store::{Database, copying};
use crate::telemetry;
use crate::trail::base::{Settings, World};
use crate::trail::copies::Copies;
use crate::trail::keyring::FILE as KEYRING;
use crate::trail::restore::{self, Went};
use crate::trail::verify::Report;

/// Restore a data folder from a copy of its history and the newest keyring and vault
///
/// HISTORY is a copy of db/, of any age; FORGETTABLE holds vault/ and keyring, and must be the newest there is: what
/// expired or was erased after the history was copied stays gone, for its keys are. Where the guard is left, give its
/// folder: the trails then tell how much is lost. Nothing is changed in either copy; DIR must not be there yet.
///
/// The trails of the copy are frozen, for records that came after it are lost, and to go on in the same trail would contradict
/// what was signed. Each controller goes on in a new one, which names the old one, its size and its root. Searches look into
/// both. Grants, incidents and requests do not hold any more: give them anew. Holds, profiles and lifetimes do.
///
/// Then everything is verified; with a finding the command exits with 1, and the folder stays under the name DIR.restoring for
/// you to look at.
///
///   akta restore /var/lib/akta --copies /backup
///   akta restore /var/lib/akta --history /backup/history-20261127T030000Z --forgettable /backup/forgettable-0000000042-000001
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Data folder to make
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// Folder of copies, as akta backup or [copies] keeps it: the newest of both sets, unless they are given
    #[arg(long, value_name = "COPIES")]
    copies: Option<PathBuf>,
    /// Copy of the history: what was db/
    #[arg(long, value_name = "HISTORY", required_unless_present = "copies")]
    history: Option<PathBuf>,
    /// Newest copy of vault/ and keyring
    #[arg(long, value_name = "FORGETTABLE", required_unless_present = "copies")]
    forgettable: Option<PathBuf>,
    /// Folder of the guard, where it is not in FORGETTABLE; without any the trails cannot tell how much is lost
    #[arg(long, env = "AKTA_GUARD", value_name = "DIR")]
    guard: Option<PathBuf>,
    #[command(flatten)]
    kek: KekArgs,
    #[command(flatten)]
    ahead: Ahead,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Copies, freezes, goes on, verifies.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    telemetry::start("info");
    let aside = aside(&args.data);
    for folder in [&args.data, &aside] {
        if folder.exists() {
            let remedy = "give a folder that is not there, or remove it";
            return Err(Failure(format!("{} is there already: {remedy}", folder.display())));
        }
    }
    let kek = args.kek.kek()?;
    copy(&sets(&args)?, &args, &aside)?;
    let settings = config::File::default().settings(true)?;
    let settings = Settings { new_guard: !aside.join(GUARD).exists(), ..settings };
    let lock = server::lock(&aside)?;
    restore::freeze(Disk::open(&aside, None)?.db.as_ref(), &SystemEntropy)?;
    let disk = Disk::open(&aside, None)?;
    let world = World { clock: args.ahead.clock(), entropy: Arc::new(SystemEntropy) };
    let progress = Progress::new();
    let done = restore::apply(disk, kek, settings, world, |origin, done, of| progress.show(origin, done, of))?;
    progress.done();
    drop(lock);
    let good = done.report.findings.is_empty();
    if good {
        copying::name(&aside, &args.data)?;
    }
    show(&args, &done.went, &done.report);
    if good {
        return Ok(Outcome::Good);
    }
    complain(format!("what was restored is not as it was recorded, and stays in {}", aside.display()));
    Ok(Outcome::Finding)
}

fn aside(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".restoring");
    name.into()
}

/// What is restored from.
struct Sets {
    history: PathBuf,
    forgettable: PathBuf,
}

fn sets(args: &Args) -> Result<Sets, Failure> {
    let copies = args.copies.as_deref().filter(|folder| folder.is_dir()).map(Copies::at);
    let none =
        |what: &str| Failure(format!("there is no copy of {what} in the folder of copies: give it by its own flag"));
    let newest = || Ok::<_, Failure>(copies.as_ref().map(Copies::histories).transpose()?.and_then(|mut all| all.pop()));
    let history = match &args.history {
        Some(history) => history.clone(),
        None => newest()?.ok_or_else(|| none("a history"))?.path,
    };
    let forgettable = match &args.forgettable {
        Some(forgettable) => forgettable.clone(),
        None => {
            copies.as_ref().map(Copies::forgettable).transpose()?.flatten().ok_or_else(|| none("vault and keyring"))?
        }
    };
    Ok(Sets { history, forgettable })
}

/// Both copies, under a name of their own until all is done.
fn copy(sets: &Sets, args: &Args, aside: &Path) -> Result<(), Failure> {
    let vault = sets.forgettable.join(Database::Vault.folder());
    let keyring = sets.forgettable.join(KEYRING);
    for (what, there) in [
        ("a copy of a history: it has no file CURRENT", sets.history.join("CURRENT")),
        ("a forgettable set: it has no vault", vault.join("CURRENT")),
        ("a forgettable set: it has no keyring", keyring.clone()),
    ] {
        if !there.exists() {
            let folder = there.parent().unwrap_or(&there);
            return Err(Failure(format!("{} is not {what}", folder.display())));
        }
    }
    let all = copying::bytes(&sets.history)? + copying::bytes(&vault)?;
    let (progress, mut copied) = (Progress::new(), 0);
    let mut each = |bytes| {
        copied += bytes;
        progress.show("copying, bytes", copied, all);
    };
    copying::make(aside)?;
    copying::folder(&sets.history, &aside.join(Database::Db.folder()), |_| true, &mut each)?;
    copying::folder(&vault, &aside.join(Database::Vault.folder()), |_| true, &mut each)?;
    each(copying::file(&keyring, &aside.join(KEYRING))?);
    let guard = args.guard.as_ref().unwrap_or(&sets.forgettable).join(GUARD);
    if guard.exists() {
        each(copying::file(&guard, &aside.join(GUARD))?);
    }
    progress.done();
    Ok(())
}

/// What went on in what, and what is lost.
fn show(args: &Args, went: &[Went], report: &Report) {
    let findings: Vec<&str> = report.findings.iter().map(|finding| finding.what.as_str()).collect();
    if args.json {
        let trails = went.iter().map(|went| {
            json!({"controller": went.controller.as_str(), "predecessor": went.restored.predecessor.as_str(),
                   "origin": went.origin.as_str(), "records": went.restored.size,
                   "guarded": went.restored.guarded.as_ref().map(|guarded| guarded.size)})
        });
        say(text::json(&json!({"trails": trails.collect::<Vec<_>>(), "findings": findings})));
        return;
    }
    let lost = |went: &Went| match &went.restored.guarded {
        Some(guarded) => number(guarded.size.saturating_sub(went.restored.size)),
        None => "not known".to_owned(),
    };
    let rows: Vec<Vec<String>> = went
        .iter()
        .map(|went| {
            let (before, origin) = (went.restored.predecessor.to_string(), went.origin.to_string());
            vec![went.controller.to_string(), number(went.restored.size), lost(went), before, origin]
        })
        .collect();
    say(table(&["CONTROLLER", "RECORDS", "LOST", "FROZEN", "GOES ON IN"], &rows));
    for restored in went.iter().map(|went| &went.restored) {
        for gone in &restored.lost {
            say(format!("lost: {}, of which {} records were guarded", gone.origin, number(gone.size)));
        }
        for ended in &restored.ended {
            say(format!("ended meanwhile: {}", ended.origin));
        }
    }
    findings.iter().for_each(|what| say(format!("BAD   {what}")));
    if findings.is_empty() {
        say(format!(
            "\nRestored to {}. Start akta there, give grants anew, and send events again that are lost.",
            args.data.display()
        ));
    }
}
