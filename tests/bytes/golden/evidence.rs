//! Golden bytes of what is proved: tree, checkpoint, key, proofs, guard, page token.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::sync::Arc;

use akta::model::checkpoint::Checkpoint;
use akta::model::handover::{self, Handover};
use akta::model::note::Note;
use akta::model::query::Cursor;
use akta::model::tiles::{self, Tiles};
use akta::model::tlog_proof::TlogProof;
use akta::model::tree::{EMPTY_ROOT, Frontier, Hash, leaf_hash, node_hash};
use akta::model::vkey::Signer;
use akta::store::files::{Files, MemoryFiles};
use akta::store::keys;
use akta::trail::guard::Guard;
use akta::trail::trails::Head;

use super::records::{ORIGIN, chain, origin};
use super::sheet::Sheet;

/// A tree with its whole subtrees.
struct Tree {
    leaves: Vec<Hash>,
    whole: Vec<(u8, u64, Hash)>,
    frontier: Frontier,
}

impl Tree {
    /// Over that many leaves: the headers of the chain, again and again.
    fn new(size: usize) -> Self {
        let chain = chain();
        let leaves: Vec<_> = chain.iter().cycle().take(size).map(|header| leaf_hash(&header.encode())).collect();
        let (mut frontier, mut whole) = (Frontier::default(), Vec::new());
        leaves.iter().for_each(|leaf| frontier.append(*leaf, |level, index, hash| whole.push((level, index, hash))));
        Self { leaves, whole, frontier }
    }
}

impl Tiles for Tree {
    type Error = Infallible;

    fn tile(&self, level: u8, index: u64, width: usize) -> Result<Vec<Hash>, Infallible> {
        let of_level = self.whole.iter().filter(|(of, ..)| *of == level).map(|(_, _, hash)| *hash);
        let hashes: Vec<_> = if level == 0 { self.leaves.clone() } else { of_level.collect() };
        Ok(hashes.into_iter().skip(256 * usize::try_from(index).unwrap()).take(width).collect())
    }
}

#[test]
fn evidence_is_golden() {
    let tree = Tree::new(600);
    let root = |size| tiles::root(&tree, size).unwrap();
    let mut sheet = Sheet::new("evidence");
    sheet.about("SHA-256 over the headers of headers.txt, repeated: leaves, a node, roots.");
    sheet.bytes("leaf 0", tree.leaves[0].0);
    sheet.bytes("leaf 1", tree.leaves[1].0);
    sheet.bytes("node of both", node_hash(&tree.leaves[0], &tree.leaves[1]).0);
    sheet.bytes("empty tree", EMPTY_ROOT.0);
    for size in [1, 2, 3, 7, 256, 257, 600] {
        sheet.bytes(&format!("root of {size}"), root(size).0);
    }
    assert_eq!(tree.frontier.root(), root(600));

    sheet.about("Rows of the family tree: trail 258, level, index -> hash.");
    for (level, index, hash) in &tree.whole {
        sheet.bytes(&format!("tree row {level}/{index} key"), keys::tree(258, *level, *index));
        sheet.bytes(&format!("tree row {level}/{index}"), hash.0);
    }

    let signer = Signer::from_seed(ORIGIN, &[9; 32]).unwrap();
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 600, root: root(600) };
    let note = checkpoint.sign(&signer).unwrap();
    assert_eq!(Checkpoint::open(note.as_bytes(), signer.vkey()).as_ref(), Ok(&checkpoint));
    sheet.about(
        "A checkpoint of 600 records, signed with the Ed25519 key of the seed 32 x 09; the key as text, and its id.",
    );
    sheet.text("checkpoint", &note);
    sheet.text("vkey", &signer.vkey().to_string());
    sheet.bytes("key id", signer.vkey().id().to_be_bytes());

    let next = Signer::from_seed(ORIGIN, &[10; 32]).unwrap();
    let told = handover::sign(&origin(), 258, &signer, next.vkey().public());
    let handover = Handover::check(&told, &origin(), 258).unwrap();
    assert_eq!((&handover.old, &handover.new), (signer.vkey(), next.vkey()));
    sheet.about("That key hands over at record 258 to the key of the seed 32 x 0a: what it signs, and its signature.");
    sheet.text("akta v1 signing key rotated", &handover::text(ORIGIN, 258, next.vkey().public()));
    sheet.bytes("signed by the old key", told.signature);
    sheet.text("vkey after it", &next.vkey().to_string());

    let hashes = tiles::inclusion_proof(&tree, 300, 600).unwrap();
    let proof =
        TlogProof { extra: b"akta".to_vec(), index: 300, hashes, checkpoint: Note::parse(note.as_bytes()).unwrap() };
    assert_eq!(proof.verify(&tree.leaves[300], signer.vkey()), Ok(checkpoint));
    sheet.about("That record 300 is in it (c2sp.org/tlog-proof), and how the tree of 300 leads to it.");
    sheet.text("tlog-proof", &proof.to_string());
    for (at, hash) in tiles::consistency_proof(&tree, 300, 600).unwrap().iter().enumerate() {
        sheet.bytes(&format!("consistency {at}"), hash.0);
    }

    sheet.about("The guard after two turns of one trail.");
    let files = Arc::new(MemoryFiles::new());
    let guard = Guard::create(files.clone()).unwrap();
    for size in [256, 600] {
        guard.append([(ORIGIN, Head { size, root: root(size) })]).unwrap();
    }
    let text = String::from_utf8(files.read("guard").unwrap().unwrap()).unwrap();
    let (line, digits) = text.lines().nth(1).unwrap().rsplit_once(' ').unwrap();
    let hash = blake3::derive_key("akta v1 guard line", line.as_bytes());
    assert_eq!(digits, super::sheet::hex(&hash[..8]));
    sheet.text("guard", &text);
    sheet.bytes("akta v1 guard line", hash);

    sheet.about("A page token: size 600, next 299, question 8 x 05.");
    let cursor = Cursor { size: 600, next: 299, question: [5; 8] };
    assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    sheet.text("page token", &cursor.encode());
    sheet.check();
}
