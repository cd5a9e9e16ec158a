//! What a registry can list: the tags of a repository, and what is attached to a manifest.

use super::registry::Registry;
use super::reply::{Code, Halt, Reply};
use super::request::Request;
use oci_merge_image::Digest;
use serde_json::json;

impl Registry {
    /// Tags in case-insensitive order, `n` at a time after `last` (distribution-spec, Listing Tags).
    pub(super) fn list_tags(&self, request: &Request, repository: &str) -> Result<Reply, Halt> {
        only_read(request)?;
        let tags = self.shelf.tags(repository)?;
        let tags = tags.ok_or_else(|| Code::NameUnknown.reply(format!("there is no repository {repository}")))?;
        let order = |tag: &str| (tag.to_ascii_lowercase(), tag.to_owned());
        let mut tags: Vec<_> = tags.into_keys().collect();
        tags.sort_by_key(|tag| order(tag));
        if let Some(last) = request.parameter("last") {
            let last = order(last);
            tags.retain(|tag| order(tag) > last);
        }
        let count = match request.parameter("n").map(str::parse::<usize>) {
            None => tags.len(),
            Some(Ok(n)) => n,
            Some(Err(_)) => return Err(Code::Unsupported.reply("n is not a number").status(400).into()),
        };
        let more = tags.len() > count;
        tags.truncate(count);
        let reply = Reply::json(200, &json!({ "name": repository, "tags": tags }));
        Ok(match tags.last() {
            Some(last) if more => {
                reply.with("Link", format!("</v2/{repository}/tags/list?n={count}&last={last}>; rel=\"next\""))
            }
            _ => reply,
        })
    }

    /// An index of what is attached to a manifest (distribution-spec, Listing Referrers).
    pub(super) fn list_referrers(&self, request: &Request, repository: &str, subject: &Digest) -> Result<Reply, Halt> {
        only_read(request)?;
        if !self.referrers {
            return Err(Code::Unsupported.reply("this registry has no referrers API").status(404).into());
        }
        let mut manifests = self.shelf.referrers(repository, subject)?;
        let wanted = request.parameter("artifactType");
        if let Some(wanted) = wanted {
            manifests.retain(|m| m.rest.get("artifactType").and_then(|t| t.as_str()) == Some(wanted));
        }
        let media_type = "application/vnd.oci.image.index.v1+json";
        let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests });
        let reply = Reply::json(200, &index).with("Content-Type", media_type);
        Ok(if wanted.is_some() { reply.with("OCI-Filters-Applied", "artifactType") } else { reply })
    }
}

fn only_read(request: &Request) -> Result<(), Halt> {
    match request.method.as_str() {
        "GET" | "HEAD" => Ok(()),
        _ => Err(Code::Unsupported.reply("a list can be read, not changed").into()),
    }
}
