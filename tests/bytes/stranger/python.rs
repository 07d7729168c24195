//! The verifier in Python (`tests/verifier`), started once and asked again and again.
#![allow(clippy::unwrap_used)]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use akta::model::date::Timestamp;
use serde_json::{Value, json};

/// The Python that has what the verifier stands on, if the environment names one.
pub(crate) fn python() -> Option<OsString> {
    std::env::var_os("AKTA_PYTHON")
}

/// One running verifier.
pub(crate) struct Stranger {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Stranger {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(python().unwrap());
        command.args(["-m", "verifier", "lines"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("PYTHONPATH", "tests").env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let (questions, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, questions, answers }
    }

    /// What it says of a folder at that moment, with the public key of `--dev` or without keys.
    pub(crate) fn folder(&mut self, folder: &Path, now: Timestamp, keys: bool, guard: Option<&Path>) -> Value {
        self.ask(&json!({"folder": folder, "now": now.nanos(), "dev": keys, "guard": guard}))
    }

    /// What it says of an export at that moment.
    pub(crate) fn export(&mut self, file: &Path, now: Timestamp) -> Value {
        self.ask(&json!({"export": file, "now": now.nanos()}))
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no answer to {question}: {answer:?}"))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Judges cases 0 to `count`, each core with a verifier of its own; everything that went wrong, by case.
pub(crate) fn each(count: u64, case: impl Fn(&mut Stranger, u64) -> Result<(), String> + Sync) -> Vec<String> {
    let (next, wrong) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let mut stranger = Stranger::start();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count {
                        return;
                    }
                    if let Err(why) = case(&mut stranger, seed) {
                        wrong.lock().unwrap().push(format!("STRANGER_SEED={seed}: {why}"));
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}
