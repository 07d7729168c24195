//! Opening, listing and deciding on a node that runs.
#![allow(clippy::unwrap_used)]

use super::super::ask::Ground;
use super::super::rig::{DAY, Disks, Rig, ask, decided, grant, incident, now, public_body, school, settings};
use super::*;
use crate::env::{ManualClock, SeededEntropy};
use crate::model::caller::Caller;
use crate::model::permission::change::Change;
use crate::model::permission::policy::Staff;
use crate::model::stored::{Action, Purpose};
use crate::store::space::{Reserve, Scripted};
use crate::trail::base::World;
use crate::trail::keyring::Kek;
use crate::trail::reader::Reader;

/// A node that runs in threads, whose disk is full for everybody but itself.
fn with_node(test: impl AsyncFnOnce(&Arc<Node>)) {
    let disks = Disks::new();
    drop(Rig::start(disks.clone(), now()));
    let world = World { clock: Arc::new(ManualClock::new(now())), entropy: Arc::new(SeededEntropy::new(9)) };
    let base = Arc::new(Base::open(disks.disk(), Kek::dev(), settings(), world).unwrap());
    let space = Scripted::new(100 << 30);
    space.leave(0);
    let (node, threads) = Node::start(base, Reserve::new(Arc::new(space), None)).unwrap();
    let node = Arc::new(node);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test(&node));
    node.close();
    threads.join();
}

#[test]
fn controllers_are_opened_listed_and_decide_on_a_full_disk() {
    with_node(async |node| {
        let open = async |number: u32| {
            node.open_controller(school(number), None, public_body(), decided("stefan")).await.unwrap()
        };
        for number in [3, 1, 2] {
            let (about, opened) = open(number).await;
            assert!(opened && about.controller == school(number) && about.size == 2, "{about:?}");
            assert_eq!((about.zone.as_str(), about.opened_at), ("Europe/Warsaw", now()));
        }
        assert!(!open(2).await.1, "it is open");
        let elsewhere = Zone::named("UTC");
        let other = node.open_controller(school(1), elsewhere, public_body(), decided("stefan")).await.unwrap_err();
        assert!(matches!(other, ChangeError::Zone { .. }), "{other}");

        // By name, some at a time, and only those that may be seen.
        let page = async |after: Option<u32>, limit, hidden: u32| {
            let page = node.controllers(after.map(school), limit, move |of| *of != school(hidden)).await.unwrap();
            let names: Vec<String> = page.controllers.iter().map(|about| about.controller.to_string()).collect();
            (names.join(" "), page.next.map(|next| next.to_string()))
        };
        assert_eq!(page(None, 2, 9).await, ("school-1 school-2".to_owned(), Some("school-2".to_owned())));
        assert_eq!(page(Some(2), 2, 9).await, ("school-3".to_owned(), None));
        assert_eq!(page(None, 2, 2).await, ("school-1 school-3".to_owned(), None));
        assert_eq!(node.controller(&school(9)).await, Err(AskError::NoController));

        // All of a call at once, readable as soon as it is answered.
        let all = (1..4).map(|number| (school(number), incident(7, now()))).collect();
        let noted = node.change(all, decided("piotr")).await.unwrap();
        assert!(noted.iter().all(|noted| noted.receipt.as_ref().is_some_and(|receipt| receipt.seq == 2)));
        assert!((1..4).all(|number| node.acts(&school(number)).incidents().len() == 1));
        let many = (0..1_001).map(|_| (school(1), grant(1, now(), 3))).collect();
        let refused = node.change(many, decided("anna")).await.unwrap_err().to_string();
        assert!(refused.starts_with("controllers: are 1001, the limit is 1000 in one call"), "{refused}");
    });
}

#[test]
fn slices_are_shown_to_who_says_why_and_that_is_recorded() {
    with_node(async |node| {
        let of = school(1);
        node.open_controller(of.clone(), None, Profile::default(), decided("stefan")).await.unwrap();
        node.change(vec![(of.clone(), ask(1, Staff::Controller))], decided("anna")).await.unwrap();
        node.change(vec![(of.clone(), Change::LoneApproval(true))], decided("anna")).await.unwrap();
        let plain = node.notices(&of, 0, 10).await.unwrap();
        assert!(plain.notices.iter().all(|(record, _)| record.contents.slices.is_empty()));
        assert_eq!(node.controller(&of).await.unwrap().size, 3, "nothing is recorded of it");
        let ground = Ground { purpose: Purpose::Security as i32, text: "T-1".to_owned() };
        let caller = Caller::dev();
        let page = node.notices_with_slices(&caller, &ground, &of, 1, 1).await.unwrap();
        assert_eq!((page.notices.len(), page.next), (1, Some(2)));
        let (record, core) = &page.notices[0];
        let said: Vec<_> = record.contents.slices.iter().flat_map(|(_, slice)| &slice.attributes).collect();
        let said: Vec<_> = said.iter().map(|said| (said.key.as_str(), said.value.as_str())).collect();
        assert_eq!(said, [("by", "anna"), ("ground", "ticket 4711"), ("concerning", "pupil:p-204")]);
        assert_eq!((record.openings.len(), core), (3, &record.openings[0].content));
        // Withheld, it is as without keys.
        let mut withheld = record.clone();
        withheld.withhold_slices();
        assert!(withheld.contents.slices.is_empty() && withheld.openings.len() == 1);

        let info = node.base.trail(&of).unwrap().unwrap();
        let asked = Reader::new(&node.base, &info, node.base.today(&info.zone)).record(3).unwrap().contents;
        let core = asked.core.unwrap();
        assert_eq!((core.action, core.event_name.as_str()), (Action::LogExport as i32, "ListNotices"));
        // Past their date, they are not shown, and the notices still are.
        let later = Reader::new(&node.base, &info, info.zone.date(now().plus(DAY * 1_000))).record(1).unwrap();
        assert!(later.contents.notice.is_some() && later.contents.slices.is_empty());
    });
}
