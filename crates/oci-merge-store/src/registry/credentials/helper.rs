//! Credential helpers: `docker-credential-NAME get`, the server on standard input, JSON on standard output.

use super::file::named;
use super::{Credential, Environment};
use crate::network::read_all;
use oci_merge_image::shown;
use serde::Deserialize;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a helper may take; those of cloud vendors start whole interpreters.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that is read of what a helper says, in bytes.
const MAX_ANSWER: u64 = 1 << 20;
/// What helpers say, with exit code 1, when they have nothing (docker-credential-helpers, `credentials/error.go`).
const NOTHING: &str = "credentials not found in native keychain";

/// Asks a helper for the login of a server; `None` if it has none.
///
/// # Errors
/// It is not installed, does not answer in time, or what it says is not understood: a text that follows its name.
pub(super) fn get(name: &str, server: &str, environment: &Environment) -> Result<Option<Credential>, String> {
    ask(name, server, environment, PATIENCE)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

fn ask(name: &str, server: &str, environment: &Environment, patience: Duration) -> Result<Option<Credential>, String> {
    // A name with a slash would be a path of somebody else's choice.
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err("cannot be the name of a helper".into());
    }
    let program = environment.program(&format!("docker-credential-{name}")).ok_or("is not installed")?;
    let child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot be run: {e}"))?;
    let (success, output) = converse(child, server, patience)?;
    let text = String::from_utf8_lossy(&output);
    if !success {
        let said = text.lines().next().unwrap_or_default().trim();
        // Whatever looks like an answer may hold a secret.
        let said: String = if said.contains('{') { String::new() } else { said.chars().take(120).collect() };
        return if said.contains(NOTHING) { Ok(None) } else { Err(format!("failed: {}", shown(&said))) };
    }
    let answer: Answer = serde_json::from_slice(&output).map_err(|_| "gave an answer that is not understood")?;
    if answer.secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(named(answer.username, answer.secret)))
}

/// Says one thing to a process and hears it out, for so long.
fn converse(mut child: Child, say: &str, patience: Duration) -> Result<(bool, Vec<u8>), String> {
    let deadline = Instant::now() + patience;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not want to know is judged by its answer.
        let _ = stdin.write_all(say.as_bytes());
    }
    let (heard, hear) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // On its own thread: a grandchild may hold the pipe open after the helper has ended.
        std::thread::spawn(move || heard.send(read_all(stdout, MAX_ANSWER)));
    }
    let output = hear.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if output.is_ok() && Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            _ => break None,
        }
    };
    let Some(status) = ended else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("did not answer within {} s", patience.as_secs()));
    };
    match output {
        Ok(Ok(bytes)) => Ok((status.success(), bytes)),
        Ok(Err(e)) => Err(format!("gave an answer that cannot be read: {e}")),
        Err(_) => Err(format!("did not answer within {} s", patience.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn install(directory: &Path, name: &str, script: &str) {
        let file = directory.join(format!("docker-credential-{name}"));
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    }

    #[test]
    fn helpers_are_asked_and_their_answers_judged() {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment::of([("PATH", directory.path())]);
        let good =
            r#"test "$1" = get && read -r s; echo "{\"ServerURL\":\"$s\",\"Username\":\"jon\",\"Secret\":\"pw-$s\"}""#;
        install(directory.path(), "good", good);
        install(directory.path(), "token", r#"echo '{"Username":"<token>","Secret":"refresh"}'"#);
        install(directory.path(), "none", "echo credentials not found in native keychain; exit 1");
        install(directory.path(), "broken", "printf 'no \\033[31mkeyring\\nsecond line'; exit 3");
        install(directory.path(), "leaky", r#"echo '{"Secret":"hunter2"}'; exit 1"#);
        install(directory.path(), "garbage", "echo hello");
        install(directory.path(), "endless", "exec yes");
        install(directory.path(), "slow", "exec /bin/sleep 20");
        let ask = |name: &str| ask(name, "ghcr.io", &environment, Duration::from_secs(2));

        assert_eq!(ask("good"), Ok(Some(named("jon".into(), "pw-ghcr.io".into()))));
        assert!(matches!(ask("token"), Ok(Some(Credential::Identity(_)))));
        assert_eq!(ask("none"), Ok(None));
        assert_eq!(ask("broken"), Err("failed: no \\x1b[31mkeyring".into()));
        assert_eq!(ask("leaky"), Err("failed: ".into()));
        assert_eq!(ask("garbage"), Err("gave an answer that is not understood".into()));
        assert!(ask("endless").unwrap_err().contains("more than 1048576 bytes"));
        assert_eq!(ask("slow"), Err("did not answer within 2 s".into()));
        assert_eq!(ask("missing"), Err("is not installed".into()));
        assert_eq!(ask("../good"), Err("cannot be the name of a helper".into()));
    }
}
