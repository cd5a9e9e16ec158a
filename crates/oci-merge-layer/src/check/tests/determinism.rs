//! The same findings for any number of threads, and for any order of the layers.

use super::lists::{Set, in_short};
use crate::check::Policy;

/// Many layers with conflicts of every kind, larger than what one thread takes at a time.
fn lists() -> Vec<(String, String, String)> {
    (0..12)
        .map(|n| {
            let mut list = format!("d opt/shared {}\n", if n % 5 == 0 { "2775" } else { "0755" });
            for file in 0..400 {
                list += &format!("f opt/{n}/bin/{file}/x =1\n");
                if file % 40 == n {
                    list += &format!("f opt/shared/{file} ={}\nf opt/shared/{file}.d/x\nf etc/{file}\n", n % 3);
                    list += &format!("l opt/{}/bin/{file} ->y\n", (n + 1) % 12);
                }
            }
            (format!("layer{n}"), format!("/opt/{n} /opt/shared"), list)
        })
        .collect()
}

#[test]
fn threads_and_order_do_not_matter() {
    let lists = lists();
    let base = ["d opt/shared 0700\nf opt/0/x\nf opt/shared/7/y", "w opt/.wh.shared\nw etc/.wh.3"];
    let run = |threads: usize, order: &[usize]| {
        let layers: Vec<_> = order.iter().map(|&n| &lists[n]).map(|(a, b, c)| (&**a, &**b, &**c)).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Set { base: &base, layers: &layers }.check(&Policy::default()))
    };
    let ascending: Vec<usize> = (0..lists.len()).collect();
    let one = run(1, &ascending);
    assert!(one.findings.len() > 100, "{}", one.findings.len());
    assert!(one.findings.is_sorted());
    assert_eq!(one, run(16, &ascending));
    let shuffled = run(16, &[7, 3, 11, 0, 5, 1, 9, 2, 10, 8, 4, 6]);
    let in_short =
        |report: &crate::check::Report| report.findings.iter().map(|f| (in_short(f), f.more())).collect::<Vec<_>>();
    let sorted = |mut all: Vec<(String, u64)>| {
        all.sort();
        all
    };
    assert_eq!(sorted(in_short(&one)), sorted(in_short(&shuffled)));
    assert_eq!(one.paths, shuffled.paths);
}
