//! What is drawn at random is drawn anew each time: no two frames share a seed, no two sealed values a nonce.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use akta::model::frame::Builder;
use akta::model::seal::Use;
use akta::model::stored::Frame;
use akta::store::{Family, Scan, keys};
use prost::Message;

use super::{Open, Sim, trails};

/// Where the nonce stands in the value of a frame.
const NONCE: std::ops::Range<usize> = 6..18;

impl Sim {
    /// I6: looks into every frame of the trails at hand.
    pub(crate) fn check_sealed(&self, node: &Open) {
        let (mut nonces, mut seeds) = (BTreeSet::new(), BTreeSet::new());
        let trails = trails(node);
        for row in node.base.db.scan(Scan::all(Family::Part)) {
            let (key, value) = row.unwrap();
            assert!(nonces.insert(value[NONCE].to_vec()), "I6: a nonce is used twice");
            let (date, first) = (keys::date_of(&key).unwrap(), keys::seq_of(&key).unwrap());
            let Some(info) =
                trails.iter().find(|info| key.starts_with(&keys::dated(date, info.zone_number, info.number)))
            else {
                continue;
            };
            let seal = info.date_key(&node.base.keyring, Use::Seal, date).unwrap();
            let (_, plain) = Builder::reopen(&seal, &info.link, date, first, &value).unwrap().pack();
            for source in Frame::decode(&*plain).unwrap().sources {
                assert!(seeds.insert(source.seed), "I6: a seed is used twice");
            }
        }
        for (_, key, value) in self.vault.rows() {
            if key.len() == 34 {
                assert!(nonces.insert(value[3..15].to_vec()), "I6: a nonce is used twice in the vault");
            }
        }
    }
}
