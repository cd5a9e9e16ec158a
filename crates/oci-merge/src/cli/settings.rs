//! Settings as they are meant: flags over environment over defaults. Only here is the environment read.

use super::args::Common;
use super::tls;
use oci_merge::{CancelToken, Error, Observer, Result, Settings};
use oci_merge_layer::Limits;
use oci_merge_store::network;
use oci_merge_store::registry::{Credentials, Environment};
use std::env;
use std::path::PathBuf;

/// The settings of a run.
pub(crate) fn settings(
    common: &Common,
    platform: Option<&str>,
    observer: Observer,
    cancel: CancelToken,
) -> Result<Settings> {
    let platform = platform.map(str::parse).transpose();
    Ok(Settings {
        store: store(),
        jobs: common.jobs,
        epoch: epoch()?,
        platform: platform.map_err(|e: oci_merge_image::Error| Error::Usage(format!("--platform: {e}")))?,
        limits: limits(&common.limit)?,
        network: network::Settings {
            tls: tls::provider(),
            ca_files: common.ca_file.clone(),
            credentials: Credentials::of(&Environment::of_process(), common.authfile.as_deref()),
            plain_http: common.plain_http.clone(),
            insecure: common.insecure.clone(),
            auth_realms: common.auth_realm.clone(),
            ..network::Settings::default()
        },
        observer,
        cancel,
    })
}

/// `$OCI_MERGE_CACHE`, else `$XDG_CACHE_HOME/oci-merge`, else `~/.cache/oci-merge`; without a home a temporary one.
fn store() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let shared = || set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let home = || set("HOME").map(|home| home.join(".cache"));
    set("OCI_MERGE_CACHE").or_else(|| Some(shared().or_else(home)?.join("oci-merge")))
}

fn epoch() -> Result<Option<i64>> {
    let Some(text) = env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else { return Ok(None) };
    let text = text.to_string_lossy();
    let wrong =
        |_| Error::Usage(format!("SOURCE_DATE_EPOCH is {}, not seconds since 1970", oci_merge_image::shown(&*text)));
    text.parse().map(Some).map_err(wrong)
}

fn limits(changes: &[String]) -> Result<Limits> {
    let mut limits = Limits::default();
    for change in changes {
        let wrong = |why: String| Error::Usage(format!("--limit {}: {why}", oci_merge_image::shown(change)));
        let (name, value) = change.split_once('=').ok_or_else(|| wrong("expected NAME=VALUE".into()))?;
        let value = value.parse().map_err(|_| wrong("the value is no number".into()))?;
        limits.set(name, value).map_err(|e| wrong(e.to_string()))?;
    }
    Ok(limits)
}
