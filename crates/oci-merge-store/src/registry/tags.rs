//! Tags: several in one request where the registry can, and one that somebody else may want to move.

use super::Registry;
use super::manifest::Place;
use super::refusal::Refusal;
use super::scope::Scope;
use crate::network::Attempts;
use crate::{ErrorKind, Expected, Result};
use oci_merge_image::{Descriptor, Digest};
use std::error::Error as _;
use ureq::http::header;

impl Registry {
    /// Puts a manifest under tags. Several are asked for in one request; those that the registry does not confirm, for
    /// only new ones know how, get one request each.
    pub(super) fn put_tags(&self, descriptor: &Descriptor, bytes: &[u8], tags: &[String]) -> Result<()> {
        let set = match tags {
            [] => return self.enter_manifest(descriptor, bytes, &Place::digest(descriptor)).map(drop),
            [_] => Vec::new(),
            _ => self.enter_manifest(descriptor, bytes, &Place::digest(descriptor).with_tags(tags))?.tags,
        };
        for tag in tags.iter().filter(|tag| !set.contains(tag)) {
            self.enter_manifest(descriptor, bytes, &Place::tag(tag))?;
        }
        Ok(())
    }

    /// Moves a tag that has to stand for what is expected: looked at right before and right after, and with a condition
    /// for registries that honour it.
    pub(super) fn move_tag(&self, descriptor: &Descriptor, bytes: &[u8], tag: &str, expected: &Expected) -> Result<()> {
        let place = self.reference.name();
        let (now, etag) = self.tag_now(tag)?;
        if !expected.allows(&place, tag, now.as_ref(), &descriptor.digest)? {
            return Ok(());
        }
        let condition = match (now, etag) {
            (None, _) => Place::tag(tag).only_if(header::IF_NONE_MATCH, "*".into()),
            // If-Match never holds for a weak one (RFC 9110 section 13.1.1): it would refuse every move.
            (Some(_), Some(etag)) if etag.starts_with("W/") => Place::tag(tag),
            (Some(now), etag) => {
                Place::tag(tag).only_if(header::IF_MATCH, etag.unwrap_or_else(|| format!("\"{now}\"")))
            }
        };
        let put = self.enter_manifest(descriptor, bytes, &condition);
        let refused = put.as_ref().err().is_some_and(|error| status(error) == Some(412));
        if !refused {
            put?;
        }
        match self.tag_now(tag)?.0 {
            Some(after) if after == descriptor.digest => Ok(()),
            after if refused && expected.is(after.as_ref()) => Err(expected.refused(&place, tag)),
            after => Err(expected.broken(&place, tag, after.as_ref())),
        }
    }

    /// What a tag stands for now, and by what the registry knows it again.
    fn tag_now(&self, tag: &str) -> Result<(Option<Digest>, Option<String>)> {
        let scope = Scope::push(&self.repository);
        let mut attempts = Attempts::new(&self.network, format!("looking for {tag}"));
        let answer = self.answer(&self.head(tag)?, &scope, &mut attempts)?;
        let digest = |text: String| text.parse::<Digest>().ok();
        match (answer.status, answer.header("docker-content-digest").and_then(digest)) {
            (404, _) => Ok((None, None)),
            (200, Some(digest)) => Ok((Some(digest), answer.header("etag"))),
            // A registry without HEAD, or one that does not say: its bytes do.
            (200 | 405 | 501, None) => match self.resolve_manifest(tag) {
                Ok(descriptor) => Ok((Some(descriptor.digest), None)),
                Err(e) if e.kind() == ErrorKind::NotFound => Ok((None, None)),
                Err(e) => Err(e),
            },
            _ => Err(self.refused(answer, &scope, &attempts).error),
        }
    }
}

fn status(error: &crate::Error) -> Option<u16> {
    error.source()?.downcast_ref::<Refusal>().map(|refusal| refusal.status)
}
