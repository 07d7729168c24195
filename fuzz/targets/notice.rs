//! Notices of what a controller decided: heard as they are told, or not at all; and what may follow what.

use akta::model::date::{Timestamp, Zone};
use akta::model::part::{PartId, PartKey};
use akta::model::permission::acts::Acts;
use akta::model::permission::told::{Heard, hear, tell};
use akta::model::record::Contents;
use akta::model::stored::{DetailPart, NoticeCore};
use prost::Message;

use super::input::Input;

const NOW: Timestamp = Timestamp::from_nanos(1_800_000_000_000_000_000);

/// Notices one after the other: how long the core is, how long each of two slices, their bytes.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut acts = Acts::default();
    for _ in 0..8 {
        if input.0.is_empty() {
            return;
        }
        let lengths: [u8; 3] = input.array();
        let [core, first, second] = lengths.map(|length| input.take(length.into()));
        let Ok(core) = NoticeCore::decode(core) else { continue };
        let slices = (0..).zip([first, second].into_iter().filter(|slice| !slice.is_empty()));
        let slices: Option<Vec<(u16, DetailPart)>> =
            slices.map(|(index, slice)| Some((index, DetailPart::decode(slice).ok()?))).collect();
        let Some(slices) = slices else { continue };
        let unread = hear(&core, None);
        let Ok(Some(heard)) = hear(&core, Some(&slices)) else { continue };
        // What stands in clear says the same with and without what is sealed.
        assert!(matches!(unread, Ok(Some(Heard { decided: None, .. }))), "{unread:?}");
        told_again(&core, &slices, &heard);
        follows(&mut acts, heard);
    }
}

/// What was heard is told as it was.
fn told_again(core: &NoticeCore, slices: &[(u16, DetailPart)], heard: &Heard) {
    let decided = heard.decided.clone().expect("its slices were at hand");
    let told = tell(&heard.change, &decided, NOW, &Zone::default());
    let Ok(told) = told else {
        let long = slices.iter().flat_map(|(_, slice)| &slice.attributes).any(|attribute| attribute.value.len() > 512);
        assert!(long, "{told:?}");
        return;
    };
    assert_eq!(Some(&told.says), core.kind.as_ref());
    assert!(told.slices.iter().eq(slices.iter().map(|(_, slice)| slice)));
    let mut contents = Contents { notice: Some(core.clone()), slices: slices.to_vec(), ..Contents::default() };
    assert_eq!(contents.parts().len(), 1 + slices.len());
    contents.notice = None;
    assert!(contents.parts().iter().all(|(key, _)| *key != PartKey::first(PartId::Core)));
}

/// What may be decided is so afterwards, and is not decided twice.
fn follows(acts: &mut Acts, heard: Heard) {
    let (change, decided) = heard.supposed(7, None);
    match acts.check(&change, &decided, NOW) {
        Ok(()) => {
            acts.apply(change.clone(), decided.clone(), NOW);
            let again = acts.check(&change, &decided, NOW);
            assert!(again.is_err(), "{change:?} twice");
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}
