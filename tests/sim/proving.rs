//! Checkpoints and proofs in a simulation, checked as somebody checks them who has the checkpoints alone.
#![allow(clippy::unwrap_used)]

use akta::model::checkpoint::Checkpoint;
use akta::model::proof::{verify_consistency, verify_inclusion};
use akta::model::tiles;
use akta::model::tree::leaf_hash;
use akta::model::vkey::Vkey;
use akta::trail::leaves::Leaves;
use akta::trail::proof::sign;
use akta::trail::reader::Reader;

use super::Sim;
use super::crashes::is_fault;
use super::invariant::{Dense, DurableFirst, Linked};
use super::world::Open;

impl Sim {
    /// A turn of the guard; then a checkpoint of some trail, that an older one leads to it, and that some record is in it.
    pub(crate) fn prove(&mut self, node: &mut Open) -> bool {
        if node.base.guard.as_ref().unwrap().tick(&node.base).is_err() {
            return self.crash("the guard failed");
        }
        self.keep_heads(node);
        let Some(info) = self.trail(node) else { return true };
        let Some(head) = info.guarded() else { return true };
        let signed = sign(&node.base, &info, head).unwrap();
        let key: Vkey = signed.verification_key.parse().unwrap();
        let read = Checkpoint::open(signed.note.as_bytes(), &key).unwrap();
        let checked = &mut self.counts.checked;
        checked.holds(Linked, (read.size, read.root) == (head.size, head.root), || {
            format!("{read:?} instead of {head:?}")
        });
        self.counts.checkpoints += 1;

        let heads = &self.signed[&info.controller];
        let old = heads[self.dice.pick(heads.len())];
        let seq = self.dice.roll(head.size);
        let leaves = Leaves::new(&node.base, &info);
        let proofs = tiles::consistency_proof(&leaves, old.size, head.size)
            .and_then(|older| Ok((older, tiles::inclusion_proof(&leaves, seq, head.size)?)))
            .map_err(|error| error.to_string())
            .and_then(|proofs| {
                let header = Reader::headers(&node.base, &info).linked(seq).map_err(|error| error.to_string())?.header;
                Ok((proofs, header))
            });
        let ((older, included), header) = match proofs {
            Ok(proofs) => proofs,
            Err(error) => {
                checked.holds(DurableFirst, is_fault(&error), || error.clone());
                return self.crash("a read failed");
            }
        };
        let continued = verify_consistency(old.size, &old.root, head.size, &head.root, &older);
        checked.holds(Linked, continued.is_ok(), || format!("{continued:?}: {old:?} to {head:?}"));
        let leaf = leaf_hash(&header.encode());
        let there = verify_inclusion(&leaf, seq, head.size, &head.root, &included);
        checked.holds(Dense, header.seq == seq && there.is_ok(), || format!("record {seq}: {there:?}"));
        self.counts.proofs += 2;
        true
    }
}
