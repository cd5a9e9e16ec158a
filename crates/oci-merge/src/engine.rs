//! `--load`: hands an archive to docker or podman, and asks it what it got.

use crate::{Error, Result};
use oci_merge_image::{Digest, shown};
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// An engine that was found on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    program: &'static str,
}

impl Engine {
    /// docker if its daemon answers, else podman.
    pub(crate) fn find() -> Result<Engine> {
        let mut why = Vec::new();
        for (program, probe) in [("docker", "version"), ("podman", "version")] {
            match Command::new(program).arg(probe).stdin(Stdio::null()).output() {
                Ok(output) if output.status.success() => return Ok(Engine { program }),
                Ok(output) => why.push(format!("{program}: {}", last_line(&output.stderr))),
                Err(e) if e.kind() == io::ErrorKind::NotFound => why.push(format!("{program}: not installed")),
                Err(e) => why.push(format!("{program}: {e}")),
            }
        }
        let text = format!(
            "--load needs docker or podman ({}); write a file instead with -o type=docker,dest=image.tar",
            why.join("; ")
        );
        Err(Error::Engine { missing: true, text })
    }

    /// Streams an archive into `load`, and compares the image ID that the engine then has under `name`.
    ///
    /// The ID is the config's digest, or the manifest's in docker's containerd store.
    pub(crate) fn load(
        &self,
        name: &str,
        ids: [&Digest; 2],
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let failed = |text: String| Error::Engine { missing: false, text: format!("{}: {text}", self.program) };
        let mut child = Command::new(self.program)
            .args(["load", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(format!("cannot be started: {e}")))?;
        let written = match child.stdin.take() {
            Some(mut pipe) => write(&mut pipe),
            None => Ok(()),
        };
        let output = child.wait_with_output().map_err(|e| failed(e.to_string()))?;
        if !output.status.success() {
            return Err(failed(format!("load failed: {}", last_line(&output.stderr))));
        }
        written?;
        let args = ["image", "inspect", "--format", "{{.Id}}", name];
        let output = Command::new(self.program).args(args).output().map_err(|e| failed(e.to_string()))?;
        let found = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches("sha256:").to_owned();
        if ids.iter().any(|id| id.hex() == found) {
            return Ok(());
        }
        let [config, manifest] = ids;
        Err(failed(format!(
            "has another image under {name}: expected the ID {config} (or {manifest}), found {}{}",
            shown(&found),
            last_line(&output.stderr)
        )))
    }
}

fn last_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    shown(text.trim_end().lines().next_back().unwrap_or("")).to_string()
}
