//! Room for connections among the files that the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the databases may have open, by docs/operations.md.
const DATABASES: u64 = 2_048;

/// Raises the limit of open files as far as it goes without rights; of `wanted` connections, those that leave the
/// databases their part. A database that cannot open a file would stop the node.
pub(super) fn room(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let most = match setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let room = of(most, wanted);
    if room < wanted {
        tracing::warn!("only {room} of {wanted} connections: raise the limit of open files (ulimit -n) to take more");
    }
    room
}

fn of(limit: Option<u64>, wanted: usize) -> usize {
    let Some(limit) = limit else { return wanted };
    // Where it is that tight, data are few, and the databases will hardly need their part.
    let room = limit.saturating_sub(DATABASES).max(limit / 4);
    usize::try_from(room).unwrap_or(usize::MAX).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_the_databases() {
        let rows = [
            (None, 1_024, 1_024),
            (Some(1_048_576), 1_024, 1_024),
            (Some(3_072), 1_024, 1_024),
            (Some(2_800), 1_024, 752),
            (Some(1_024), 1_024, 256),
            (Some(1_024), 100, 100),
        ];
        for (limit, wanted, room) in rows {
            assert_eq!(of(limit, wanted), room, "{limit:?}, {wanted}");
        }
    }
}
