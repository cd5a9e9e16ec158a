//! What nobody makes by accident: an answer in bounded time, never a panic.

use super::images::{DEBIAN, alone, run};
use proptest::prelude::*;

#[test]
fn files_that_include_each_other_are_read_once() {
    let files: String = (0..200)
        .map(|n| {
            format!("t etc/ld.so.conf.d/{n}.conf include *.conf ../ld.so.conf.d/*.conf|include /etc/ld.so.conf|\n")
        })
        .collect();
    let base = format!("{DEBIAN}\n{files}");
    let list = "x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 n=liblocal.so.1";
    assert_eq!(run(&[&base], &[("a", list)]), [""; 0]);
}

#[test]
fn a_program_with_too_many_libraries_and_directories_ends() {
    // Each of 300 libraries needs 100 that nobody has, in 250 directories that are all there; a hundred programs start.
    let needed: Vec<String> = (0..100).map(|n| format!("gone{n}.so")).collect();
    let path: Vec<String> = (0..250).map(|n| format!("/opt/a/{n}")).collect();
    let all: Vec<String> = (0..300).map(|n| format!("lib{n}.so")).collect();
    let mut list: String = (0..250).map(|n| format!("f opt/a/{n}/x\n")).collect();
    for n in 0..300 {
        list += &format!("o opt/a/0/lib{n}.so n={} r={}\n", needed.join(","), path.join(":"));
    }
    for n in 0..100 {
        list += &format!("x opt/a/bin/{n} i=/lib64/ld-linux-x86-64.so.2 n={} r={}\n", all.join(","), path.join(":"));
    }
    let told = alone(&list);
    assert!(told.iter().any(|told| told.starts_with("OM0401 LOOKUPS_EXHAUSTED")), "{told:?}");
}

#[test]
fn no_number_of_warnings_hides_an_error() {
    let mut list: String = (0..10_100).map(|n| format!("l opt/a/{n} ->/opt/gone{n}/x\n")).collect();
    list += "x opt/a/bin/a m=183:64";
    let told = alone(&list);
    assert!(told.iter().any(|told| told.starts_with("OM0401 LOOKUPS_EXHAUSTED")), "{}", told.len());
    assert!(told.iter().any(|told| told.starts_with("OM0403")), "{}", told.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Paths of any form anywhere: no panic, and the same answer again.
    #[test]
    fn no_facts_make_it_fail(
        words in proptest::collection::vec("(\\$ORIGIN|\\$LIB|\\$\\{|\\$|/|\\.\\.|a|b|:|lib|opt|;){1,6}", 12),
        links in proptest::collection::vec("(/|\\.\\.|a|opt/a|bin|x)(/(a|\\.\\.|bin|x|y)){0,3}", 4),
    ) {
        let w = |n: usize| words[n].replace([':', ';'], ":");
        let list = format!(
            "x opt/a/bin/x i=/{} n={},{} r={} s={} v={}:V d=W\n\
             o opt/a/lib/y.so n={} R={} s={}\n\
             s opt/a/bin/s {} {}\n\
             l opt/a/l ->{}\nl opt/a/m ->{}\nl opt/a/bin/l ->{}\nl opt/a/bin/m ->{}\n",
            w(0), w(1), w(2), w(3), w(4), w(1), w(5), w(6), w(7), w(8), w(9), links[0], links[1], links[2], links[3],
        );
        prop_assert_eq!(alone(&list), alone(&list));
    }
}
