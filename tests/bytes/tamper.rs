//! Tampering: every family of every database and every file, damaged in every way, by seed.
//!
//! `TAMPER_SEED=17 cargo test --test bytes tamper` replays one case and prints what was done and said.
//! `AKTA_TORTURE=1` runs ten times as many.
#![allow(clippy::unwrap_used)]

mod allowed;
pub(crate) mod cells;
pub(crate) mod damage;
mod files;
pub(crate) mod folder;
pub(crate) mod judge;
mod marks;
mod rows;
mod seen;
mod table;
mod wholes;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use cells::{Cell, Damage};
use folder::Original;
use judge::{Judged, Verdict};
use table::Table;

pub(crate) static TORTURE: LazyLock<bool> = LazyLock::new(|| std::env::var_os("AKTA_TORTURE").is_some());
pub(crate) static ORIGINAL: LazyLock<Original> = LazyLock::new(|| Original::make(1));

#[test]
fn every_damage_is_named_or_does_nothing() {
    let grid = cells::grid();
    if let Ok(seed) = std::env::var("TAMPER_SEED") {
        let seed = seed.parse().unwrap();
        let judged = case(&grid, seed).unwrap();
        return println!("with keys {:?}\nwithout   {:?}", judged.with_keys, judged.without);
    }
    let rounds = if *TORTURE { 40 } else { 4 };
    let cases = rounds * grid.len() as u64;
    let (next, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let tables = Mutex::new((Table::default(), Table::default()));
    std::thread::scope(|scope| {
        // Half of the time each of them waits for the disk.
        for _ in 0..2 * std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= cases {
                        return;
                    }
                    let (cell, damage) = at(&grid, seed);
                    match case(&grid, seed) {
                        Ok(judged) => {
                            let mut tables = tables.lock().unwrap();
                            tables.0.add(cell.name(), damage, judged.with_keys.0);
                            tables.1.add(cell.name(), damage, judged.without.0);
                        }
                        Err(why) => failures.lock().unwrap().push(format!("TAMPER_SEED={seed}: {why}")),
                    }
                }
            });
        }
    });
    let (with_keys, without) = tables.into_inner().unwrap();
    println!("with keys\n{}\nwithout keys\n{}", with_keys.shown(), without.shown());
    println!(
        "N named, R rebuilt at the next start, G only by the guard or a checkpoint, k only with keys, h harmless, s silent"
    );
    let failures = failures.into_inner().unwrap();
    println!("not needed in this run: {:?}", allowed::unused());
    assert!(failures.is_empty(), "{} of {cases} cases failed:\n{}", failures.len(), failures.join("\n"));
    assert!(with_keys.cases() >= 1_000 && without.cases() == with_keys.cases() && with_keys.fewest() >= 3);
    // A judge that says the same of everything shows nothing.
    for verdict in [Verdict::Named, Verdict::Rebuilt, Verdict::Harmless, Verdict::Guard] {
        assert!(with_keys.of(verdict) > 5, "{verdict:?}");
    }
}

fn at(grid: &[(Cell, Damage)], seed: u64) -> (Cell, Damage) {
    grid[usize::try_from(seed).unwrap() % grid.len()]
}

/// Damages a copy of the folder and judges it.
fn case(grid: &[(Cell, Damage)], seed: u64) -> Result<Judged, String> {
    let (cell, damage) = at(grid, seed);
    let folder = ORIGINAL.copy(&format!("case-{seed}"));
    let named = format!("{} {}", cell.name(), damage.name());
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let struck = damage::strike(&ORIGINAL, cell, damage, seed, &folder);
        let starts = *TORTURE || seed.is_multiple_of(4);
        let judged = judge::judge(&ORIGINAL, cell, &struck, &folder, starts);
        judged
            .and_then(|judged| allowed::check(cell, damage, &judged).map(|()| judged))
            .map_err(|why| (struck.what, why))
    }));
    std::fs::remove_dir_all(&folder).unwrap();
    match judged {
        Ok(judged) => judged.map_err(|(what, why)| format!("{named}: {what}: {why}")),
        Err(panic) => {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("{named}: a panic: {}", why.unwrap_or_default()))
        }
    }
}
