//! Findings about what would not run, in sentences.

use super::told::{LIBRARY_NOT_SEARCHED, LINK_LOOP, LOOKUPS_EXHAUSTED, NOT_EXECUTABLE, OTHER_LIBC};
use super::versions::{greatest, greatest_like};
use crate::Kind;
use crate::check::finding::{Claim, Description, Finding, Owner, Subject, type_name};
use crate::check::user::UNKNOWN_GROUP;
use crate::check::words::join;
use crate::check::{Code, Files, HIDES_NEEDED};
use oci_merge_image::{LayerPath, shown};

/// What nobody has.
const NOBODY: &str = "which no layer and not the base has";

impl Finding {
    /// What is wrong, as [`message`](Finding::message) says it; `None` if it is about something else.
    pub(in crate::check) fn run_message(&self) -> Option<String> {
        let what = &self.subject;
        let (layer, files) = self.concerned();
        Some(match (self.code, self.reason) {
            (Code::MissingLibrary, Some(LOOKUPS_EXHAUSTED)) => {
                format!("{layer} has more to look at than is looked at; from {what} on nothing is known")
            }
            (Code::MissingLibrary, Some(LIBRARY_NOT_SEARCHED)) => {
                let (owner, place) = self.place_of_library();
                format!("{layer} needs {what}, which {owner} has in {place}, where it is not looked for")
            }
            (Code::MissingLibrary, _) => format!("{layer} needs {what}, {NOBODY}"),
            (Code::Glibc, _) => {
                let (owner, defined) = self.provider()?;
                let needed = join(greatest(&files.lacks));
                match &greatest_like(defined, &files.lacks)[..] {
                    [] => format!("{layer} needs {needed} of {what}, and {owner} has none like it"),
                    most => {
                        format!("{layer} needs {needed} of {what}, and {owner} has {} at most", join(most.to_vec()))
                    }
                }
            }
            (Code::Architecture, _) => {
                let machines = join(files.lacks.iter().map(|name| shown(name).to_string()).collect());
                format!("{layer} holds programs for {machines}, and the image is for {what}")
            }
            (Code::DanglingLink, Some(LINK_LOOP)) => format!("{layer} has the symlink {what}, which leads to itself"),
            (Code::DanglingLink, _) => match &files.lacks[..] {
                [only] => format!("{layer} links to /{}, {NOBODY}", shown(only)),
                _ => format!("{layer} links into {what}, {NOBODY}"),
            },
            (Code::MissingInterpreter, Some(OTHER_LIBC)) => {
                let (libc, other) = self.libcs();
                format!("{layer} is made for {libc}, and the base has {other}: {what} is missing")
            }
            (Code::MissingInterpreter, Some(NOT_EXECUTABLE)) => match self.not_executable()? {
                (owner, file) if file.kind == Kind::File => {
                    format!(
                        "{layer} needs {what}, which {owner} has, but not executable: its mode is {:04o}",
                        file.mode
                    )
                }
                (owner, file) => format!("{layer} needs {what}, which {owner} has as a {}", type_name(file.kind)),
            },
            (Code::MissingInterpreter, _) if matches!(what, Subject::Command(_)) => {
                format!("{layer} needs {what} on PATH, {NOBODY}")
            }
            (Code::MissingInterpreter, _) => format!("{layer} needs {what}, {NOBODY}"),
            (Code::BuildPrefix, _) => format!("{layer} looks for libraries in {what}, {NOBODY}"),
            (Code::ShadowCommand, _) => {
                let (other, hidden) = self.hidden()?;
                let name = |path: &LayerPath| shown(path.name().unwrap_or_default()).to_string();
                let mut names: Vec<String> = hidden.first.iter().take(3).map(name).collect();
                let more = hidden.count.saturating_sub(names.len() as u64);
                names.extend((more > 0).then(|| format!("{more} more")));
                format!("{layer} hides the {} of {other}", join(names))
            }
            (Code::UnknownUser, reason) => {
                let what_it_is = if reason == Some(UNKNOWN_GROUP) { "group" } else { "user" };
                let file = self.parties.iter().find_map(|party| party.at.clone()).unwrap_or_default();
                match self.parties.first().map(|party| &party.claim) {
                    Some(Claim::Names(0)) => format!("the {what_it_is} {what} is not known: the image has no {file}"),
                    _ => format!("the {what_it_is} {what} is not in {file} of the image"),
                }
            }
            _ => return None,
        })
    }

    /// What to do about it, as [`advice`](Finding::advice) says it.
    pub(in crate::check) fn run_advice(&self) -> Option<String> {
        let what = &self.subject;
        let (layer, files) = self.concerned();
        Some(match (self.code, self.reason) {
            (Code::MissingLibrary, Some(LOOKUPS_EXHAUSTED)) => "give what need not run to another layer".into(),
            (Code::MissingLibrary, Some(LIBRARY_NOT_SEARCHED)) => {
                let (_, place) = self.place_of_library();
                format!("give the program an rpath to {place}, or set LD_LIBRARY_PATH to it in env of {layer}")
            }
            (Code::MissingLibrary, _) => {
                format!(
                    "add the package that has {what} to the base, or copy the library into {layer} beside those that it has"
                )
            }
            (Code::Glibc, _) => match self.provider()?.0 {
                Owner::Base => format!("take a base with a newer {what}, or a build of {layer} for an older one"),
                owner => format!("take a newer {owner}, or a build of {layer} for an older {what}"),
            },
            (Code::Architecture, _) => {
                let first = files.first.first().cloned().unwrap_or_default();
                format!("give {layer} the source for {what} (arch of a source), or leave {first} out")
            }
            (Code::DanglingLink, _) => "leave the link out, or add what it links to".into(),
            (Code::MissingInterpreter, Some(OTHER_LIBC)) => {
                let (libc, other) = self.libcs();
                format!("take a build of {layer} for {other}, or a base with {libc}")
            }
            (Code::MissingInterpreter, Some(NOT_EXECUTABLE)) => {
                format!(
                    "make it an executable file in {} (chmod 755), or leave out what needs it",
                    self.not_executable()?.0
                )
            }
            (Code::MissingInterpreter, _) if what.to_string().ends_with("\\x0d") => {
                "end its first line with LF alone: the kernel takes the CR for a part of the name".into()
            }
            (Code::MissingInterpreter, _) => {
                format!("add {what} to the base or as a layer, or leave out what needs it")
            }
            (Code::BuildPrefix, _) => {
                "build it with an rpath that begins with $ORIGIN, or set one with patchelf".to_owned()
            }
            (Code::ShadowCommand, Some(HIDES_NEEDED)) => {
                format!("leave them out of {layer}: it is made to run with those that it hides")
            }
            (Code::ShadowCommand, _) => {
                let (other, _) = self.hidden()?;
                format!(
                    "nothing need be done if {layer} is to win; else leave one out, or call that of {other} by its path"
                )
            }
            (Code::UnknownUser, _) => {
                "give its number, such as user = \"1000:1000\", or make it in the base".to_owned()
            }
            _ => return None,
        })
    }

    /// The layer whose files are concerned, and the files.
    fn concerned(&self) -> (&Owner, &Files) {
        static NONE: Files = Files { first: Vec::new(), count: 0, lacks: Vec::new() };
        let concerned = self.parties.iter().find_map(|party| match &party.claim {
            Claim::Needs(files) | Claim::Links(files) | Claim::Programs(files) | Claim::Wins(files) => {
                Some((&party.owner, &**files))
            }
            _ => None,
        });
        concerned.unwrap_or((&Owner::Base, &NONE))
    }

    fn hidden(&self) -> Option<(&Owner, &Files)> {
        self.parties.iter().find_map(|party| match &party.claim {
            Claim::Hidden(files) => Some((&party.owner, &**files)),
            _ => None,
        })
    }

    /// Who has the library that is not new enough, and its versions.
    fn provider(&self) -> Option<(&Owner, &[Vec<u8>])> {
        self.parties.iter().find_map(|party| match &party.claim {
            Claim::Versions(versions) => Some((&party.owner, &versions[..])),
            _ => None,
        })
    }

    /// Who has what cannot be executed, and what it is.
    fn not_executable(&self) -> Option<(&Owner, &Description)> {
        self.parties.iter().find_map(|party| match &party.claim {
            Claim::Entry(entry) => Some((&party.owner, &**entry)),
            _ => None,
        })
    }

    /// Who has the library, and the directory that it lies in.
    fn place_of_library(&self) -> (&Owner, LayerPath) {
        let of_library = self.parties.iter().find(|party| party.claim == Claim::Library);
        let directory = of_library.and_then(|party| party.at.as_ref()?.parent()).unwrap_or_default();
        (of_library.map_or(&Owner::Base, |party| &party.owner), directory)
    }

    /// What it is made for, and what the base has.
    fn libcs(&self) -> (&'static str, &'static str) {
        let is_musl = self.path().is_some_and(|path| path.as_bytes().windows(8).any(|part| part == b"/ld-musl"));
        if is_musl { ("musl", "glibc") } else { ("glibc", "musl") }
    }
}
