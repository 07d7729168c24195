//! What waits for the writer, in two lines: calls that somebody waits for one by one, and hand-overs of streams.
//!
//! Streams may be thousands of events ahead, so a call behind them in one line would wait for all of those. Here it goes
//! into the next group, and a group takes a bounded number from streams, for whoever comes while it is written waits for
//! it. Neither line starves the other. Within a line the order is that of arrival.

use std::collections::VecDeque;

use super::threads::Job;

/// Most events in one group, up to the last submission that is taken.
const GROUP_MAX: usize = 2_048;

/// Of these from streams: 2,048 took 50 ms to write, which every call of that time had to wait for; 512 take 12 ms.
const STREAMED_MAX: usize = 512;

/// Both lines.
#[derive(Default)]
pub(super) struct Waiting {
    single: VecDeque<Job>,
    streamed: VecDeque<Job>,
}

impl Waiting {
    pub(super) fn add(&mut self, job: Job) {
        if job.streamed { self.streamed.push_back(job) } else { self.single.push_back(job) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.streamed.is_empty()
    }

    /// Takes the next group: of each line at least one, where there is one.
    pub(super) fn group(&mut self) -> Vec<Job> {
        let mut group = Vec::new();
        let single = if self.streamed.is_empty() { GROUP_MAX } else { GROUP_MAX - STREAMED_MAX };
        for (line, most) in [(&mut self.single, single), (&mut self.streamed, STREAMED_MAX)] {
            let mut events = 0;
            while events < most
                && let Some(job) = line.pop_front()
            {
                events += job.events();
                group.push(job);
            }
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Event;
    use crate::model::origin::Controller;
    use crate::trail::submission::Submission;

    /// Jobs of calls and of streams that wait, each of so many events; what the groups take of both.
    type Row<'a> = (usize, usize, usize, usize, &'a [(usize, usize)]);

    /// A job of so many events.
    fn job(events: usize, streamed: bool) -> Job {
        let controller = Controller::new("school-1").expect("is a name");
        let event = Event::own(Default::default());
        let submission =
            |_| Submission { controller: controller.clone(), events: vec![event.clone()], may_open: false };
        let (answer, _) = tokio::sync::oneshot::channel();
        Job { submissions: (0..events).map(submission).collect(), answer, permit: None, streamed }
    }

    #[test]
    fn a_call_is_in_the_next_group_however_many_streams_wait() {
        let rows: [Row<'_>; 5] = [
            (1, 1, 1_000, 32, &[(1, 512), (0, 512)]),
            (3_000, 1, 0, 32, &[(2_048, 0), (952, 0)]),
            (3_000, 1, 1_000, 32, &[(1_536, 512), (1_464, 512), (0, 512)]),
            (2, 1_000, 1, 32, &[(2_000, 32), (0, 0)]),
            (0, 1, 2, 32, &[(0, 64), (0, 0)]),
        ];
        for (calls, of_call, hand_overs, of_stream, expected) in rows {
            let mut waiting = Waiting::default();
            (0..hand_overs).for_each(|_| waiting.add(job(of_stream, true)));
            (0..calls).for_each(|_| waiting.add(job(of_call, false)));
            for (single, streamed) in expected {
                let group = waiting.group();
                let of = |kind: bool| group.iter().filter(|job| job.streamed == kind).map(Job::events).sum::<usize>();
                assert_eq!((of(false), of(true)), (*single, *streamed), "{calls} calls, {hand_overs} hand-overs");
            }
        }
    }
}
