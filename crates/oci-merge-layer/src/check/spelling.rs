//! Names that are two on Linux and one elsewhere: equal but for case, or but for the form in which Unicode writes a
//! character (design: collisions, section 8).
//!
//! Folded names are compared by a keyed hash first and in full where two are equal. Directories without an entry count:
//! `Tool/a` in one layer and `tool/b` in another meet in one directory. Each is told once, where the spelling differs.

use super::claims::{Claims, FIRST_LAYER, List};
use super::finding::{Finding, Owner, Party};
use super::merge::{Place, Sorted, parent_length};
use super::told::Told;
use super::{BACKSLASH, CASE_FOLD, Code, UNICODE_FORM};
use oci_merge_image::LayerPath;
use rayon::prelude::*;
use std::hash::{BuildHasher, Hasher, RandomState};
use unicode_normalization::UnicodeNormalization;

/// One name in one list: an entry, or a directory above it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    /// Of the folded path.
    hash: u64,
    place: u32,
    /// The list and how much of the entry's path the name is, in one word: there may be millions of these.
    list_and_length: u32,
}

/// Bits of a length: no path is longer than 4095 bytes.
const LENGTH: u32 = 12;

impl Name {
    fn list(self) -> u32 {
        self.list_and_length >> LENGTH
    }

    fn path<'a>(self, claims: &Claims<'a>) -> &'a [u8] {
        let length = self.list_and_length & ((1 << LENGTH) - 1);
        let entry = claims.lists().get(self.list() as usize).and_then(|list| list.path(self.place as usize));
        entry.and_then(|path| path.get(..length as usize)).unwrap_or_default()
    }
}

const DOTLESS: char = 'ı';

/// Judges the names of all layers against each other and against those of the base.
pub(super) fn judge<'c, 'a>(claims: &Claims<'a>, nothing: impl Fn() -> Told<'c, 'a> + Sync + Send) -> Told<'c, 'a> {
    let hasher = RandomState::new();
    let lists: Vec<(u32, &List<'_>)> = (0..1 << (u32::BITS - LENGTH)).zip(claims.lists()).collect();
    let of_list = |(number, list): (u32, &List<'_>)| match list {
        List::Emptied(_) => Vec::new(),
        List::Base(_) | List::Layer(_) => names(number, list, &hasher),
    };
    let mut names: Vec<Name> = lists.into_par_iter().flat_map_iter(of_list).collect();
    names.par_sort_unstable();
    let alike = names.par_chunk_by(|a, b| a.hash == b.hash).filter(|names| names.len() > 1);
    let judge = |mut told: Told<'c, 'a>, names: &[Name]| {
        told.tell(spellings(claims, names));
        told
    };
    let mut told = alike.fold(&nothing, judge).reduce(&nothing, Told::join);
    told.tell(backslashes(claims));
    told
}

/// The names of a list, each once: a directory is that of the first entry in it.
fn names<'a>(number: u32, list: &List<'a>, hasher: &RandomState) -> Vec<Name> {
    let mut names = Vec::with_capacity(list.size());
    let mut before: &[u8] = &[];
    for place in 0..list.size() {
        let path = list.path(place).unwrap_or_default();
        let mut state = hasher.build_hasher();
        let mut start = 0;
        for end in ends(path) {
            let Some(component) = path.get(start..end) else { continue };
            fold(component, |bytes| state.write(bytes));
            state.write_u8(b'/');
            start = end + 1;
            let is_shared = before.get(..end) == path.get(..end) && matches!(before.get(end), None | Some(b'/'));
            if !is_shared {
                let list_and_length = number << LENGTH | end as u32;
                names.push(Name { hash: state.finish(), place: place as u32, list_and_length });
            }
        }
        before = path;
    }
    names
}

/// Where the components of a path end.
fn ends(path: &[u8]) -> impl Iterator<Item = usize> + '_ {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end).chain([path.len()])
}

/// What a component becomes where neither case nor form counts; what is not UTF-8 has ASCII case only.
fn fold(component: &[u8], mut out: impl FnMut(&[u8])) {
    match std::str::from_utf8(component) {
        Ok(text) if !text.is_ascii() => {
            let folded: String = text.nfd().flat_map(capital).flat_map(char::to_lowercase).nfc().collect();
            out(folded.as_bytes());
        }
        _ => out(&component.to_ascii_lowercase()),
    }
}

/// Folding goes by way of capitals, so that `ß` and `SS` meet. Only the Turks' `ı`, whose capital is `I`, folds to itself.
fn capital(c: char) -> impl Iterator<Item = char> {
    let upper = (c != DOTLESS).then(|| c.to_uppercase());
    upper.into_iter().flatten().chain((c == DOTLESS).then_some(c))
}

fn folded(path: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for component in path.split(|&b| b == b'/') {
        fold(component, |bytes| all.extend_from_slice(bytes));
        all.push(b'/');
    }
    all
}

/// A finding for each set of names in one directory that only spelling tells apart, if they are not all one owner's.
fn spellings(claims: &Claims<'_>, names: &[Name]) -> Vec<Finding> {
    let mut named: Vec<(&[u8], Name)> = names.iter().map(|name| (name.path(claims), *name)).collect();
    // The directory first: where two directories differ, they are told and not what is in them.
    named.sort_by_key(|(path, name)| (path.get(..parent_length(path)), *path, name.list()));
    let siblings = named.chunk_by(|(a, _), (b, _)| a.get(..parent_length(a)) == b.get(..parent_length(b)));
    siblings.filter_map(|siblings| told(claims, siblings)).collect()
}

fn told(claims: &Claims<'_>, siblings: &[(&[u8], Name)]) -> Option<Finding> {
    let (first, _) = siblings.first()?;
    let whole = folded(first);
    let alike: Vec<&(&[u8], Name)> = siblings.iter().filter(|(path, _)| folded(path) == whole).collect();
    let spelled_twice = |owner: &Owner, path: &[u8]| {
        alike.iter().any(|(other, name)| *other != path && claims.owner(name.list()) != *owner)
    };
    let involved = |(path, name): &&&(&[u8], Name)| spelled_twice(&claims.owner(name.list()), path);
    let mut parties: Vec<(u32, Party)> = alike
        .iter()
        .filter(involved)
        .map(|(path, name)| {
            let entry = claims.claimant(Place { list: name.list(), place: name.place });
            let entry = entry.filter(|claimant| claimant.entry.path == *path);
            let party = entry.map_or_else(|| claims.implied(name.list()), |claimant| claims.party(&claimant));
            (name.list(), Party { at: LayerPath::parse(path).ok(), ..party })
        })
        .collect();
    parties.sort();
    let composed = |path: &[u8]| std::str::from_utf8(path).map(|text| text.nfc().collect::<String>());
    let same_form = parties.windows(2).all(|pair| match pair {
        [(_, Party { at: Some(a), .. }), (_, Party { at: Some(b), .. })] => {
            composed(a.as_bytes()) == composed(b.as_bytes())
        }
        _ => false,
    });
    let reason = if same_form { UNICODE_FORM } else { CASE_FOLD };
    let parties: Vec<Party> = parties.into_iter().map(|(_, party)| party).collect();
    let path = parties.first()?.at.clone()?;
    claims.finding(Code::CaseOnly, Some(reason), path.as_bytes(), parties)
}

/// A backslash is an ordinary byte of a name here, and separates directories elsewhere.
fn backslashes(claims: &Claims<'_>) -> Vec<Finding> {
    let of_layer = |(list, layer): (u32, &super::Layer<'_>)| {
        let odd = |place: &u32| layer.index.get(*place as usize).is_some_and(|entry| entry.path.contains(&b'\\'));
        let mut places = (0..layer.index.len() as u32).filter(odd);
        let claimant = claims.claimant(Place { list, place: places.next()? })?;
        let parties = vec![claims.party(&claimant)];
        let finding = claims.finding(Code::CaseOnly, Some(BACKSLASH), claimant.entry.path, parties)?;
        Some(Finding { more: places.count() as u64, ..finding })
    };
    (FIRST_LAYER..).zip(claims.layers).filter_map(of_layer).collect()
}
