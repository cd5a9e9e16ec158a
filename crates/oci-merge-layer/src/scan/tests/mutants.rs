//! Archives with something changed about them, by number: what all readers are held against.
//!
//! Each is one of a few honest archives with up to three changes: fields of headers with the checksum made right again,
//! PAX records, GNU long names, the order of blocks, a cut. One in four is in gzip, in several members.

use super::tar::{Header, Tar, record};
use crate::archive::tests::gzip::member;

/// SplitMix64: the same archives on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// The tar of a number, and the blob that it is in: itself, or gzip members.
pub(crate) fn mutant(number: u64) -> (Vec<u8>, Vec<u8>) {
    let mut random = Random(number);
    let mut tar = honest(&mut random);
    for _ in 0..random.below(4) {
        change(&mut tar, &mut random);
    }
    if !number.is_multiple_of(4) {
        return (tar.clone(), tar);
    }
    let (start, end) = tar.split_at(random.below(tar.len() + 1));
    let empty = if random.below(2) == 0 { member(&[]) } else { Vec::new() };
    (tar.clone(), [member(start), empty, member(end)].concat())
}

fn name(random: &mut Random) -> String {
    let names = ["a", "b", "opt/c", "./d", "opt//e/", "/f", "caf\u{e9}", "g h\\n", "opt/\x1b[1m"];
    let mut name = String::from(random.pick(&names));
    for _ in 0..random.below(3) {
        name += &format!("/{}", random.pick(&["x", "y z", ".", "\u{f6}", "-"]));
    }
    name
}

/// Entries that go together, each in a form of its own.
fn honest(random: &mut Random) -> Vec<u8> {
    let mut tar = Tar::new();
    for number in 0..1 + random.below(5) {
        let name = format!("{}.{number}", name(random).trim_end_matches('/'));
        let content = "content ".repeat(random.pick(&[0, 1, 64, 65, 200]));
        let header = Header::file(&name);
        tar = match random.below(14) {
            0 => tar.dir(&format!("{name}/")),
            1 => tar.entry(header, content),
            2 => tar.entry(header.gnu(), content),
            3 => tar.entry(header.v7(), content),
            4 => tar.pax(&[("path", &format!("{name}/{}", "p".repeat(120)))]).entry(header, content),
            5 => tar.long(b'L', format!("{name}/{}\0", "g".repeat(120))).entry(header.gnu(), content),
            6 => tar.header(&Header::symlink(&name, "../target")),
            7 => tar.pax(&[("linkpath", &"t/".repeat(80))]).header(&Header::symlink(&name, "")),
            8 => tar.long(b'K', format!("{}\0", "k/".repeat(80))).header(&Header::symlink(&name, "").gnu()),
            9 => tar.header(&Header::new(b'6', &name)),
            10 => tar.entry(Header::file("last").with(345, "opt/prefix"), content),
            11 => tar.entry(header, &content).header(&Header::hard_link(&format!("{name}.link"), &format!("./{name}"))),
            12 => {
                let records = [("mtime", "1700000000.25"), ("uid", "70000"), ("SCHILY.xattr.user.a", "x=y")];
                tar.pax(&records).entry(header, content)
            }
            _ => tar.entry(header.gnu().with(108, [0x80, 0, 0, 0, 0, 1, 0, 0]).with(136, " 1234567 "), content),
        };
    }
    tar.end()
}

/// Where the headers are, those that extensions have included.
fn headers(tar: &[u8]) -> Vec<usize> {
    (0..tar.len() / 512)
        .map(|block| block * 512)
        .filter(|&at| {
            let sum = tar[at..at + 512].iter().map(|&b| u32::from(b)).sum::<u32>();
            let field = &tar[at + 148..at + 156];
            let own = field.iter().map(|&b| u32::from(b)).sum::<u32>();
            let said = std::str::from_utf8(&field[..6]).ok().and_then(|text| u32::from_str_radix(text, 8).ok());
            said == Some(sum - own + 8 * 32)
        })
        .collect()
}

fn change(tar: &mut Vec<u8>, random: &mut Random) {
    let headers = headers(tar);
    if headers.is_empty() {
        return;
    }
    let at = random.pick(&headers);
    match random.below(10) {
        // A byte of a field that has a meaning.
        0..3 => {
            let (field, length) = random.pick(&[
                (0, 100),
                (100, 8),
                (108, 8),
                (116, 8),
                (124, 12),
                (136, 12),
                (157, 100),
                (257, 8),
                (265, 64),
                (329, 16),
                (345, 155),
                (500, 12),
            ]);
            tar[at + field + random.below(length)] = random.pick(b"\0 /.0123456789\x80\xff\nax");
        }
        3 => tar[at + 156] = random.pick(b"\x00012345670LKxgSVXA"),
        // A field of another header.
        4 => {
            let (from, (field, length)) = (
                random.pick(&headers),
                random.pick(&[(0, 100), (100, 8), (124, 12), (157, 100), (257, 8), (345, 155)]),
            );
            tar.copy_within(from + field..from + field + length, at + field);
        }
        // A record, or one more of them, in a PAX header that has room.
        5 if tar[at + 156] == b'x' => {
            let key = random.pick(&["path", "linkpath", "size", "uid", "mtime", "comment", "GNU.sparse.major", "V.a"]);
            let value = random.pick(&[&b"0"[..], b"7", b"opt/pax", b"", b"1.5", b"\0", b"a=b", b"x\ny", b"-1"]);
            let mut more = record(key, value);
            if random.below(4) == 0 {
                more[0] = random.pick(b"0123456789 ");
            }
            add_to_body(tar, at, &more);
        }
        // A byte of what an extension says.
        5 | 6 if matches!(tar[at + 156], b'x' | b'L' | b'K') && at + 1024 <= tar.len() => {
            tar[at + 512 + random.below(200)] = random.pick(b"\0 /.=0123456789\nap\xff");
        }
        // Two blocks trade places, or one comes twice.
        7 => {
            let other = random.pick(&headers);
            let block = tar[at..at + 512].to_vec();
            if random.below(2) == 0 {
                tar.copy_within(other..other + 512, at);
                tar[other..other + 512].copy_from_slice(&block);
            } else {
                tar.splice(other..other, block);
            }
            return;
        }
        8 => {
            tar.drain(at..at + 512);
            return;
        }
        _ => {
            let length = if random.below(4) == 0 { random.below(tar.len()) } else { tar.len() };
            tar.truncate(length);
            return;
        }
    }
    // Most keep a right checksum, or there would be nothing else to see.
    if random.below(16) > 0 {
        tar[at + 148..at + 156].fill(b' ');
        let sum = tar[at..at + 512].iter().map(|&b| u32::from(b)).sum::<u32>();
        tar[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// Adds to the body of an extension, if its last block has room; the header says so.
fn add_to_body(tar: &mut [u8], at: usize, more: &[u8]) {
    let size = std::str::from_utf8(&tar[at + 124..at + 135]).ok().and_then(|text| usize::from_str_radix(text, 8).ok());
    let Some(size) = size.filter(|size| size % 512 + more.len() <= 512 && at + 512 + size + more.len() <= tar.len())
    else {
        return;
    };
    tar[at + 512 + size..at + 512 + size + more.len()].copy_from_slice(more);
    tar[at + 124..at + 135].copy_from_slice(format!("{:011o}", size + more.len()).as_bytes());
}
