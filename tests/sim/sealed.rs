//! Nothing is in clear, and what is drawn at random is drawn anew each time: no two frames share a seed, no two sealed
//! values a nonce.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use akta::model::frame::Builder;
use akta::model::seal::Use;
use akta::model::stored::Frame;
use akta::store::files::Files;
use akta::store::{Family, Scan, keys};
use prost::Message;

use super::Sim;
use super::invariant::InClear;
use super::story::NAMES;
use super::world::Open;

/// Where the nonce stands in the value of a frame.
const NONCE: std::ops::Range<usize> = 6..18;

impl Sim {
    /// I6: looks into every frame of the trails at hand.
    pub(crate) fn check_sealed(&mut self, node: &Open) {
        let (mut nonces, mut seeds) = (BTreeSet::new(), BTreeSet::new());
        let trails = self.world.trails(node);
        let checked = &mut self.counts.checked;
        for row in node.base.db.scan(Scan::all(Family::Part)) {
            let (key, value) = row.unwrap();
            checked.holds(InClear, nonces.insert(value[NONCE].to_vec()), || "a nonce is used twice".to_owned());
            let (date, first) = (keys::date_of(&key).unwrap(), keys::seq_of(&key).unwrap());
            let Some(info) =
                trails.iter().find(|info| key.starts_with(&keys::dated(date, info.zone_number, info.number)))
            else {
                continue;
            };
            let seal = info.date_key(&node.base.keyring, Use::Seal, date).unwrap();
            let (_, plain) = Builder::reopen(&seal, &info.link, date, first, &value).unwrap().pack();
            for source in Frame::decode(&*plain).unwrap().sources {
                checked.holds(InClear, seeds.insert(source.seed), || "a seed is used twice".to_owned());
            }
        }
        for (family, _, value) in self.world.vault.rows() {
            if family == Family::Row {
                let fresh = nonces.insert(value[3..15].to_vec());
                checked.holds(InClear, fresh, || "a nonce is used twice in the vault".to_owned());
            }
        }
    }

    /// I6: nobody's name, id or address stands in clear anywhere.
    pub(crate) fn check_clear(&mut self) {
        let disks = [&self.world.db, &self.world.vault, &self.world.index].map(akta::store::memory::Disk::rows);
        let rows = disks.into_iter().flatten().flat_map(|(_, key, value)| [key, value]);
        let files = [(&self.world.keyring, "keyring"), (&self.world.guard, "guard")];
        for bytes in rows.chain(files.into_iter().filter_map(|(files, name)| files.read(name).unwrap())) {
            let found = NAMES.iter().find(|name| bytes.windows(name.len()).any(|window| window == name.as_bytes()));
            self.counts.checked.holds(InClear, found.is_none(), || format!("{found:?} stands in clear"));
        }
    }
}
