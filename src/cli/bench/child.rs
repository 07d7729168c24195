//! Servers as child processes of this binary: started, watched, and ended on every way out.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli::Failure;

/// Clock ticks of /proc/PID/stat in a second: `getconf CLK_TCK` says 100 on every architecture Akta is built for.
const TICKS_PER_SECOND: u64 = 100;
/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Kept open: whoever prints into a closed pipe fails.
    stdout: Option<BufReader<ChildStdout>>,
    /// Where it listens.
    pub address: String,
}

impl Server {
    /// A node on that data folder.
    pub async fn node(data: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        Self::start(command).await
    }

    /// The empty server.
    pub async fn empty() -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "--serve-empty"]);
        Self::start(command).await
    }

    async fn start(mut command: Command) -> Result<Self, Failure> {
        // They would make it another node than is meant.
        for variable in crate::cli::variables() {
            command.env_remove(variable);
        }
        command.env("AKTA_LOG", "error").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().map(BufReader::new);
        // From here on the child ends with the value, whatever fails.
        let mut server = Self { child, stdout: None, address: String::new() };
        let first_line = tokio::task::spawn_blocking(move || {
            let (mut stdout, mut line) = (stdout, String::new());
            let read = stdout.as_mut().map(|stdout| stdout.read_line(&mut line)).transpose();
            read.map(|_| (stdout, line))
        });
        let first_line = tokio::time::timeout(PATIENCE, first_line).await;
        let (stdout, said) = first_line.map_err(|_| "the server did not start in a minute")???;
        server.stdout = stdout;
        let address = said.trim().strip_prefix("listening api ");
        server.address = address.ok_or("the server ended before it listened; it said why on stderr")?.to_owned();
        Ok(server)
    }

    /// Processor time that it has taken so far, all threads.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        cpu(&self.child.id().to_string())
    }

    /// Asks it to stop and waits until it did.
    pub async fn stop(mut self) -> Result<(), Failure> {
        // The standard library sends no SIGTERM; every shell does.
        let id = self.child.id().to_string();
        Command::new("/bin/sh").args(["-c", "kill -TERM \"$0\"", &id]).status()?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(Failure(format!("the server did not end cleanly: {status}"))),
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        Err("the server did not stop within a minute of SIGTERM".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time that this process has taken so far.
pub fn own_cpu() -> Result<Duration, Failure> {
    cpu("self")
}

fn cpu(process: &str) -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = ticks(&stat).ok_or("/proc/PID/stat does not read as expected")?;
    Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// utime + stime: fields 14 and 15; the name of the program, field 2 in brackets, may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_past_any_name() {
        let stat = "77 (a (b) c) S 1 77 77 0 -1 4194560 9 0 0 0 120 34 0 0 20 0 5 0 9 1 1";
        assert_eq!(ticks(stat), Some(154));
        assert_eq!(ticks("77 (akta) S 1"), None);
        assert!(own_cpu().is_ok());
    }
}
