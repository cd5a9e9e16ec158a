//! More findings than are kept: all are counted, and which are kept depends on nothing but the layers.

use super::lists::Set;
use crate::check::{Code, Finding, Policy, Report, Severity};

/// Eight layers with some of four hundred files in common, others outside their prefixes, and an agreement about a few.
fn report(threads: usize, most: usize) -> Report {
    let lists: Vec<(String, String, String)> = (0..8)
        .map(|n| {
            let shared = (0..400).filter(|file| file % (n + 2) == 0).map(|file| format!("f etc/{file:03} ={n}\n"));
            let outside = (0..30 * n).map(|file| format!("f srv/{n}/{file:03}\n"));
            let agreed = (0..50).map(|file| format!("f var/{file:03} ={n}\n"));
            let agreed = agreed.filter(|_| n < 2).collect::<String>();
            (
                format!("l{n}"),
                format!("/opt/l{n} /etc"),
                format!("f opt/l{n}/x\n") + &shared.chain(outside).collect::<String>() + &agreed,
            )
        })
        .collect();
    let layers: Vec<_> = lists.iter().map(|(name, owns, list)| (&**name, &**owns, &**list)).collect();
    let mut policy = Policy::default();
    policy.except(["/var", "/never"], ["l0", "l1"], "l1").unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| Set { base: &[], layers: &layers }.check_and_keep(most, &policy))
}

/// What a person would call one cause here: code and who takes part.
fn cause(finding: &Finding) -> String {
    format!("{} {:?}", finding.code(), finding.owners())
}

#[test]
fn of_each_cause_the_first_are_kept_and_the_others_counted() {
    let all = report(1, usize::MAX);
    assert!(all.findings.len() > 1_000 && all.many.is_empty(), "{}", all.findings.len());
    assert_eq!((all.agreed.len(), all.agreed_left_out), (50, 0));
    for most in [1, 40, 100, 400, 1_000] {
        let some = report(1, most);
        assert_eq!(some, report(16, most), "{most} are kept, whoever meets them first");
        let mut left_out = 0;
        let mut causes: Vec<String> = all.findings.iter().map(cause).collect();
        causes.sort();
        causes.dedup();
        let of = |findings: &[Finding], wanted: &str| -> Vec<Finding> {
            findings.iter().filter(|finding| cause(finding) == wanted).cloned().collect()
        };
        let kept: Vec<usize> = causes.iter().map(|cause| of(&some.findings, cause).len()).collect();
        let most_of_one = *kept.iter().max().unwrap();
        for (cause_of, kept) in causes.iter().zip(kept) {
            let (all, some_of) = (of(&all.findings, cause_of), of(&some.findings, cause_of));
            assert_eq!(some_of, all[..kept], "the first of {cause_of}");
            assert_eq!(kept, all.len().min(most_of_one), "as many as of any other");
            if let Some(many) = some.many.iter().find(|many| cause(&many.like) == *cause_of) {
                assert_eq!((&many.like, many.left_out as usize), (&all[0], all.len() - kept));
                assert_eq!(many.last.as_ref(), all.last().unwrap().path());
                left_out += many.left_out as usize;
            }
        }
        assert!(some.findings.len() <= most.max(causes.len()));
        // Twice as many of each would have been too many.
        assert!(some.findings.len() * 2 + causes.len() > most.min(all.findings.len()), "{most}");
        assert_eq!(some.findings.len() + left_out, all.findings.len());
        for severity in [Severity::Error, Severity::Warning] {
            assert_eq!(some.count(severity), all.count(severity));
        }
        assert_eq!(some.agreed[..], all.agreed[..most.min(50)]);
        assert_eq!(some.agreed_left_out as usize, 50 - most.min(50));
    }
}

/// As many as a report keeps, of claims that each have a place of their own.
#[test]
fn findings_whose_claims_lie_elsewhere_are_bounded_as_well() {
    const COUNT: usize = 20_000;
    let list = |line: &dyn Fn(usize) -> String| (0..COUNT).map(line).collect::<String>();
    let (upper, lower) = (list(&|n| format!("f srv/N{n:05}\n")), list(&|n| format!("f srv/n{n:05}\n")));
    let spelling = Set { base: &[], layers: &[("a", "/opt/a /srv", &upper), ("b", "/opt/b /srv", &lower)] };
    // The base hands its group on to `d`, and says of the directory above it what the layer leaves open: two causes.
    let (setgid, below) = (list(&|n| format!("d srv/{n:05} 2755\n")), list(&|n| format!("f srv/{n:05}/d/f\n")));
    let groups = Set { base: &[&setgid], layers: &[("a", "/opt/a /srv", &below)] };
    for (code, set, causes, of_each) in
        [(Code::CaseOnly, spelling, 1, 8_191), (Code::DirectoryAttributes, groups, 2, 4_095)]
    {
        let report = set.check(&Policy::default());
        // Of each cause as many, one less than a power of two, and ten thousand at most in all.
        assert_eq!((report.findings.len(), report.many.len()), (causes * of_each, causes), "{code}");
        assert!(report.findings.iter().all(|finding| finding.code() == code));
        assert!(report.many.iter().all(|many| many.left_out as usize == COUNT - of_each));
    }
}
