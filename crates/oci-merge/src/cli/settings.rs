//! Settings as they are meant: flags over environment over defaults. Only here is the environment read.

use super::args::{Common, TagRace};
use super::{amount, tls};
use oci_merge::{CancelToken, Error, Observer, Result, Settings};
use oci_merge_layer::Limits;
use oci_merge_store::Expected;
use oci_merge_store::network::{self, Proxies};
use oci_merge_store::registry::{Credentials, Environment, RegistriesConf};
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
    let environment = Environment::of_process();
    Ok(Settings {
        store: store(),
        store_bytes: store_bytes()?,
        jobs: common.jobs,
        epoch: epoch()?,
        platform: platform.map_err(|e: oci_merge_image::Error| Error::Usage(format!("--platform: {e}")))?,
        limits: limits(&common.limit)?,
        expected: None,
        network: network::Settings {
            tls: tls::provider(),
            ca_files: common.ca_file.clone(),
            certs_dirs: certs_dirs(),
            proxies: Proxies::of(&environment),
            registries: RegistriesConf::of(&environment),
            credentials: Credentials::of(&environment, common.authfile.as_deref()),
            plain_http: common.plain_http.clone(),
            insecure: common.insecure.clone(),
            auth_realms: common.auth_realm.clone(),
            ..network::Settings::default()
        },
        observer,
        cancel,
        ..Settings::default()
    })
}

/// What the tags that are pushed must stand for.
pub(crate) fn expected(race: &TagRace) -> Result<Option<Expected>> {
    let Some(text) = &race.expect_digest else { return Ok(race.create_only.then_some(Expected::Absent)) };
    match text.parse() {
        Ok(digest) => Ok(Some(Expected::At(digest))),
        Err(e) => Err(Error::Usage(format!("--expect-digest: {e}"))),
    }
}

/// Where docker and podman keep certificates for single registries.
fn certs_dirs() -> Vec<PathBuf> {
    let own = env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/containers/certs.d"));
    own.into_iter().chain(["/etc/containers/certs.d".into(), "/etc/docker/certs.d".into()]).collect()
}

/// `$OCI_MERGE_CACHE`, else `$XDG_CACHE_HOME/oci-merge`, else `~/.cache/oci-merge`; without a home a temporary one.
fn store() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let shared = || set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let home = || set("HOME").map(|home| home.join(".cache"));
    set("OCI_MERGE_CACHE").or_else(|| Some(shared().or_else(home)?.join("oci-merge")))
}

fn store_bytes() -> Result<Option<u64>> {
    let Some(text) = env::var_os("OCI_MERGE_CACHE_SIZE").filter(|text| !text.is_empty()) else { return Ok(None) };
    let text = text.to_string_lossy();
    let wrong = |why| Error::Usage(format!("OCI_MERGE_CACHE_SIZE is {}: {why}", oci_merge_image::shown(&*text)));
    amount::size(&text).map(Some).map_err(wrong)
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
