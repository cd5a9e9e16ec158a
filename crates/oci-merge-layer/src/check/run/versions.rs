//! Names of versions: `GLIBC_2.38` is of the family `GLIBC`, and greater than `GLIBC_2.4`.

use oci_merge_image::shown;
use std::collections::BTreeMap;

/// The greatest version of each family, in the order of the families; a name without a number stands for itself.
pub(super) fn greatest(versions: &[Vec<u8>]) -> Vec<String> {
    let mut families: BTreeMap<&[u8], (Vec<u64>, &[u8])> = BTreeMap::new();
    for version in versions {
        let (family, number) = split(version);
        let known = families.entry(family).or_insert_with(|| (number.clone(), version));
        if number > known.0 {
            *known = (number, version);
        }
    }
    families.values().map(|(_, version)| shown(version).to_string()).collect()
}

/// The greatest versions that are there of the families of those that are not.
pub(super) fn greatest_like(defined: &[Vec<u8>], lacking: &[Vec<u8>]) -> Vec<String> {
    let families: Vec<&[u8]> = lacking.iter().map(|version| split(version).0).collect();
    let alike: Vec<Vec<u8>> = defined.iter().filter(|version| families.contains(&split(version).0)).cloned().collect();
    greatest(&alike)
}

/// `GLIBC` and 2, 38.
fn split(version: &[u8]) -> (&[u8], Vec<u64>) {
    let at = version.iter().rposition(|&b| b == b'_').unwrap_or(version.len());
    let (family, number) = version.split_at(at);
    let parts = number.get(1..).unwrap_or_default().split(|&b| b == b'.');
    let numbers = parts.map(|part| std::str::from_utf8(part).ok()?.parse().ok()).collect::<Option<Vec<u64>>>();
    numbers.map_or((version, Vec::new()), |numbers| (family, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<Vec<u8>> {
        names.iter().map(|name| name.as_bytes().to_vec()).collect()
    }

    #[test]
    fn versions_are_compared_as_numbers_within_a_family() {
        let needed = names(&["GLIBC_2.4", "GLIBC_2.38", "GLIBCXX_3.4.9", "GLIBCXX_3.4.30", "GLIBC_PRIVATE", "X"]);
        assert_eq!(greatest(&needed), ["GLIBC_2.38", "GLIBCXX_3.4.30", "GLIBC_PRIVATE", "X"]);
        let defined = names(&["GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_PRIVATE", "CXXABI_1.3"]);
        assert_eq!(greatest_like(&defined, &names(&["GLIBC_2.38"])), ["GLIBC_2.36"]);
        assert_eq!(greatest_like(&defined, &names(&["OPENSSL_3.0.0"])), [""; 0]);
    }
}
