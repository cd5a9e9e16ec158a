//! What an image is called at its destinations.

use crate::build::image_name;
use crate::spec::Spec;
use crate::{Error, Result};
use oci_merge_image::Reference;

/// The tag of an image that nobody gave one.
const DEFAULT_TAG: &str = "full";

/// What an image is called: references that were asked for, or made from the spec.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    references: Vec<Reference>,
    /// Where there is no reference at all: what archives and engines know the image by.
    local: String,
}

impl Names {
    /// From the `-t` of the command line, else `project.repo` with the tag `full`.
    pub(crate) fn of(spec: &Spec, asked: &[String]) -> Result<Names> {
        let parse = |text: &String| text.parse::<Reference>().map_err(|e| Error::image("-t", e));
        let mut references = asked.iter().map(parse).collect::<Result<Vec<_>>>()?;
        if let (true, Some(repo)) = (references.is_empty(), &spec.project.repo) {
            references.push(repo.with_tag(DEFAULT_TAG).map_err(|e| Error::image("project.repo", e))?);
        }
        references.iter().try_for_each(without_digest)?;
        Ok(Names { references, local: format!("{}:{DEFAULT_TAG}", image_name(spec)) })
    }

    /// All of them.
    pub(crate) fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The references by repository; none is an error, for there is nowhere to push to.
    pub(crate) fn repositories(&self) -> Result<Vec<(Reference, Vec<String>)>> {
        match self.references.is_empty() {
            true => Err(Error::usage("push where? say -t REF, or set project.repo in the spec")),
            false => by_repository(&self.references),
        }
    }

    /// The reference names in a layout: tags, or whole references where one tag belongs to two repositories.
    pub(crate) fn in_layout(&self) -> Vec<String> {
        let tag = |r: &Reference| r.tag().unwrap_or(DEFAULT_TAG).to_owned();
        let clash =
            |r: &Reference| self.references.iter().any(|other| tag(other) == tag(r) && other.name() != r.name());
        match &self.references[..] {
            [] => vec![DEFAULT_TAG.to_owned()],
            some => some.iter().map(|r| if clash(r) { r.to_string() } else { tag(r) }).collect(),
        }
    }

    /// The names in an archive and in an engine: `repository:tag` in full.
    pub(crate) fn in_archive(&self) -> Vec<String> {
        match &self.references[..] {
            [] => vec![self.local.clone()],
            some => some.iter().map(|r| r.to_string()).collect(),
        }
    }
}

fn without_digest(reference: &Reference) -> Result<()> {
    match reference.digest() {
        None => Ok(()),
        Some(_) => Err(Error::usage(format!("{reference}: a digest cannot be given to an image, it follows from it"))),
    }
}

/// References by repository, each with its tags in the order they were given.
///
/// # Errors
/// One has a digest: an image cannot be given one.
pub(crate) fn by_repository(references: &[Reference]) -> Result<Vec<(Reference, Vec<String>)>> {
    references.iter().try_for_each(without_digest)?;
    let mut repositories: Vec<(Reference, Vec<String>)> = Vec::new();
    for reference in references {
        let tag = reference.tag().unwrap_or(DEFAULT_TAG).to_owned();
        match repositories.iter_mut().find(|(known, _)| known.name() == reference.name()) {
            Some((_, tags)) if tags.contains(&tag) => {}
            Some((_, tags)) => tags.push(tag),
            None => repositories.push((reference.clone(), vec![tag])),
        }
    }
    Ok(repositories)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str]) -> Names {
        let spec = "schema = 1\n[base]\nimage = \"scratch\"\n[layer.a]\nprefix = \"/opt/a\"\nsource.path = \"a\"\n";
        let spec = Spec::parse("oci-merge.toml", ".".as_ref(), spec).unwrap();
        Names::of(&spec, &asked.iter().map(|s| s.to_string()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn tags_of_one_repository_go_together() {
        let all = names(&["r.io/a:1", "r.io/b:1", "r.io/a:2", "r.io/a:1"]).repositories().unwrap();
        let shown: Vec<_> = all.iter().map(|(r, tags)| format!("{} {}", r.name(), tags.join(","))).collect();
        assert_eq!(shown, ["r.io/a 1,2", "r.io/b 1"]);
        assert!(names(&[]).repositories().is_err());
    }

    #[test]
    fn a_layout_uses_tags_where_they_are_clear() {
        assert_eq!(names(&[]).in_layout(), ["full"]);
        assert_eq!(names(&["r.io/a:1", "r.io/a:2"]).in_layout(), ["1", "2"]);
        assert_eq!(names(&["r.io/a:1", "r.io/b:1", "r.io/b:2"]).in_layout(), ["r.io/a:1", "r.io/b:1", "2"]);
        assert_eq!(names(&[]).in_archive(), ["image:full"]);
    }
}
