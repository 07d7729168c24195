//! Tiles of a node's own trail: what it stored, and what a stranger computes from the headers that it showed.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use akta::config::File;
use akta::env::{SystemClock, SystemEntropy};
use akta::grpc::api::{GetCheckpointRequest, SearchEventsRequest};
use akta::model::origin::Controller;
use akta::model::tiles::{Tiles, consistency_proof, inclusion_proof, root};
use akta::model::tree;
use akta::store::disk::Disk;
use akta::store::{Family, Scan, keys};
use akta::trail::base::{Base, World};
use akta::trail::keyring::Kek;
use akta::trail::leaves::Leaves;
use tlog_tiles::{
    Hash, HashReader, Tile, prove_record, prove_tree, record_hash, stored_hashes_for_record_hash, tree_hash,
};

use super::support::{Events, Node, SCHOOL, data, everything, run};

/// One tile filled to the last, several and a part, and more than a tile of tiles holds.
const SIZES: [u64; 3] = [256, 1_000, 65_536 + 700];

/// The tree as the crate `tlog_tiles` keeps it.
struct Theirs(Vec<Hash>);

impl Theirs {
    fn of(headers: &[Vec<u8>]) -> Self {
        let mut stored = Self(Vec::new());
        for (seq, header) in (0..).zip(headers) {
            let more = stored_hashes_for_record_hash(seq, record_hash(header), &stored).unwrap();
            stored.0.extend(more);
        }
        stored
    }
}

impl HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

#[test]
fn strangers_compute_the_tiles_that_a_node_stored() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let (signed, headers) = run(async {
        let mut client = node.client().await;
        let mut events = Events::of(12);
        let (mut signed, mut have) = (Vec::new(), 1);
        for size in SIZES {
            while have < size {
                let count = (size - have).min(1_000);
                client.record_all((0..count).map(|_| events.read()).collect()).await.unwrap();
                have += count;
            }
            let asked = GetCheckpointRequest { controller: SCHOOL.into(), at_least: size, origin: String::new() };
            let found = client.evidence.get_checkpoint(asked).await.unwrap().into_inner();
            assert_eq!(found.size, size);
            let (_, root) = super::evidence::opened(&found.checkpoint, &found.verification_key, size);
            signed.push((size, root));
        }
        let question = SearchEventsRequest { with_notices: true, ..everything() };
        let rows = client.search_all(question).await.unwrap();
        (signed, rows.into_iter().map(|row| row.header).collect::<Vec<_>>())
    });
    node.stop();
    assert_eq!(headers.len() as u64, SIZES[2]);

    let world = World { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let disk = Disk::open_read_only(&data(folder.path()), None).unwrap();
    let settings = File::default().settings(true).unwrap();
    let base = Base::open_read_only(disk, Some(Kek::dev()), settings, world).unwrap();
    let info = base.trail(&Controller::new(SCHOOL).unwrap()).unwrap().unwrap();
    let (ours, theirs) = (Leaves::new(&base, &info), Theirs::of(&headers));
    let plain = |hashes: Vec<tree::Hash>| hashes.into_iter().map(|hash| Hash(hash.0)).collect::<Vec<_>>();

    // Every row that is stored: the tiles of level 1 and up, each full subtree once, and no other.
    let full = |level: u32| info.size() >> (8 * level);
    let stored: u64 = (1..8).map(full).sum();
    let rows: Vec<_> =
        base.db.scan(Scan::prefix(Family::Tree, &info.number.to_be_bytes())).map(Result::unwrap).collect();
    assert_eq!(rows.len() as u64, stored);
    assert!(full(1) >= SIZES[2] / 256 && full(2) == 1, "{} records", info.size());
    for (row, (level, index)) in
        rows.iter().zip((1..8).flat_map(|level| (0..full(level.into())).map(move |i| (level, i))))
    {
        assert_eq!(*row.0, keys::tree(info.number, level, index));
        // Reading the headers was recorded page by page, behind them.
        if (index + 1) << (8 * u32::from(level)) > SIZES[2] {
            continue;
        }
        let theirs = theirs.read_hashes(&[tlog_tiles::stored_hash_index(8 * level, index)]).unwrap()[0];
        assert_eq!(*row.1, theirs.0, "subtree {index} of level {level}");
    }

    for (size, signed_root) in signed {
        let mut levels = [0u64; 3];
        for tile in Tile::new_tiles(8, 0, size) {
            let mine = ours.tile(tile.level(), tile.level_index(), tile.width() as usize).unwrap();
            let bytes: Vec<u8> = mine.iter().flat_map(|hash| hash.0).collect();
            assert_eq!(bytes, tile.read_data(&theirs).unwrap(), "{} of {size}", tile.path());
            levels[usize::from(tile.level())] += 1;
        }
        let expected = [0, 8, 16].map(|bits| (size >> bits).div_ceil(256));
        assert_eq!(levels, expected, "tiles of each level in {size}");
        assert_eq!((Hash(root(&ours, size).unwrap().0), tree_hash(size, &theirs).unwrap()), (signed_root, signed_root));
        for seq in [0, 255, size / 2, size - 1] {
            let proof = plain(inclusion_proof(&ours, seq, size).unwrap());
            assert_eq!(proof, prove_record(size, seq, &theirs).unwrap(), "{seq} in {size}");
            let proof = plain(consistency_proof(&ours, seq + 1, size).unwrap());
            assert_eq!(proof, prove_tree(size, seq + 1, &theirs).unwrap(), "{} to {size}", seq + 1);
        }
    }
}
