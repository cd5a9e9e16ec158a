//! What must be true of any bytes at all. `fuzz/targets` looks for bytes of which it is not; `tests/properties.rs` tries
//! each property on the seeds in `fuzz/seeds` and on changes of them.

use oci_merge::Spec;
use oci_merge_image::{Config, Document, Index, LayerPath, Manifest, parse_strict, shown};
use oci_merge_layer::facts::FactsReader;
use oci_merge_layer::index::LayerIndex;
use oci_merge_layer::{Limits, Rules, survey};
use serde_json::Value;
use std::io::Read;

/// Each property by the name of its target and of the folder of its seeds.
pub const ALL: [(&str, fn(&[u8])); 9] = [
    ("layer", layer),
    ("gzip", gzip),
    ("zstd", zstd),
    ("pax", pax),
    ("facts", facts),
    ("documents", documents),
    ("spec", spec),
    ("escape", escape),
    ("index", index),
];

/// Small, so that an input cannot ask for long work.
fn limits() -> Limits {
    let mut limits = Limits::default();
    for (name, value) in [("layer-bytes", 4 << 20), ("window-bytes", 8 << 20), ("name-bytes", 16 << 20)] {
        limits.set(name, value).unwrap();
    }
    limits
}

/// A layer in any form: what is kept is also taken; its index survives; other readers see the same entries.
pub fn layer(blob: &[u8]) {
    let kept = survey(blob, &Rules::kept(limits()));
    let taken = survey(blob, &Rules::layer(limits()));
    let based = survey(blob, &Rules::base(limits()));
    for error in [&kept, &taken, &based].into_iter().filter_map(|result| result.as_ref().err()) {
        assert_is_shown(&error.to_string());
    }
    let Ok(kept) = kept else { return };
    assert_eq!(kept, taken.unwrap(), "what is kept is taken");
    assert_eq!(kept.size, blob.len() as u64);
    assert!(kept.index.notes().is_empty() && kept.index.whiteouts().is_empty());
    assert_eq!(LayerIndex::from_bytes(&kept.index.to_bytes()).unwrap(), kept.index);
    // What a base is made of it is the same, but for what is only noted there.
    let based = based.unwrap();
    assert_eq!((based.tar_size, based.index.diff_id()), (kept.tar_size, kept.index.diff_id()));
    if !blob.starts_with(b"\x28\xb5\x2f\xfd") && !blob.starts_with(b"\x1f\x8b") {
        as_the_tar_crate_has_it(blob, &kept.index);
    }
}

/// The crate is wrong about records with a newline in them; it may refuse what is accepted, but sees nothing else.
fn as_the_tar_crate_has_it(tar: &[u8], index: &LayerIndex) {
    if has_newline_in_a_record(tar) {
        return;
    }
    let mut seen = Vec::new();
    let mut archive = tar::Archive::new(tar);
    let Ok(entries) = archive.entries() else { return };
    for entry in entries {
        let Ok(mut entry) = entry else { return };
        let Ok(path) = LayerPath::parse(&entry.path_bytes()) else { return };
        let mut content = Vec::new();
        let whole = entry.read_to_end(&mut content).is_ok();
        seen.push((path.as_bytes().to_vec(), content.len() as u64, whole));
    }
    seen.retain(|(path, ..)| !path.is_empty());
    seen.sort();
    let mut ours: Vec<_> = index.entries().map(|entry| (entry.path.to_vec(), entry.size, true)).collect();
    // Of names of one inode only the first has the content in the archive.
    let linked: Vec<_> = index.entries().filter(|entry| entry.group.is_some()).map(|entry| entry.path).collect();
    for list in [&mut seen, &mut ours] {
        list.iter_mut().filter(|(path, ..)| linked.contains(&&path[..])).for_each(|(_, size, _)| *size = 0);
        list.sort();
    }
    assert_eq!(seen, ours, "the tar crate sees other entries");
}

/// Whether a record of a PAX header (`LENGTH KEY=VALUE`, and a newline) has a newline before its end.
fn has_newline_in_a_record(tar: &[u8]) -> bool {
    let headers = tar.chunks(512).enumerate().filter(|(_, block)| block.get(156) == Some(&b'x'));
    headers.into_iter().any(|(at, _)| {
        let mut body = &tar[tar.len().min((at + 1) * 512)..];
        while let Some(end) = body.iter().position(|&byte| byte == b' ') {
            let length = std::str::from_utf8(&body[..end]).ok().and_then(|digits| digits.parse::<usize>().ok());
            let Some(record) = length.and_then(|length| body.get(..length)).filter(|r| r.len() > end) else { break };
            if record[..record.len() - 1].contains(&b'\n') {
                return true;
            }
            body = &body[record.len()..];
        }
        false
    })
}

fn unzipped(gzip: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(gzip).read_to_end(&mut bytes).expect("flate2 reads it too");
    bytes
}

/// What is accepted in gzip another decoder makes the same tar of.
pub fn gzip(blob: &[u8]) {
    let Ok(survey) = survey(blob, &Rules::kept(limits())) else { return };
    if blob.starts_with(b"\x1f\x8b") {
        let tar = unzipped(blob);
        assert_eq!(tar.len() as u64, survey.tar_size);
        assert_eq!(oci_merge_image::Digest::of(&tar), survey.index.diff_id().0);
        layer(&tar);
    }
}

/// What is accepted in zstd another decoder makes the same tar of.
pub fn zstd(blob: &[u8]) {
    let Ok(survey) = survey(blob, &Rules::kept(limits())) else { return };
    if blob.starts_with(b"\x28\xb5\x2f\xfd") {
        let (mut rest, mut tar) = (blob, Vec::new());
        while let Some(&[low, b, c, d, length @ ..]) = rest.first_chunk::<8>() {
            // RFC 8878, 3.1.2: a skippable frame is its magic number, its length, and as many bytes.
            if low & 0xf0 == 0x50 && [b, c, d] == [0x2a, 0x4d, 0x18] {
                rest = &rest[8 + u32::from_le_bytes(length) as usize..];
                continue;
            }
            let mut frame = ruzstd::decoding::StreamingDecoder::new(&mut rest).expect("ruzstd reads it too");
            frame.read_to_end(&mut tar).expect("ruzstd reads it too");
        }
        assert!(rest.is_empty(), "nothing stands after the frames");
        assert_eq!(oci_merge_image::Digest::of(&tar), survey.index.diff_id().0);
        layer(&tar);
    }
}

/// The body of a PAX header before a file.
pub fn pax(body: &[u8]) {
    let mut archive = Vec::new();
    for (typeflag, name, content) in [(b'x', "PaxHeaders/a", body), (b'0', "a", b"hello")] {
        let mut header = tar::Header::new_ustar();
        header.set_path(name).unwrap();
        header.set_entry_type(tar::EntryType::new(typeflag));
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.extend(header.as_bytes());
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.extend([0; 1024]);
    layer(&archive);
}

/// A file: the same is known of it in whatever pieces it comes, and what is known survives in an index.
pub fn facts(file: &[u8]) {
    let path = LayerPath::parse(b"opt/tool/bin/tool").unwrap();
    let of = |piece: usize| {
        let mut reader = FactsReader::default();
        reader.begin(&path, file.len() as u64);
        file.chunks(piece).for_each(|piece| reader.feed(piece));
        reader.finish()
    };
    let whole = of(file.len().max(1));
    for piece in [1, 3, 64, 4096] {
        assert_eq!(of(piece), whole, "in pieces of {piece}");
    }
}

/// Manifests, indexes and configs: read one way only, and the bytes stay.
pub fn documents(bytes: &[u8]) {
    let strict = parse_strict(bytes);
    if let Ok(strict) = &strict {
        let loose: Value = serde_json::from_slice(bytes).expect("serde_json reads it too");
        assert_eq!(Value::Object(strict.clone()), loose);
    }
    if let Err(error) = strict {
        assert_is_shown(&error.to_string());
    }
    match Document::<Manifest>::parse(bytes.to_vec()) {
        Ok(document) => assert_eq!(document.bytes(), bytes),
        Err(error) => assert_is_shown(&error.to_string()),
    }
    match Document::<Index>::parse(bytes.to_vec()) {
        Ok(document) => drop(document.value().platforms()),
        Err(error) => assert_is_shown(&error.to_string()),
    }
    match Document::<Config>::parse(bytes.to_vec()) {
        Ok(document) => {
            let again = Document::<Config>::write(document.value().object.clone()).unwrap();
            assert_eq!(again.value(), document.value());
        }
        Err(error) => assert_is_shown(&error.to_string()),
    }
}

/// A spec: its errors can be shown, line by line.
pub fn spec(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(errors) = Spec::parse("oci-merge.toml", ".".as_ref(), text) {
        errors.to_string().lines().for_each(assert_is_shown);
    }
}

/// The escape function: nothing that a terminal obeys comes out, and what went in can be told from it.
pub fn escape(bytes: &[u8]) {
    let text = shown(bytes).to_string();
    assert_is_shown(&text);
    let harmless = |byte: u8| byte.is_ascii_graphic() && byte != b'\\' || byte == b' ';
    if bytes.iter().all(|&byte| harmless(byte)) {
        assert_eq!(text.as_bytes(), bytes);
    }
    if text.as_bytes() == bytes {
        assert!(!bytes.contains(&b'\\'));
    }
    assert_eq!(unescaped(&text), bytes);
}

/// The bytes again: `\\`, `\xNN`, `\u{NNNN}`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('x') {
            bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
            rest = &after[2..];
        } else {
            let (code, after) = rest.strip_prefix("u{").and_then(|rest| rest.split_once('}')).unwrap();
            let letter = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
            bytes.extend(letter.to_string().bytes());
            rest = after;
        }
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// No control character, and none that changes the direction of others.
fn assert_is_shown(text: &str) {
    let turns =
        |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    let bad = text.chars().find(|&c| c != '\n' && c.is_control() || turns(c));
    assert_eq!(bad, None, "{text:?}");
}

/// The bytes of a path index: read as strictly as they are written, in whatever gzip.
pub fn index(bytes: &[u8]) {
    match LayerIndex::from_bytes(bytes) {
        Ok(index) => {
            let again = index.to_bytes();
            assert_eq!(LayerIndex::from_bytes(&again).unwrap(), index);
            assert_eq!(unzipped(&again), unzipped(bytes), "one index, one text");
        }
        Err(error) => assert_is_shown(&error.to_string()),
    }
    // The same for what is compressed in it, which no change of the bytes reaches.
    let mut encoder = flate2::GzBuilder::new().operating_system(255).write(Vec::new(), flate2::Compression::new(6));
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    match LayerIndex::from_bytes(&encoder.finish().unwrap()) {
        Ok(index) => assert_eq!(unzipped(&index.to_bytes()), bytes, "one index, one text"),
        Err(error) => assert_is_shown(&error.to_string()),
    }
}
