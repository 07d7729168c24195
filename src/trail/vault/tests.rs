//! People in the vault.

use super::super::keyring::Kek;
use super::*;
use crate::env::SeededEntropy;
use crate::store::files::MemoryFiles;
use crate::store::memory::Disk;

#[test]
fn people_are_found_again_by_identity_and_by_pseudonym() {
    let disk = Disk::new();
    let entropy = SeededEntropy::new(1);
    let keyring = Keyring::open(Arc::new(MemoryFiles::new()), Kek::dev(), &entropy, 0).expect("keyring");
    let keyring = Arc::new(keyring);
    let open = || Vault::new(Arc::new(disk.open()), keyring.clone());
    let controller = Controller::new("school-12").expect("name");
    let key = Key::new([1; 32]);
    let of = Of { controller: &controller, key: &key };
    let mut teacher = Identity::new("staff", "t-1");
    let by_mail = Identity::new("guardian", "anna@example.org");

    let vault = open();
    let mut draft = Draft::default();
    let first = vault.draw(&mut draft, of, &teacher, Domain::Access, &entropy).expect("draws");
    assert_eq!(vault.draw(&mut draft, of, &teacher, Domain::Access, &entropy), Ok(first), "same in one group");
    assert_ne!(vault.draw(&mut draft, of, &teacher, Domain::Register, &entropy), Ok(first), "domains differ");
    let mail = vault.draw(&mut draft, of, &by_mail, Domain::Access, &entropy).expect("draws");
    assert_eq!(vault.find(of, &teacher, Domain::Access), Ok(None), "a draft is not yet there");
    vault.commit(draft).expect("commits");

    // Named again in the same group, first with a name, then with an address: both stay.
    let vault = open();
    let mut draft = Draft::default();
    let parent = Identity::new("guardian", "g-7");
    let named = Identity { display_name: "Jan Lis".into(), ..parent.clone() };
    let reached = Identity { email: "jan@example.org".into(), ..parent.clone() };
    for seen in [&parent, &named, &reached] {
        vault.draw(&mut draft, of, seen, Domain::Access, &entropy).expect("draws");
    }
    vault.commit(draft).expect("commits");
    let found = vault.find(of, &parent, Domain::Access).expect("reads").expect("is there");
    let whole = Identity { display_name: named.display_name, email: reached.email, ..parent };
    assert_eq!(open().identity(of, &found), Ok(Some(whole)));

    let vault = open();
    assert_eq!(vault.find(of, &teacher, Domain::Access), Ok(Some(first)));
    assert_eq!(vault.identity(of, &first), Ok(Some(teacher.clone())));
    assert_eq!(vault.identity(of, &mail), Ok(Some(by_mail)));
    assert_eq!(vault.find(of, &Identity::new("staff", "t-2"), Domain::Access), Ok(None), "a look-up draws none");

    teacher.display_name = "Anna Nowak".into();
    let mut draft = Draft::default();
    assert_eq!(vault.draw(&mut draft, of, &teacher, Domain::Access, &entropy), Ok(first), "same person");
    vault.commit(draft).expect("commits");
    assert_eq!(open().identity(of, &first), Ok(Some(teacher)));
    for (family, key, value) in disk.rows() {
        assert!(if family == Family::Row { is_row(&key, &value) } else { is_pseudonym_row(&key, &value) });
        for clear in [&b"t-1"[..], b"anna", b"Nowak", b"staff", b"school"] {
            assert!(!key.windows(clear.len()).chain(value.windows(clear.len())).any(|window| window == clear));
        }
    }
}

#[test]
fn a_row_has_two_halves_that_may_be_sealed() {
    let value = [&[FORMAT, 0, 40][..], &[1; 40], &[2; 30]].concat();
    let whole = |end: &usize| is_row(&[0; 34], &value[..*end]);
    assert_eq!((0..=value.len()).filter(whole).collect::<Vec<_>>(), [43, 71, 72, 73], "only in the contact half");
    let wrong = [[2, 0, 40], [FORMAT, 0, 27]].map(|clear| [&clear[..], &value[3..]].concat());
    assert!(wrong.iter().all(|value| !is_row(&[0; 34], value)) && !is_row(&[0; 33], &value));
    let leads = [(32, 34, true), (31, 34, false), (32, 33, false), (33, 35, false)];
    assert!(leads.iter().all(|(key, value, good)| is_pseudonym_row(&vec![0; *key], &vec![0; *value]) == *good));
}
