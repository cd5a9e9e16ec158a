//! What is kept for single hosts under `certs.d`: authorities, and certificates to show (containers-certs.d(5)).

use super::failure::Failure;
use super::roots::read_certificates;
use super::url::Url;
use super::{bounded, roots};
use crate::ErrorKind;
use crate::directory::shown_path;
use std::fs::ReadDir;
use std::io;
use std::path::{Path, PathBuf};
use ureq::tls::{Certificate, ClientCert, PemItem, parse_pem};

/// What is kept for one host.
#[derive(Default, Clone)]
pub(super) struct HostCerts {
    /// From each `*.crt`.
    pub(super) authorities: Vec<Certificate<'static>>,
    /// From the first `*.cert` and the `*.key` beside it.
    pub(super) client: Option<ClientCert>,
}

impl HostCerts {
    /// What the directories have for a host: `DIRECTORY/HOST:PORT`, and without the port where that is the usual one.
    /// `None` if that is nothing. A directory that we may not look into holds nothing for us, and is warned of.
    ///
    /// # Errors
    /// A file is there and cannot be read, or is not what its name says.
    pub(super) fn load(
        directories: &[PathBuf],
        url: &Url,
        mut warn: impl FnMut(String),
    ) -> Result<Option<HostCerts>, Failure> {
        let mut names = vec![url.host_and_port()];
        if url.port() == 443 {
            names.push(url.host().to_owned());
        }
        let mut found = HostCerts::default();
        let mut files = 0;
        for directory in directories {
            for name in &names {
                let directory = directory.join(name);
                for file in files_of(&directory, std::fs::read_dir(&directory), &mut warn)? {
                    files += usize::from(found.take(&file)?);
                }
            }
        }
        Ok((files > 0).then_some(found))
    }

    /// Reads a file by the end of its name; others are left alone.
    fn take(&mut self, file: &Path) -> Result<bool, Failure> {
        match file.extension().and_then(|e| e.to_str()) {
            Some("crt") => self.authorities.extend(read_certificates(file)?),
            Some("cert") => {
                let key = key(&file.with_extension("key"), file)?;
                let chain = read_certificates(file)?;
                self.client.get_or_insert_with(|| ClientCert::new_with_certs(&chain, key));
            }
            Some("key") if !file.with_extension("cert").exists() => {
                return Err(refuse(file, "there is no .cert of the same name beside it".into()));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The files of a directory, sorted; none of one that is not there, or that is for others to read: what it holds, if it
/// is there at all, is for few hosts, and all others work without.
fn files_of(
    directory: &Path,
    entries: io::Result<ReadDir>,
    mut warn: impl FnMut(String),
) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |e: io::Error| refuse(directory, e.to_string());
    let entries = match entries {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            warn(format!("certificates that may be in {} are not used: {e}", shown_path(directory)));
            return Ok(Vec::new());
        }
        entries => entries.map_err(unreadable)?,
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
    files.sort();
    Ok(files)
}

fn key(file: &Path, certificate: &Path) -> Result<ureq::tls::PrivateKey<'static>, Failure> {
    let pem = bounded::read_file(file, roots::MAX_CA_FILE).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => refuse(certificate, format!("its key {} is not there", shown_path(file))),
        _ => refuse(file, e.to_string()),
    })?;
    let key = parse_pem(&pem).find_map(|item| match item {
        Ok(PemItem::PrivateKey(key)) => Some(key),
        _ => None,
    });
    key.ok_or_else(|| refuse(file, "no private key in PEM form".into()))
}

fn refuse(file: &Path, why: String) -> Failure {
    Failure::fatal(ErrorKind::Policy, format!("the certificates in {}: {why}", shown_path(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_for_others_to_read_counts_as_absent() {
        let mut warnings = Vec::new();
        let mut look = |kind: io::ErrorKind| {
            let files =
                files_of(Path::new("/certs.d/registry.test"), Err(kind.into()), |warning| warnings.push(warning));
            files.map_err(|failure| failure.text)
        };
        assert_eq!(look(io::ErrorKind::NotFound), Ok(Vec::new()));
        assert_eq!(look(io::ErrorKind::PermissionDenied), Ok(Vec::new()));
        assert!(look(io::ErrorKind::Other).unwrap_err().contains("/certs.d/registry.test"));
        assert!(warnings.len() == 1 && warnings[0].contains("/certs.d/registry.test"), "{warnings:?}");
    }
}
