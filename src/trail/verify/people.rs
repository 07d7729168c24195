//! Whether the vault is whole in itself, whoever is named by records: every row opens, is in its place, and one
//! pseudonym leads to it.

use std::collections::HashSet;
use std::fmt::Write;

use super::FINDINGS_MAX;
use crate::store::{self, Family, Scan};
use crate::trail::base::Base;
use crate::trail::trails::Info;
use crate::trail::vault::{self, Of};

/// Everything that is wrong with the vault. Without keys, only that rows and pseudonyms have the form of such
/// and pair up.
pub(super) fn check(base: &Base, trails: &[Info]) -> Result<Vec<String>, store::Error> {
    let mut found = Vec::new();
    // What must stand in the family pseudonym: its keys, or without keys what they lead to.
    let mut expected: HashSet<Vec<u8>> = HashSet::new();
    let sealed = base.keyring.is_absent();
    let mut last = 0;
    for row in base.vault.store().scan(Scan::all(Family::Row)) {
        let (key, value) = row?;
        let what = if sealed {
            let formed = vault::is_row(&key, &value);
            expected.insert(key.clone().into());
            (!formed).then_some("is not well-formed")
        } else {
            // Whose it is, its key does not tell: neighbours are of one controller more often than not.
            let turn = (0..trails.len()).map(|turn| (last + turn) % trails.len());
            let opened = turn.into_iter().find_map(|at| {
                let of = Of { controller: &trails[at].controller, key: &trails[at].key };
                Some((at, base.vault.examine(of, &key, &value)?))
            });
            match opened {
                Some((at, Ok(pseudonym_row))) => {
                    last = at;
                    let leads = base.vault.store().get(Family::Pseudonym, &pseudonym_row)?;
                    expected.insert(pseudonym_row.into());
                    (leads.as_deref() != Some(&*key)).then_some("has no pseudonym that leads to it")
                }
                Some((_, Err(what))) => Some(what),
                None => Some("opens under no controller's key in its place"),
            }
        };
        found.extend(what.map(|what| format!("{} {what}", row_name(&key))));
        if found.len() >= FINDINGS_MAX {
            return Ok(found);
        }
    }
    for row in base.vault.store().scan(Scan::all(Family::Pseudonym)) {
        let (key, value) = row?;
        let here = if sealed { &value } else { &key };
        if !vault::is_pseudonym_row(&key, &value) {
            found.push(format!("pseudonym row {} is not well-formed", hex(&key)));
        }
        if !expected.remove(&here[..]) {
            let leads = row_name(&value);
            found.push(format!("pseudonym row {} leads to {leads}, which is missing or not its own", hex(&key)));
        }
        if found.len() >= FINDINGS_MAX {
            return Ok(found);
        }
    }
    if sealed {
        let left = expected.iter().take(FINDINGS_MAX - found.len());
        found.extend(left.map(|key| format!("{} has no pseudonym that leads to it", row_name(key))));
    }
    Ok(found)
}

fn row_name(key: &[u8]) -> String {
    format!("vault row {}", hex(key))
}

/// The first bytes of a key: enough to find the row by.
fn hex(key: &[u8]) -> String {
    key.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
