//! A question as a caller sends it, and what its tokens are bound to.

use akta::grpc::{api, convert};
use akta::model::check::Checker;
use akta::model::origin::{Controller, Origin};
use akta::model::seal::Key;
use akta::trail::ask::Question;

use super::SCHOOLS;

pub(super) fn controller(school: usize) -> Controller {
    Controller::new(SCHOOLS[school]).unwrap()
}

/// The question and how many records a page has.
pub(super) fn question(request: &api::SearchEventsRequest) -> (Question, usize) {
    let mut checker = Checker::default();
    let question = convert::question(request, &mut checker);
    checker.finish(question).expect("only good questions are asked")
}

/// What binds a token to the question, in one of that school's trails, whichever.
pub(super) fn digest(question: &Question, school: usize) -> [u8; 8] {
    let origin = Origin::new("akta.test", &controller(school), "w00000001").unwrap();
    question.digest(&origin, &Key::new([7; 32]))
}
