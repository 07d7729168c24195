//! Unix sockets: who may open them, and who is at the other end.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::Peer;
use super::listener::Access;

/// Binds a socket and gives it its group and mode before anybody can find it.
pub(super) fn bind(path: &Path, access: &Access) -> io::Result<UnixListener> {
    let group = access.group.as_deref().map(group).transpose()?;
    if let Ok(found) = std::fs::symlink_metadata(path) {
        // A socket that a crash left behind is replaced; anything else of that name is not ours to remove.
        let ours = found.file_type().is_socket() && std::os::unix::net::UnixStream::connect(path).is_err();
        if !ours {
            return Err(io::ErrorKind::AddrInUse.into());
        }
    }
    // Under another name first: from bind to chmod, the mode is what the umask says.
    let unready = unready(path);
    let _ = std::fs::remove_file(&unready);
    let listener = UnixListener::bind(&unready)?;
    let ready = || {
        chown(&unready, None, group)?;
        std::fs::set_permissions(&unready, std::fs::Permissions::from_mode(access.mode))?;
        std::fs::rename(&unready, path)
    };
    ready().inspect_err(|_| {
        let _ = std::fs::remove_file(&unready);
    })?;
    Ok(listener)
}

/// Who connected, by the kernel's word.
pub(super) fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let who = stream.peer_cred()?;
    Ok(Peer::Unix { uid: who.uid(), gid: who.gid(), pid: who.pid() })
}

fn unready(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    name.into()
}

/// A group by number, or by its name in `/etc/group`: other directories of groups are not asked, for they need the
/// system's own library.
fn group(name: &str) -> io::Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let groups = std::fs::read_to_string("/etc/group")?;
    number_in(&groups, name).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no group \"{name}\" in /etc/group: give its number"))
    })
}

fn number_in(groups: &str, name: &str) -> Option<u32> {
    let mut rows = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    rows.find(|row| row.first() == Some(&name))?.get(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let groups = "root:x:0:\nakta:x:65532:nonroot\nbroken\naktas:x:7:\n";
        for (name, number) in [("akta", Some(65_532)), ("root", Some(0)), ("akt", None), ("broken", None), ("", None)] {
            assert_eq!(number_in(groups, name), number, "{name}");
        }
    }
}
